// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "core/clock.h"

namespace revertd {

enum class TimerId : std::uint64_t { None = 0 };

/// Timers that fire in slots of kSlot, so that hundreds of them share one wake-up. Pure: time is a parameter.
/// A min-heap with lazy cancellation: most timers are deadlines that are cancelled, and after warm-up nothing
/// allocates.
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

    struct Node {
        Callback callback;
        std::uint32_t generation = 1;
    };

    [[nodiscard]] static bool later(const Entry& a, const Entry& b);

    [[nodiscard]] bool is_live(const Entry& entry) const { return nodes_[entry.node].generation == entry.generation; }

    void pop_top();
    void drop_cancelled();
    void compact();
    Callback release(std::uint32_t node);

    std::vector<Entry> heap_;
    std::vector<Node> nodes_;
    std::vector<std::uint32_t> free_;
    std::size_t cancelled_ = 0;  // entries still in the heap
    std::uint64_t sequence_ = 0;
};

}  // namespace revertd
