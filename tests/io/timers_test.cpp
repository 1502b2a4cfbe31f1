// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/timers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace revertd {
namespace {

constexpr Time at(Duration since) {
    return Time(since);
}

TEST(SlotTimers, wake_at_the_end_of_the_slot_and_never_early) {
    SlotTimers timers;
    timers.at(at(12ms), [] {});
    EXPECT_EQ(timers.next_wake(at(0ms)), at(20ms));
    timers.at(at(10ms), [] {});
    EXPECT_EQ(timers.next_wake(at(0ms)), at(10ms));
}

TEST(SlotTimers, end_a_slot_where_it_ends_already) {
    EXPECT_EQ(slot_end(at(12ms)), at(20ms));
    EXPECT_EQ(slot_end(at(20ms)), at(20ms));
    EXPECT_EQ(slot_end(at(20ms) + Duration(1)), at(30ms));
}

TEST(SlotTimers, keep_their_order_whatever_order_they_are_set_in) {
    for (const int step : {1, 7, -1, -7}) {  // rising, falling, and both in one another
        SlotTimers timers;
        std::vector<int> fired;
        constexpr int kTimers = 1000;
        for (int i = 0; i < kTimers; ++i) {
            const int due = (i * step % kTimers + kTimers) % kTimers;
            timers.at(at(due * 1ms), [&fired, due] { fired.push_back(due); });
        }
        for (int now = 0; now < kTimers; now += 100) timers.fire(at(now * 1ms));
        timers.fire(at(1s));
        EXPECT_EQ(fired.size(), static_cast<std::size_t>(kTimers));
        EXPECT_TRUE(std::is_sorted(fired.begin(), fired.end())) << step;
        EXPECT_FALSE(timers.next_wake(at(1s)));
    }
}

TEST(SlotTimers, are_due_at_once_when_their_time_is_past) {
    SlotTimers timers;
    timers.at(at(12ms), [] {});
    EXPECT_LE(timers.next_wake(at(15ms)).value(), at(15ms));
}

TEST(SlotTimers, fire_in_the_order_of_their_times_and_equal_ones_as_they_were_set) {
    SlotTimers timers;
    std::string order;
    timers.at(at(9ms), [&] { order += 'c'; });
    timers.at(at(3ms), [&] { order += 'a'; });
    timers.at(at(9ms), [&] { order += 'd'; });
    timers.at(at(5ms), [&] { order += 'b'; });
    timers.at(at(11ms), [&] { order += 'e'; });
    timers.fire(at(10ms));
    EXPECT_EQ(order, "abcd");
    timers.fire(at(20ms));
    EXPECT_EQ(order, "abcde");
    EXPECT_FALSE(timers.next_wake(at(20ms)));
}

TEST(SlotTimers, do_not_fire_when_cancelled) {
    SlotTimers timers;
    int fired = 0;
    const TimerId first = timers.at(at(5ms), [&] { ++fired; });
    timers.at(at(50ms), [&] { ++fired; });
    timers.cancel(first);
    EXPECT_EQ(timers.next_wake(at(0ms)), at(50ms));
    timers.fire(at(10ms));
    EXPECT_EQ(fired, 0);
}

TEST(SlotTimers, ignore_an_old_id_whose_place_was_taken_by_another) {
    SlotTimers timers;
    int fired = 0;
    const TimerId old = timers.at(at(5ms), [] {});
    timers.cancel(old);
    timers.at(at(5ms), [&] { ++fired; });
    timers.cancel(old);
    timers.cancel(TimerId::None);
    timers.fire(at(10ms));
    EXPECT_EQ(fired, 1);
}

TEST(SlotTimers, can_be_cancelled_by_an_earlier_one_of_the_same_slot) {
    SlotTimers timers;
    int fired = 0;
    TimerId second = TimerId::None;
    timers.at(at(1ms), [&] { timers.cancel(second); });
    second = timers.at(at(2ms), [&] { ++fired; });
    timers.fire(at(10ms));
    EXPECT_EQ(fired, 0);
}

TEST(SlotTimers, leave_what_a_callback_adds_to_the_next_round) {
    SlotTimers timers;
    int fired = 0;
    timers.at(at(1ms), [&] { timers.at(at(0ms), [&] { ++fired; }); });
    timers.fire(at(10ms));
    EXPECT_EQ(fired, 0);
    timers.fire(at(10ms));
    EXPECT_EQ(fired, 1);
}

TEST(SlotTimers, agree_with_a_plain_list_over_many_random_steps) {
    std::mt19937 random(7);
    SlotTimers timers;

    struct Expected {
        Time due;
        TimerId id;
        bool live;
    };

    std::vector<Expected> all;
    std::vector<std::size_t> fired;
    Time now = at(0ms);
    for (int step = 0; step < 5000; ++step) {
        const Time due = now + Duration(random() % 100'000'000);
        const std::size_t index = all.size();
        all.push_back({due, timers.at(due, [&fired, index] { fired.push_back(index); }), true});
        Expected& victim = all[random() % all.size()];
        if (random() % 3 != 0) {
            timers.cancel(victim.id);
            victim.live = false;
        }
        if (random() % 10 != 0) continue;
        now += Duration(random() % 50'000'000);
        fired.clear();
        timers.fire(now);
        std::vector<std::size_t> expected;
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (all[i].live && all[i].due <= now) expected.push_back(i);
        }
        std::stable_sort(expected.begin(), expected.end(), [&](auto a, auto b) { return all[a].due < all[b].due; });
        ASSERT_EQ(fired, expected) << "step " << step;
        for (const std::size_t i : expected) all[i].live = false;
    }
}

}  // namespace
}  // namespace revertd
