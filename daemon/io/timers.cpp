// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/timers.h"

#include <algorithm>
#include <utility>

#include "daemon/io/limits.h"

namespace revertd {
namespace {

/// Below this size dead entries do not matter.
constexpr std::size_t kCompactFrom = 64;

}  // namespace

Time slot_end(Time due) {
    const Duration since = due.time_since_epoch();
    const Duration over = since % kSlot;
    return over > Duration::zero() ? due + (kSlot - over) : due;
}

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
    put({due, sequence_++, index, node.generation});
    ++waiting_;
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
    const std::size_t place = earliest();
    if (place == kNowhere) return std::nullopt;
    const Time due = first_of(place).due;
    return due <= now ? due : slot_end(due);
}

void SlotTimers::fire(Time now) {
    const std::uint64_t last = sequence_;
    for (std::size_t place = earliest(); place != kNowhere; place = earliest()) {
        const Entry& entry = first_of(place);
        if (entry.due > now || entry.sequence >= last) return;
        const Callback callback = release(entry.node);
        pop(place);
        callback();
    }
}

SlotTimers::Callback SlotTimers::release(std::uint32_t index) {
    Node& node = nodes_[index];
    if (++node.generation == 0) node.generation = 1;  // so that no id is ever None
    free_.push_back(index);
    return std::exchange(node.callback, nullptr);
}

/// Into the lane whose end is nearest before it: others are left to those that are due earlier.
void SlotTimers::put(const Entry& entry) {
    Lane* best = nullptr;
    for (Lane& lane : lanes_) {
        if (lane.size() > 0 && lane.back().due > entry.due) continue;
        const bool nearer =
            best == nullptr || (lane.size() > 0 && (best->size() == 0 || lane.back().due > best->back().due));
        if (nearer) best = &lane;
    }
    if (best != nullptr) return best->push(entry);
    heap_.push_back(entry);
    std::push_heap(heap_.begin(), heap_.end(), later);
}

void SlotTimers::Lane::push(const Entry& entry) {
    if (size_ == ring_.size()) {
        constexpr std::size_t kFirstSize = 16;
        std::rotate(ring_.begin(), ring_.begin() + static_cast<std::ptrdiff_t>(first_), ring_.end());
        ring_.resize(std::max(kFirstSize, 2 * size_));
        first_ = 0;
    }
    ring_[(first_ + size_++) & (ring_.size() - 1)] = entry;
}

const SlotTimers::Entry& SlotTimers::first_of(std::size_t place) const {
    return place == kHeap ? heap_.front() : lanes_[place].front();
}

void SlotTimers::pop(std::size_t place) {
    --waiting_;
    if (place != kHeap) return lanes_[place].pop();
    std::pop_heap(heap_.begin(), heap_.end(), later);
    heap_.pop_back();
}

/// Where the entry that is due next is the first; on the way cancelled ones are taken out.
std::size_t SlotTimers::earliest() {
    std::size_t best = kNowhere;
    for (std::size_t place = 0; place <= kHeap; ++place) {
        const auto is_empty = [&] { return place == kHeap ? heap_.empty() : lanes_[place].size() == 0; };
        for (; !is_empty() && !is_live(first_of(place)); --cancelled_) pop(place);
        if (!is_empty() && (best == kNowhere || later(first_of(best), first_of(place)))) best = place;
    }
    return best;
}

void SlotTimers::compact() {
    if (waiting_ < kCompactFrom || cancelled_ * 2 < waiting_) return;
    for (Lane& lane : lanes_) {
        for (std::size_t left = lane.size(); left > 0; --left) {
            const Entry entry = lane.front();
            lane.pop();
            if (is_live(entry)) lane.push(entry);
        }
    }
    std::erase_if(heap_, [this](const Entry& entry) { return !is_live(entry); });
    std::make_heap(heap_.begin(), heap_.end(), later);
    waiting_ -= cancelled_;
    cancelled_ = 0;
}

}  // namespace revertd
