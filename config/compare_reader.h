// SPDX-License-Identifier: Apache-2.0
// `compare`: the control group, by labels or by targets.
#pragma once
#include <optional>

#include "config/reader.h"
#include "config/signals.h"
#include "core/settings.h"

namespace revertd::config {

/// `{track="canary"}`, with or without the braces, as text between them and as matchers.
[[nodiscard]] bool read_labels(const Node& node, std::string& text, std::vector<Matcher>& matchers,
                               Diagnostics& diagnostics);

/// Target lists become `out.metrics` and `out.control_from`.
[[nodiscard]] std::optional<Compare> read_compare(const Node& node, ServiceSettings& out, Diagnostics& diagnostics);

}  // namespace revertd::config
