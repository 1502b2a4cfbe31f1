// SPDX-License-Identifier: Apache-2.0
#include "core/slot_sums.h"

#include <algorithm>

namespace revertd {

SlotSums::SlotSums(std::size_t slots, std::size_t cells)
    : slots_(std::max<std::size_t>(slots, 1)), cells_(cells), values_(slots_ * cells_, 0.0) {}

std::span<double> SlotSums::row(SlotIndex slot) {
    return std::span(values_).subspan(static_cast<std::size_t>(slot) % slots_ * cells_, cells_);
}

void SlotSums::widen(std::size_t cells) {
    if (cells <= cells_) return;
    std::vector<double> wider(slots_ * cells, 0.0);
    for (std::size_t slot = 0; slot < slots_; ++slot)
        std::copy_n(values_.begin() + static_cast<std::ptrdiff_t>(slot * cells_), cells_,
                    wider.begin() + static_cast<std::ptrdiff_t>(slot * cells));
    values_ = std::move(wider);
    cells_ = cells;
}

void SlotSums::push(SlotIndex slot, std::span<const double> cells) {
    const SlotIndex kept = slot - static_cast<SlotIndex>(slots_) + 1;
    for (SlotIndex missed = std::max(newest_ + 1, kept); missed < slot; ++missed) std::ranges::fill(row(missed), 0.0);
    newest_ = slot;
    std::ranges::copy(cells, row(slot).begin());
}

void SlotSums::add_up(SlotIndex from, SlotIndex to, std::span<double> out) const {
    from = std::max({from, oldest(), SlotIndex{0}});
    to = std::min(to, newest_);
    if (from > to) return;
    std::size_t place = static_cast<std::size_t>(from) % slots_;
    for (SlotIndex left = to - from + 1; left > 0; --left) {
        const double* cells = values_.data() + place * cells_;
        for (std::size_t i = 0; i < cells_; ++i) out[i] += cells[i];
        if (++place == slots_) place = 0;
    }
}

void SlotSums::save(ByteWriter& out) const {
    out.put(newest_);
    out.put(values_);
}

bool SlotSums::load(ByteReader& in) {
    constexpr SlotIndex kMost = SlotIndex{1} << 50;  // room for arithmetic
    if (!in.get(newest_) || newest_ < -1 || newest_ > kMost) return in.fail();
    return in.get_same(values_);
}

}  // namespace revertd
