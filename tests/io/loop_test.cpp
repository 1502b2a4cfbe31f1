// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/loop.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "daemon/io/poller.h"
#include "daemon/io/signals.h"
#include "daemon/io/system_clock.h"
#include "tests/support/loop_driver.h"

namespace revertd {
namespace {

class LoopTest : public ::testing::Test {
  protected:
    SystemClock clock;
    Loop loop{clock};
};

TEST_F(LoopTest, fires_a_timer_in_its_slot_and_not_before) {
    const Time due = loop.now() + 15ms;
    Time fired;
    loop.at(due, [&] {
        fired = loop.now();
        loop.stop();
    });
    loop.run();
    EXPECT_GE(fired, due);
}

TEST_F(LoopTest, fires_timers_set_out_of_order_in_order) {
    std::string order;
    const Time now = loop.now();
    loop.at(now + 40ms, [&] { loop.stop(); });
    loop.at(now + 25ms, [&] { order += 'b'; });
    const TimerId cancelled = loop.at(now + 12ms, [&] { order += 'x'; });
    loop.at(now + 5ms, [&] {
        order += 'a';
        loop.cancel(cancelled);
    });
    loop.run();
    EXPECT_EQ(order, "ab");
}

TEST_F(LoopTest, calls_what_another_thread_posts) {
    int sum = 0;
    std::jthread other([&] {
        for (int i = 1; i <= 100; ++i) loop.post([&sum, i] { sum += i; });
        loop.post([this] { loop.stop(); });
    });
    loop.run();
    EXPECT_EQ(sum, 5050);
}

TEST_F(LoopTest, can_be_stopped_by_another_thread) {
    std::jthread other([this] { loop.stop(); });
    loop.run();
    EXPECT_FALSE(loop.run_one());
}

TEST_F(LoopTest, keeps_setting_timers_from_timers_without_starving_what_is_posted) {
    int fired = 0;
    const std::function<void()> again = [&] {
        ++fired;
        loop.at(loop.now(), again);
    };
    again();
    loop.post([this] { loop.stop(); });
    loop.run();
    EXPECT_GE(fired, 1);
}

/// A descriptor that is ready from the start.
class Event final : public Watcher {
  public:
    explicit Event(Poller& poller, std::uint32_t events = EPOLLIN)
        : poller_(poller), fd_(eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC)), events_(events) {
        set();
    }

    ~Event() override { stop(); }

    void set() { EXPECT_TRUE(poller_.set(fd_, events_, *this)); }

    void stop() {
        if (fd_ < 0) return;
        poller_.remove(fd_, *this);
        close(std::exchange(fd_, -1));
    }

    void on_ready(std::uint32_t) override {
        ++times;
        if (then) then();
    }

    int times = 0;
    std::function<void()> then;

  private:
    Poller& poller_;
    int fd_;
    std::uint32_t events_;
};

TEST_F(LoopTest, tells_again_of_a_descriptor_that_is_still_ready) {
    Event event(loop.poller());
    EXPECT_TRUE(test::run_until(loop, [&] { return event.times >= 20; }));
}

TEST_F(LoopTest, does_not_tell_a_watcher_that_was_removed_in_the_same_batch) {
    auto first = std::make_unique<Event>(loop.poller());
    auto second = std::make_unique<Event>(loop.poller());
    first->then = [&] { second.reset(); };
    second->then = [&] { first.reset(); };
    EXPECT_TRUE(test::run_until(loop, [&] { return !first || !second; }));
    EXPECT_TRUE(first || second);
}

TEST_F(LoopTest, an_answer_that_is_there_comes_before_its_deadline) {
    std::string order;
    Event event(loop.poller());
    event.then = [&] {
        order += 'a';
        event.stop();
    };
    loop.at(loop.now() - 1s, [&] {
        order += 'd';
        loop.stop();
    });
    loop.run();
    EXPECT_EQ(order, "ad");
}

TEST_F(LoopTest, measures_how_late_a_slot_was) {
    loop.at(loop.now(), [&] {
        const Time busy_until = loop.now() + 40ms;
        loop.at(loop.now() + 1ms, [this] { loop.stop(); });
        while (loop.now() < busy_until) continue;
    });
    loop.run();
    EXPECT_GE(loop.take_lag(), 29ms);
    EXPECT_EQ(loop.take_lag(), 0ms);
}

TEST_F(LoopTest, does_in_the_next_turn_what_is_posted_by_what_was_posted) {
    std::string order;
    loop.post([&] {
        order += 'a';
        loop.post([&] {
            order += 'c';
            loop.stop();
        });
    });
    loop.post([&] { order += 'b'; });
    loop.run();
    EXPECT_EQ(order, "abc");
}

TEST_F(LoopTest, does_nothing_more_of_what_was_posted_once_it_is_stopped) {
    std::string order;
    loop.post([&] { order += 'a'; });
    loop.post([&] { loop.stop(); });
    loop.post([&] { order += 'b'; });
    loop.run();
    EXPECT_FALSE(loop.run_one());
    EXPECT_EQ(order, "a");
}

TEST_F(LoopTest, tells_once_of_what_is_edge_triggered_and_again_if_it_is_set_anew) {
    Event event(loop.poller(), EPOLLIN | EPOLLET);
    EXPECT_TRUE(test::run_until(loop, [&] { return event.times == 1; }));
    for (int turn = 0; turn < 5; ++turn) {
        loop.post([] {});
        loop.run_one();
    }
    EXPECT_EQ(event.times, 1);
    event.set();
    EXPECT_TRUE(test::run_until(loop, [&] { return event.times == 2; }));
}

class SignalsTest : public LoopTest {
  protected:
    std::vector<int> told;
    Signals signals{loop, {SIGUSR1, SIGUSR2}, [this](int signal) { told.push_back(signal); }};
};

TEST_F(SignalsTest, are_told_on_the_loop_and_not_when_they_come) {
    ASSERT_EQ(std::raise(SIGUSR2), 0);
    EXPECT_TRUE(told.empty());
    EXPECT_TRUE(test::run_until(loop, [&] { return !told.empty(); }));
    EXPECT_EQ(told, std::vector{SIGUSR2});
}

TEST_F(SignalsTest, of_one_kind_are_one_and_of_two_kinds_are_two) {
    for (const int signal : {SIGUSR2, SIGUSR1, SIGUSR2}) ASSERT_EQ(std::raise(signal), 0);
    EXPECT_TRUE(test::run_until(loop, [&] { return told.size() == 2; }));
    EXPECT_EQ(told, (std::vector{SIGUSR1, SIGUSR2}));
    loop.post([] {});
    loop.run_one();
    EXPECT_EQ(told.size(), 2U);
}

TEST_F(SignalsTest, come_again_and_end_the_wait_of_the_loop) {
    for (std::size_t times = 1; times <= 3; ++times) {
        std::jthread other([] { ::kill(::getpid(), SIGUSR1); });
        EXPECT_TRUE(test::run_until(loop, [&] { return told.size() == times; }));
    }
}

TEST_F(LoopTest, a_signal_is_afterwards_handled_as_it_was_before) {
    static int handled = 0;
    std::signal(SIGUSR1, [](int) { ++handled; });
    {
        const Signals signals(loop, {SIGUSR1}, [](int) {});
        std::raise(SIGUSR1);
        EXPECT_EQ(handled, 0);
    }
    std::raise(SIGUSR1);
    EXPECT_EQ(handled, 1);
    std::signal(SIGUSR1, SIG_DFL);
}

TEST(SystemClock, never_goes_back_and_starts_where_it_is_told) {
    SystemClock clock(100h);
    EXPECT_GE(clock.now().at.time_since_epoch(), 100h);
    const Time before = clock.now().at;
    EXPECT_LE(before, clock.now().at);
    clock.set_offset(200h);
    EXPECT_GE(clock.now().at - before, 100h);
    EXPECT_EQ(clock.offset(), 200h);
    EXPECT_GT(since_boot(), 0s);
    EXPECT_GT(clock.now().wall, WallTime(1'700'000'000s));
}

TEST(SystemClock, knows_the_boot) {
    const auto id = read_boot_id();
    ASSERT_TRUE(id);
    EXPECT_EQ(id->size(), 36U);
    EXPECT_EQ(*id, *read_boot_id());
}

}  // namespace
}  // namespace revertd
