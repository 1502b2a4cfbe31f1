// SPDX-License-Identifier: Apache-2.0
// `rollback:` as the plain tree that actions/ checks and expands.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "actions/spec.h"
#include "config/reader.h"
#include "core/settings.h"

namespace revertd::config {

/// Also says in `service` what the recipe can do. Nothing when it has errors.
[[nodiscard]] std::optional<RollbackSpec> read_rollback(const Node& node, ServiceSettings& settings,
                                                        Diagnostics& diagnostics);

/// `on_exhausted`: the same recipes, but no version to go to and nothing to ask (S34).
[[nodiscard]] std::optional<RollbackSpec> read_exhausted(const Node& node, Diagnostics& diagnostics);

/// The names that `do` may use: the recipe of each entry.
[[nodiscard]] std::vector<std::string> step_names(const RollbackSpec& spec);

}  // namespace revertd::config
