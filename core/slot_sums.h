// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>
#include <vector>

#include "core/bytes.h"
#include "core/slot_grid.h"

namespace revertd {

/// The last slots of one signal: a flat ring, one row of cells a slot (increases of requests, errors, buckets).
/// Rows are added up anew at each question: a window is short, and nothing can drift.
class SlotSums {
  public:
    SlotSums(std::size_t slots, std::size_t cells);

    /// More cells a row, the new ones 0 (a bucket that was not known).
    void widen(std::size_t cells);
    /// Slots between the newest and this one hold 0: nobody saw them.
    void push(SlotIndex slot, std::span<const double> cells);
    /// Adds the rows of `from` to `to`, as far as they are still kept, to `out`.
    void add_up(SlotIndex from, SlotIndex to, std::span<double> out) const;

    void save(ByteWriter& out) const;
    bool load(ByteReader& in);

  private:
    [[nodiscard]] std::span<double> row(SlotIndex slot);

    [[nodiscard]] SlotIndex oldest() const { return newest_ - static_cast<SlotIndex>(slots_) + 1; }

    std::size_t slots_, cells_;
    SlotIndex newest_ = -1;
    std::vector<double> values_;
};

}  // namespace revertd
