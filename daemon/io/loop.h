// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "core/clock.h"
#include "daemon/io/input_mark.h"
#include "daemon/io/timers.h"

namespace boost::asio {
class io_context;
}

namespace revertd {

class Poller;

/// The one event loop: an Asio io_context of one thread that also waits for a Poller and for slot timers.
/// Everything but `post` and `stop` belongs to the thread that runs it.
class Loop {
  public:
    /// A task that failed is a bug; by default the process says which one and aborts.
    using TaskFailure = std::function<void(const std::string& task, const std::string& what)>;

    explicit Loop(const Clock& clock);
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    ~Loop();

    /// Until `stop`.
    void run();
    /// Waits for something to do and does it; false after `stop`.
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
    [[nodiscard]] boost::asio::io_context& context();

    /// What is being worked on; it begins in memory, without a file.
    [[nodiscard]] InputMark& mark() { return mark_; }

    /// How late the latest slot fired since this was last asked: what a busy loop adds to every deadline.
    [[nodiscard]] Duration take_lag();

    void on_task_failure(TaskFailure handler);
    /// For `spawn` (task.h).
    void task_failed(const std::string& task, const std::string& what);

  private:
    InputMark mark_;
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace revertd
