// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

namespace revertd::api {

/// Strict UTF-8 without control characters: what may become a name, a reason, a line of the journal.
[[nodiscard]] bool is_plain_text(std::string_view text);

}  // namespace revertd::api
