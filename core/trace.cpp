// SPDX-License-Identifier: Apache-2.0
#include "core/trace.h"

#include <cmath>
#include <limits>

namespace revertd {

void Trace::begin(std::size_t slots) {
    block_slots_ = (slots + kPoints - 1) / kPoints + (slots == 0 ? 1 : 0);
    newest_ = 0;
    blocks_.assign(kPoints, {});
}

void Trace::add(Time at, double value, double weight) {
    if (!running()) return;
    if (blocks_[newest_].slots >= block_slots_) {
        newest_ = (newest_ + 1) % blocks_.size();
        blocks_[newest_] = {};
    }
    Block& block = blocks_[newest_];
    block.at = at;
    ++block.slots;
    if (!std::isfinite(value) || !(weight > 0)) return;
    block.sum += value * weight;
    block.weight += weight;
}

std::vector<TracePoint> Trace::points() const {
    std::vector<TracePoint> out;
    for (std::size_t i = 1; i <= blocks_.size(); ++i) {
        const Block& block = blocks_[(newest_ + i) % blocks_.size()];
        if (block.slots == 0) continue;
        out.push_back(
            {block.at, block.weight > 0 ? block.sum / block.weight : std::numeric_limits<double>::quiet_NaN()});
    }
    return out;
}

}  // namespace revertd
