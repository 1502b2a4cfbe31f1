// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/detectors/detector_bed.h"

namespace revertd {
namespace {

/// `memory grows by 20% over 5m`: 60 slots of 5 s.
DetectorBed bed(Duration over = 5min) {
    return DetectorBed("grows", {0.2, seconds(over)}, signal_of(Signal::Kind::Gauge, "memory"));
}

TEST(Grows, a_leak_is_found_after_its_time) {
    DetectorBed memory = bed();
    for (int slot = 0; slot < 59; ++slot) {
        memory.slot(1000 + 10 * slot);
        ASSERT_EQ(memory.verdict(), Verdict::Insufficient) << slot;
    }
    memory.slot(1590);
    EXPECT_EQ(memory.verdict(), Verdict::Breach);
    EXPECT_EQ(memory.words(), "memory from 1,000 to 1,590 within 5m, 59 % more; limit 20 %");
}

TEST(Grows, less_than_its_share_is_fine) {
    DetectorBed memory = bed();
    for (int slot = 0; slot < 300; ++slot) memory.slot(1000 + 3.2 * (slot % 60));  // 19 %, again and again
    EXPECT_EQ(memory.verdict(), Verdict::Ok);
}

TEST(Grows, saw_teeth_are_no_growth) {
    DetectorBed memory = bed();
    for (int slot = 0; slot < 300; ++slot) {
        memory.slot(1000 + 50 * (slot % 10));
        ASSERT_NE(memory.verdict(), Verdict::Breach) << slot;
    }
}

TEST(Grows, a_step_long_ago_is_no_growth) {
    DetectorBed memory = bed();
    memory.slot(100);
    for (int slot = 0; slot < 60; ++slot) memory.slot(1000);
    EXPECT_EQ(memory.verdict(), Verdict::Ok);
}

TEST(Grows, what_was_before_the_phase_does_not_count) {
    DetectorBed memory = bed();
    for (int slot = 0; slot < 40; ++slot) memory.slot(100);
    memory.judge.set_phase({JudgePhase::Kind::Baking, memory.at, memory.at});
    for (int slot = 0; slot < 40; ++slot) memory.slot(1000);
    EXPECT_EQ(memory.verdict(), Verdict::Insufficient);
    for (int slot = 0; slot < 40; ++slot) memory.slot(1000);
    EXPECT_EQ(memory.verdict(), Verdict::Ok);
}

TEST(Grows, blind_slots_bring_no_breach_nearer) {
    DetectorBed memory = bed();
    for (int slot = 0; slot < 60; ++slot) {
        if (slot % 4 == 0)
            memory.blind();
        else
            memory.slot(1000 + 20 * slot);
        ASSERT_NE(memory.verdict(), Verdict::Breach) << slot;
    }
    memory.slot(2200);
    EXPECT_EQ(memory.verdict(), Verdict::Insufficient);
    EXPECT_EQ(memory.words(), "memory was blind for more than a fifth of 5m");
}

TEST(Grows, from_nothing_says_nothing) {
    DetectorBed memory = bed();
    for (int slot = 0; slot < 60; ++slot) memory.slot(slot);
    EXPECT_EQ(memory.verdict(), Verdict::Insufficient);
}

TEST(Grows, clears_at_a_level_well_below_its_limit) {
    DetectorBed memory = bed();
    for (int slot = 0; slot < 60; ++slot) memory.slot(1000 + 10 * slot);
    ASSERT_TRUE(memory.holds());
    int until = 0;
    while (memory.holds() && until < 200) memory.slot(1590), ++until;
    EXPECT_LT(until, 60);
    EXPECT_GT(until, 10);
}

TEST(Grows, a_window_of_days_costs_no_more_than_240_points) {
    DetectorBed memory = bed(24h);
    for (int slot = 0; slot < 24 * 720 + 1; ++slot) memory.slot(1000 + 0.05 * slot);
    EXPECT_EQ(memory.verdict(), Verdict::Breach);
}

TEST(Grows, goes_on_after_a_restart_where_it_was) {
    DetectorBed memory = bed();
    for (int slot = 0; slot < 50; ++slot) memory.slot(1000 + 10 * slot);
    memory.restart();
    for (int slot = 50; slot < 60; ++slot) {
        ASSERT_NE(memory.verdict(), Verdict::Breach) << slot;
        memory.slot(1000 + 10 * slot);
    }
    EXPECT_EQ(memory.verdict(), Verdict::Breach);
}

}  // namespace
}  // namespace revertd
