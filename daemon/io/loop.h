// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>

#include "core/clock.h"
#include "daemon/io/input_mark.h"
#include "daemon/io/timers.h"

namespace revertd {

class Poller;

/// The one event loop: waits for a Poller's descriptors, for slot timers and for what is posted, in one system call a
/// turn. Everything but `post` and `stop` belongs to the thread that runs it.
class Loop {
  public:
    explicit Loop(const Clock& clock);
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    ~Loop();

    /// Until `stop`.
    void run();
    /// One turn: waits for something to do, and does what there is; false after `stop`.
    bool run_one();
    /// From any thread.
    void stop();
    /// Calls it on the loop's thread, soon. From any thread.
    void post(std::function<void()> callback);

    /// See SlotTimers: fires once, at the end of the slot that `due` is in.
    TimerId at(Time due, SlotTimers::Callback callback);
    void cancel(TimerId timer);

    [[nodiscard]] Time now() const;
    [[nodiscard]] const Clock& clock() const;
    [[nodiscard]] Poller& poller();

    /// What is being worked on; it begins in memory, without a file.
    [[nodiscard]] InputMark& mark() { return mark_; }

    /// How late the latest slot fired since this was last asked: what a busy loop adds to every deadline.
    [[nodiscard]] Duration take_lag();

  private:
    InputMark mark_;
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace revertd
