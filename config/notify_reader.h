// SPDX-License-Identifier: Apache-2.0
// `notify`, and how people are reached.
#pragma once
#include "config/load.h"
#include "config/reader.h"

namespace revertd::config {

[[nodiscard]] NotifySettings read_notify(const Node& root, const LoadOptions& options, Diagnostics& diagnostics);

/// The ladder of a list such as `[oncall, 15m, leads, 30m, mail cto@example.com]`.
[[nodiscard]] std::vector<Rung> read_ladder(const Node& node, const NotifySettings& notify, Diagnostics& diagnostics);

[[nodiscard]] std::vector<Hours> read_hours(const Node& node);

}  // namespace revertd::config
