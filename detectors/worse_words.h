// SPDX-License-Identifier: Apache-2.0
// What `worse than baseline` says beside what it finds.
#pragma once
#include <memory>
#include <string>

#include "core/detector.h"
#include "detectors/counts.h"
#include "detectors/power.h"

namespace revertd::detect {

/// "99.9 %", "99.95 %": never rounded up to what was not shown.
[[nodiscard]] std::string confidence_words(double alpha);

/// "more than 1.4 times the errors: excluded at 99.9 %"; empty: nothing is.
[[nodiscard]] std::string excluded_words(double most, const std::string& of_what, double alpha);

/// "no worse than before the deploy: 0.31 % of 15,000 requests failed, 0.3 % before"; "not surely worse" where they are
/// more, and it may be chance. `beside`: the comparison is the control group.
[[nodiscard]] std::string fine_words(const Events& now, const Events& reference, bool beside, bool failures);

/// Of a copy of what was learnt: it runs while the detector goes on.
[[nodiscard]] std::unique_ptr<PowerStudy> power_study(PowerTicks before, std::string what);

}  // namespace revertd::detect
