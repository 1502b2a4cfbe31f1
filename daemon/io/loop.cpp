// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/loop.h"

#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>

#include "daemon/io/poller.h"

namespace revertd {
namespace {

/// After so many batches of ready descriptors timers get their turn.
constexpr int kBatchesPerTurn = 8;
/// And descriptors after so many things that were posted.
constexpr int kPostsPerTurn = 64;

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

/// What is to be done on the loop: Asio's executor, whose reactor is not used. It waits behind a descriptor of the
/// Poller, edge-triggered as well: one write tells of all that gathers until the loop comes to it.
class Posts final : public Watcher {
  public:
    explicit Posts(Poller& poller) : poller_(poller), fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
        if (fd_ < 0 || !poller_.set(fd_, EPOLLIN | EPOLLET, *this)) {
            throw std::system_error(errno, std::generic_category(), "create an event descriptor");
        }
    }

    ~Posts() override {
        poller_.remove(fd_, *this);
        close(fd_);
    }

    void add(std::function<void()> callback) {
        boost::asio::post(context_, std::move(callback));
        if (!told_.exchange(true)) wake();
    }

    void stop() {
        context_.stop();
        wake();
    }

    [[nodiscard]] bool stopped() const { return context_.stopped(); }

    void on_ready(std::uint32_t) override {
        told_ = false;
        for (int n = 0; n < kPostsPerTurn; ++n)
            if (context_.poll_one() == 0) return;
        if (!told_.exchange(true)) wake();
    }

  private:
    /// Ends the wait of the loop.
    void wake() const { static_cast<void>(eventfd_write(fd_, 1)); }

    Poller& poller_;
    int fd_;
    std::atomic<bool> told_ = false;
    boost::asio::io_context context_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> open_ = make_work_guard(context_);
};

}  // namespace

class Loop::Impl {
  public:
    explicit Impl(const Clock& clock_) : clock(clock_), timer(poller), posts(poller) {}

    /// An answer that is already here is read before its deadline fires: hence timers last.
    bool turn() {
        if (posts.stopped()) return false;
        in_turn = true;
        bool more = poller.dispatch(Poller::Wait::ForTheFirst);
        for (int batch = 1; more && batch < kBatchesPerTurn; ++batch) more = poller.dispatch(Poller::Wait::No);
        if (timer.take_expired()) fire();
        in_turn = false;
        arm();
        return true;
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
    Poller poller;
    TimerDescriptor timer;
    Posts posts;
    SlotTimers timers;
    std::optional<Time> armed;
    bool in_turn = false;
    Duration lag{};
};

Loop::Loop(const Clock& clock) : impl_(std::make_unique<Impl>(clock)) {}

Loop::~Loop() = default;

void Loop::run() {
    while (impl_->turn()) continue;
}

bool Loop::run_one() {
    return impl_->turn();
}

void Loop::stop() {
    impl_->posts.stop();
}

void Loop::post(std::function<void()> callback) {
    impl_->posts.add(std::move(callback));
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

Duration Loop::take_lag() {
    return std::exchange(impl_->lag, Duration::zero());
}

}  // namespace revertd
