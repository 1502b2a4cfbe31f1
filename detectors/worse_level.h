// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>

#include "core/detector.h"

namespace revertd::detectors {

/// `worse than baseline` of a gauge or a rate: higher than before the deploy, and than the control group lets expect;
/// or a rate that falls silent while the control group's does not.
[[nodiscard]] std::unique_ptr<Detector> make_worse_level(const DetectorSetup& setup);

}  // namespace revertd::detectors
