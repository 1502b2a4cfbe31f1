// SPDX-License-Identifier: Apache-2.0
// `compare`: the control group, by labels or by targets.
#pragma once
#include <optional>

#include "config/reader.h"
#include "config/signals.h"
#include "core/settings.h"

namespace revertd::config {

/// Target lists become `out.metrics` and `out.control_from`.
[[nodiscard]] std::optional<Compare> read_compare(const Node& node, ServiceSettings& out, Diagnostics& diagnostics);

}  // namespace revertd::config
