// SPDX-License-Identifier: Apache-2.0
// What a detector found, for a person who does not know the statistic: the numbers, what they are compared with, and
// the odds.
#pragma once
#include <string>
#include <string_view>

#include "detectors/deploy_test.h"

namespace revertd::detect {

/// "7.9 % of 12,410 requests failed, 26x the 0.3 % before; odds against a healthy deploy 1 : 40,000", and why more
/// evidence was needed than usual. `control`: the
/// comparison is the control group, not the time before. `endpoint`: its name, where it has one.
[[nodiscard]] std::string words(const Finding& finding, bool control, std::string_view endpoint = {});

/// "ten times the usual evidence is needed, because errors rose in the control group as well"; empty: no more is.
[[nodiscard]] std::string doubt_words(const Doubt& doubt);

/// "1 : 40,000"; two significant digits, and no more than a million: beyond it the model is no better than its words.
[[nodiscard]] std::string odds_words(double evidence);

}  // namespace revertd::detect
