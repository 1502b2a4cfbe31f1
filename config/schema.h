// SPDX-License-Identifier: Apache-2.0
// The JSON Schema (draft-07) of the configuration, for editors; made from the table of keys, so that it says what the
// daemon does.
#pragma once
#include <string>

namespace revertd::config {

/// The document, indented. It accepts what the table of keys accepts; what only the daemon can know (whether a signal
/// that a rule names exists, whether a role has members, how YAML was spelled) is listed in docs/configuration.md.
[[nodiscard]] std::string json_schema();

}  // namespace revertd::config
