// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>

#include "core/clock.h"

namespace revertd {

/// Notices that somebody set the wall clock (S40). Nothing follows from it; times in logs, pages and reports jump, and
/// their reader is told why.
class ClockSteps {
  public:
    /// By how much it was set since the last look; nothing if it was not. What a time service slews stays below.
    std::optional<Duration> look(const Now& now) {
        const Duration apart = now.wall.time_since_epoch() - now.at.time_since_epoch();
        const Duration by = apart - apart_.value_or(apart);
        apart_ = apart;
        if (by < kStep && by > -kStep) return std::nullopt;
        return by;
    }

  private:
    static constexpr Duration kStep = 500ms;
    std::optional<Duration> apart_;  ///< wall clock and timeline
};

}  // namespace revertd
