// SPDX-License-Identifier: Apache-2.0
#include "core/baseline.h"

#include <algorithm>

namespace revertd {
namespace {

constexpr std::size_t kBlocks =
    60;  // 1 m of the default hour: coarse enough to be small, fine enough to cut at a deploy

}  // namespace

// One block more than the baseline is long: the one being filled does not count yet.
Baseline::Baseline(std::size_t slots, std::size_t cells)
    : slots_(std::max<std::size_t>(slots, 1)),
      cells_(cells),
      block_slots_((slots_ + kBlocks - 1) / kBlocks),
      blocks_((slots_ + block_slots_ - 1) / block_slots_ + 1),
      values_(blocks_.size() * cells_, 0.0),
      sums_(cells_, 0.0) {}

std::span<double> Baseline::cells_of(std::size_t block) {
    return std::span(values_).subspan(block * cells_, cells_);
}

void Baseline::widen(std::size_t cells) {
    if (cells <= cells_) return;
    std::vector<double> wider(blocks_.size() * cells, 0.0);
    for (std::size_t block = 0; block < blocks_.size(); ++block)
        std::ranges::copy(cells_of(block), wider.begin() + static_cast<std::ptrdiff_t>(block * cells));
    values_ = std::move(wider);
    sums_.resize(cells, 0.0);
    cells_ = cells;
}

void Baseline::erase(std::size_t block) {
    blocks_[block] = Block{};
    std::ranges::fill(cells_of(block), 0.0);
}

Baseline::Block& Baseline::current(Time at) {
    if (blocks_[filling_].used >= block_slots_) {
        filling_ = (filling_ + 1) % blocks_.size();
        erase(filling_);
        add_up(false);
    }
    Block& block = blocks_[filling_];
    block.last = at;
    return block;
}

void Baseline::add(std::span<const double> cells, Time at) {
    Block& block = current(at);
    ++block.used;
    ++block.seen;
    const auto sums = cells_of(filling_);
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += cells[i];
}

void Baseline::skip(std::uint64_t slots, Time at) {
    // More than the whole baseline makes no difference: bounded work after a long suspend.
    for (slots = std::min<std::uint64_t>(slots, (blocks_.size() + 1) * block_slots_); slots > 0; --slots)
        ++current(at).used;
}

void Baseline::freeze(Time at) {
    for (std::size_t block = 0; block < blocks_.size(); ++block)
        if (blocks_[block].used > 0 && blocks_[block].last > at) erase(block);
    add_up(true);
}

void Baseline::add_up(bool with_current) {
    std::ranges::fill(sums_, 0.0);
    seen_ = 0;
    for (std::size_t block = 0; block < blocks_.size(); ++block) {
        if (block == filling_ && !with_current) continue;
        seen_ += blocks_[block].seen;
        const auto cells = cells_of(block);
        for (std::size_t i = 0; i < cells_; ++i) sums_[i] += cells[i];
    }
}

void Baseline::save(ByteWriter& out) const {
    for (const Block& block : blocks_) {
        out.put(block.used);
        out.put(block.seen);
        out.put(block.last);
    }
    out.put(values_);
    out.put(static_cast<std::uint32_t>(filling_));
    out.put(sums_);
    out.put(seen_);
}

bool Baseline::load(ByteReader& in) {
    for (Block& block : blocks_) {
        if (!in.get(block.used) || !in.get(block.seen) || !in.get(block.last)) return false;
        if (block.used > block_slots_ || block.seen > block.used) return in.fail();
    }
    std::uint32_t filling = 0;
    if (!in.get_same(values_) || !in.get(filling) || filling >= blocks_.size()) return in.fail();
    filling_ = filling;
    if (!in.get_same(sums_) || !in.get(seen_) || seen_ > blocks_.size() * block_slots_) return in.fail();
    return true;
}

}  // namespace revertd
