// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <optional>

#include "core/settings.h"

namespace revertd {

/// The health target of the process that a metrics target belongs to (S17): the one at the same host and port; else the
/// only one on the same host; else the one at the same place of a list of equal length, if it is on the same host.
[[nodiscard]] std::optional<std::size_t> own_health(const ServiceSettings& settings, std::size_t metrics_target);

}  // namespace revertd
