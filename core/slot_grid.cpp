// SPDX-License-Identifier: Apache-2.0
#include "core/slot_grid.h"

#include <algorithm>

namespace revertd {

SlotIndex SlotGrid::next(Time at) const {
    if (last_ < 0) return 0;
    const Duration since = at - origin_;
    SlotIndex slot = since / interval_;
    // Nothing is judged in the last tenth of a slot: an instant there is early for the next one.
    if (since % interval_ > interval_ - interval_ / 10) ++slot;
    return std::max(slot, last_ + 1);
}

SlotIndex SlotGrid::close(Time at) {
    const SlotIndex slot = next(at);
    origin_ = last_ < 0 ? at : std::min(origin_, at - slot * interval_);
    return last_ = slot;
}

void SlotGrid::save(ByteWriter& out) const {
    out.put(origin_);
    out.put(last_);
}

bool SlotGrid::load(ByteReader& in) {
    if (!in.get(origin_) || !in.get(last_) || last_ < -1 || last_ > ByteReader::kFarthest / interval_) return in.fail();
    return true;
}

}  // namespace revertd
