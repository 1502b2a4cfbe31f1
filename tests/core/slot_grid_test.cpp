// SPDX-License-Identifier: Apache-2.0
#include "core/slot_grid.h"

#include <gtest/gtest.h>

#include <random>

namespace revertd {
namespace {

TEST(SlotGrid, every_judgement_is_the_next_slot_however_late_its_answers_were) {
    for (unsigned seed = 0; seed < 200; ++seed) {
        std::mt19937 random(seed);
        std::uniform_int_distribution<int> late(0, 800);  // S15: at most 0.8 of the interval
        SlotGrid grid(1s);
        for (int slot = 0; slot < 500; ++slot)
            ASSERT_EQ(grid.close(Time(slot * 1s + std::chrono::milliseconds(late(random)))), slot) << "seed " << seed;
    }
}

TEST(SlotGrid, slots_that_were_missed_have_their_numbers) {
    SlotGrid grid(5s);
    EXPECT_EQ(grid.last(), -1);
    EXPECT_EQ(grid.close(Time(100s)), 0);
    EXPECT_EQ(grid.next(Time(104s)), 1);
    EXPECT_EQ(grid.close(Time(105s)), 1);
    EXPECT_EQ(grid.close(Time(3705s)), 721);
}

TEST(SlotGrid, slots_after_a_gap_are_counted_from_the_earliest_instant_seen) {
    SlotGrid late_first(1s);
    EXPECT_EQ(late_first.close(Time(800ms)), 0);
    EXPECT_EQ(late_first.close(Time(1000ms)), 1);
    EXPECT_EQ(late_first.close(Time(10'000ms)), 10);
    SlotGrid early_last(1s);
    EXPECT_EQ(early_last.close(Time(0ms)), 0);
    EXPECT_EQ(early_last.close(Time(1950ms)), 2) << "nothing is judged so late in a slot";
    EXPECT_EQ(early_last.close(Time(3000ms)), 3);
}

TEST(SlotsIn, rounds_up) {
    EXPECT_EQ(slots_in(0s, 5s), 0U);
    EXPECT_EQ(slots_in(1s, 5s), 1U);
    EXPECT_EQ(slots_in(5s, 5s), 1U);
    EXPECT_EQ(slots_in(6s, 5s), 2U);
}

}  // namespace
}  // namespace revertd
