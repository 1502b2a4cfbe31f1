// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include "core/bytes.h"
#include "core/clock.h"

namespace revertd {

using SlotIndex = std::int64_t;

/// How many whole slots cover a duration.
[[nodiscard]] constexpr std::size_t slots_in(Duration duration, Duration interval) {
    if (duration <= Duration::zero()) return 0;
    return static_cast<std::size_t>((duration + interval - Duration(1)) / interval);
}

/// Numbers the slots of a service. A slot is judged at its last answer or at 0.8 of the interval, so the instants
/// jitter while the grid does not: the earliest instant seen fixes the phase, and each judgement belongs to a later
/// slot than the one before.
class SlotGrid {
  public:
    explicit SlotGrid(Duration interval) : interval_(interval) {}

    /// The slot judged at `at`.
    SlotIndex close(Time at);

    /// Slots up to this one are over, nobody judged them.
    void skip_to(SlotIndex slot) { last_ = slot; }

    /// The last slot judged; -1 before the first.
    [[nodiscard]] SlotIndex last() const { return last_; }

    /// The slot that would be judged at `at`, at least the one after the last.
    [[nodiscard]] SlotIndex next(Time at) const;

    void save(ByteWriter& out) const;
    bool load(ByteReader& in);

  private:
    Duration interval_;
    Time origin_{};  ///< where slot 0 begins
    SlotIndex last_ = -1;
};

}  // namespace revertd
