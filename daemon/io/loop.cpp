// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/loop.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <system_error>
#include <utility>

#include "daemon/io/poller.h"

namespace revertd {
namespace {

/// After so many batches of ready descriptors Asio's own work gets its turn.
constexpr int kBatchesPerTurn = 8;

/// A one-shot timer descriptor on CLOCK_BOOTTIME. Edge-triggered, so that it need not be read.
class TimerDescriptor final : public Watcher {
  public:
    explicit TimerDescriptor(Poller& poller)
        : poller_(poller), fd_(timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC)) {
        if (fd_ < 0 || !poller_.set(fd_, EPOLLIN | EPOLLET, *this)) {
            throw std::system_error(errno, std::generic_category(), "create a timer descriptor");
        }
    }

    ~TimerDescriptor() override {
        poller_.remove(fd_, *this);
        close(fd_);
    }

    void on_ready(std::uint32_t) override { expired_ = true; }

    void arm(Duration wait) {
        const Duration positive = std::max(wait, Duration(1));  // zero would disarm
        itimerspec spec{};
        spec.it_value.tv_sec = positive / 1s;
        spec.it_value.tv_nsec = (positive % 1s).count();
        timerfd_settime(fd_, 0, &spec, nullptr);
    }

    [[nodiscard]] bool take_expired() { return std::exchange(expired_, false); }

  private:
    Poller& poller_;
    int fd_;
    bool expired_ = false;
};

void abort_on_failure(const std::string& task, const std::string& what) {
    std::fprintf(stderr, "revertd: task %s failed: %s\n", task.c_str(), what.c_str());
    std::abort();
}

}  // namespace

class Loop::Impl {
  public:
    explicit Impl(const Clock& clock_) : clock(clock_), timer(poller), ready(context, poller.fd()) { wait(); }

    ~Impl() { ready.release(); }  // the poller closes it

    void wait() {
        ready.async_wait(boost::asio::posix::descriptor_base::wait_read,
                         [this](const boost::system::error_code& error) {
                             if (error) return;
                             turn();
                             wait();
                         });
    }

    /// An answer that is already here is read before its deadline fires: hence timers last.
    void turn() {
        in_turn = true;
        for (int batch = 0; batch < kBatchesPerTurn && poller.dispatch(); ++batch) continue;
        if (timer.take_expired()) fire();
        in_turn = false;
        arm();
    }

    void fire() {
        const Time now = clock.now().at;
        if (armed) lag = std::max(lag, now - *armed);
        armed.reset();
        timers.fire(now);
    }

    void arm() {
        if (in_turn) return;  // once a turn is enough
        const Time now = clock.now().at;
        const std::optional<Time> wake = timers.next_wake(now);
        if (!wake || (armed && *armed <= *wake))
            return;  // too early a wake-up is harmless, and cheaper than setting it anew
        armed = wake;
        timer.arm(*wake - now);
    }

    const Clock& clock;
    boost::asio::io_context context{1};
    Poller poller;
    TimerDescriptor timer;
    SlotTimers timers;
    std::optional<Time> armed;
    bool in_turn = false;
    Duration lag{};
    TaskFailure task_failure = abort_on_failure;
    boost::asio::posix::stream_descriptor ready;
};

Loop::Loop(const Clock& clock) : impl_(std::make_unique<Impl>(clock)) {}

Loop::~Loop() = default;

void Loop::run() {
    impl_->context.run();
}

bool Loop::run_one() {
    return impl_->context.run_one() != 0;
}

void Loop::stop() {
    impl_->context.stop();
}

void Loop::post(std::function<void()> callback) {
    boost::asio::post(impl_->context, std::move(callback));
}

TimerId Loop::at(Time due, SlotTimers::Callback callback) {
    const TimerId id = impl_->timers.at(due, std::move(callback));
    impl_->arm();
    return id;
}

void Loop::cancel(TimerId timer) {
    impl_->timers.cancel(timer);
}

Time Loop::now() const {
    return impl_->clock.now().at;
}

const Clock& Loop::clock() const {
    return impl_->clock;
}

Poller& Loop::poller() {
    return impl_->poller;
}

boost::asio::io_context& Loop::context() {
    return impl_->context;
}

Duration Loop::take_lag() {
    return std::exchange(impl_->lag, Duration::zero());
}

void Loop::on_task_failure(TaskFailure handler) {
    impl_->task_failure = std::move(handler);
}

void Loop::task_failed(const std::string& task, const std::string& what) {
    impl_->task_failure(task, what);
}

}  // namespace revertd
