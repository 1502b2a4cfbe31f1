// SPDX-License-Identifier: Apache-2.0
// Secrets are named, never written: where a file of one is, and which headers would carry one.
#pragma once
#include <string>

#include "config/load.h"
#include "config/reader.h"

namespace revertd::config {

/// Header lines that carry secrets by custom.
[[nodiscard]] bool is_secret_header(std::string name);

/// The name of a systemd credential, or an absolute path, as `options` allow to look it up.
[[nodiscard]] SecretPath read_secret(const Node& node, const LoadOptions& options, Diagnostics& diagnostics);

}  // namespace revertd::config
