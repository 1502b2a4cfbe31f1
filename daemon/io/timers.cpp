// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/timers.h"

#include <algorithm>
#include <utility>

#include "daemon/io/limits.h"

namespace revertd {
namespace {

/// Below this size dead entries do not matter.
constexpr std::size_t kCompactFrom = 64;

Time slot_end(Time due) {
    const Duration since = due.time_since_epoch();
    const Duration over = since % kSlot;
    return over > Duration::zero() ? due + (kSlot - over) : due;
}

}  // namespace

bool SlotTimers::later(const Entry& a, const Entry& b) {
    return a.due != b.due ? a.due > b.due : a.sequence > b.sequence;
}

TimerId SlotTimers::at(Time due, Callback callback) {
    if (free_.empty()) {
        free_.push_back(static_cast<std::uint32_t>(nodes_.size()));
        nodes_.emplace_back();
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    Node& node = nodes_[index];
    node.callback = std::move(callback);
    heap_.push_back({due, sequence_++, index, node.generation});
    std::push_heap(heap_.begin(), heap_.end(), later);
    return static_cast<TimerId>((static_cast<std::uint64_t>(node.generation) << 32) | index);
}

void SlotTimers::cancel(TimerId id) {
    const auto bits = static_cast<std::uint64_t>(id);
    const auto index = static_cast<std::uint32_t>(bits);
    if (id == TimerId::None || index >= nodes_.size()) return;
    if (nodes_[index].generation != static_cast<std::uint32_t>(bits >> 32)) return;
    release(index);
    ++cancelled_;
    compact();
}

std::optional<Time> SlotTimers::next_wake(Time now) {
    drop_cancelled();
    if (heap_.empty()) return std::nullopt;
    const Time due = heap_.front().due;
    return due <= now ? due : slot_end(due);
}

void SlotTimers::fire(Time now) {
    const std::uint64_t last = sequence_;
    for (drop_cancelled(); !heap_.empty() && heap_.front().due <= now; drop_cancelled()) {
        if (heap_.front().sequence >= last) return;
        const Callback callback = release(heap_.front().node);
        pop_top();
        callback();
    }
}

SlotTimers::Callback SlotTimers::release(std::uint32_t index) {
    Node& node = nodes_[index];
    if (++node.generation == 0) node.generation = 1;  // so that no id is ever None
    free_.push_back(index);
    return std::exchange(node.callback, nullptr);
}

void SlotTimers::pop_top() {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    heap_.pop_back();
}

void SlotTimers::drop_cancelled() {
    while (!heap_.empty() && !is_live(heap_.front())) {
        pop_top();
        --cancelled_;
    }
}

void SlotTimers::compact() {
    if (heap_.size() < kCompactFrom || cancelled_ * 2 < heap_.size()) return;
    std::erase_if(heap_, [this](const Entry& entry) { return !is_live(entry); });
    std::make_heap(heap_.begin(), heap_.end(), later);
    cancelled_ = 0;
}

}  // namespace revertd
