// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "core/clock.h"

namespace revertd {

enum class TimerId : std::uint64_t { None = 0 };

/// The first boundary between slots that is not before `due`.
[[nodiscard]] Time slot_end(Time due);

/// Timers that fire in slots of kSlot, so that hundreds of them share one wake-up. Pure: time is a parameter.
/// Most timers are set as far ahead as the one before them, and most deadlines are cancelled: so they stand in a few
/// lanes, each in the order of its times, in which one is added at the end and taken from the front; what fits no lane
/// goes into a min-heap. Cancelled ones are passed over. After warm-up nothing allocates.
class SlotTimers {
  public:
    using Callback = std::function<void()>;

    /// Fires once, at the first slot boundary not before `due`. A `due` that is past fires as soon as possible.
    TimerId at(Time due, Callback callback);

    /// Nothing happens if it has fired, was cancelled, or is None.
    void cancel(TimerId id);

    /// When `fire` is to be called next; not later than `now` if something is due.
    [[nodiscard]] std::optional<Time> next_wake(Time now);

    /// Calls what is due in the order of the times, equal times in the order of their setting. What the callbacks add
    /// waits for the next call, so that a timer that sets itself again cannot keep the loop.
    void fire(Time now);

  private:
    struct Entry {
        Time due;
        std::uint64_t sequence;
        std::uint32_t node;
        std::uint32_t generation;
    };

    /// A ring that grows.
    class Lane {
      public:
        [[nodiscard]] std::size_t size() const { return size_; }

        [[nodiscard]] const Entry& front() const { return ring_[first_]; }

        [[nodiscard]] const Entry& back() const { return ring_[(first_ + size_ - 1) & (ring_.size() - 1)]; }

        void push(const Entry& entry);

        void pop() {
            first_ = (first_ + 1) & (ring_.size() - 1);
            --size_;
        }

      private:
        std::vector<Entry> ring_;  // a power of two, or none yet
        std::size_t first_ = 0, size_ = 0;
    };

    struct Node {
        Callback callback;
        std::uint32_t generation = 1;
    };

    /// Targets of few different intervals, each with its deadline.
    static constexpr std::size_t kLanes = 4;
    static constexpr std::size_t kHeap = kLanes, kNowhere = kLanes + 1;

    [[nodiscard]] static bool later(const Entry& a, const Entry& b);

    [[nodiscard]] bool is_live(const Entry& entry) const { return nodes_[entry.node].generation == entry.generation; }

    void put(const Entry& entry);
    [[nodiscard]] const Entry& first_of(std::size_t place) const;
    void pop(std::size_t place);
    [[nodiscard]] std::size_t earliest();
    void compact();
    Callback release(std::uint32_t node);

    std::array<Lane, kLanes> lanes_;
    std::vector<Entry> heap_;
    std::vector<Node> nodes_;
    std::vector<std::uint32_t> free_;
    std::size_t waiting_ = 0;    // entries, wherever they are
    std::size_t cancelled_ = 0;  // of these
    std::uint64_t sequence_ = 0;
};

}  // namespace revertd
