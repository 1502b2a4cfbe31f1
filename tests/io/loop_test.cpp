// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/loop.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <stdexcept>
#include <thread>

#include "daemon/io/poller.h"
#include "daemon/io/system_clock.h"
#include "daemon/io/task.h"
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
    explicit Event(Poller& poller) : poller_(poller), fd_(eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC)) {
        EXPECT_TRUE(poller_.set(fd_, EPOLLIN, *this));
    }

    ~Event() override { stop(); }

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

TEST_F(LoopTest, names_the_task_that_failed) {
    std::string said;
    loop.on_task_failure([&](const std::string& task, const std::string& what) {
        said = task + ": " + what;
        loop.stop();
    });
    spawn(loop, "outbox", []() -> Task<> {
        throw std::runtime_error("no such thing");
        co_return;
    });
    loop.run();
    EXPECT_EQ(said, "outbox: no such thing");
}

TEST_F(LoopTest, runs_a_task_that_captures) {
    std::string done;
    const std::string text(100, 'x');
    spawn(loop, "copy", [&done, text, this]() -> Task<> {
        done = text;
        loop.stop();
        co_return;
    });
    loop.run();
    EXPECT_EQ(done, text);
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
