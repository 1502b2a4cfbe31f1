// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>

#include "core/detector.h"

namespace revertd::detectors {

/// Every detector, one row each; config reads their sentences from here.
[[nodiscard]] std::span<const DetectorKind* const> all();

}  // namespace revertd::detectors
