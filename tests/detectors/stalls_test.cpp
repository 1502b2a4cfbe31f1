// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/detectors/detector_bed.h"

namespace revertd {
namespace {

/// `offset stalls over 5m`: 61 slots of 5 s begin and end 60 intervals.
DetectorBed bed() {
    return DetectorBed("stalls", {seconds(5min)}, signal_of(Signal::Kind::Gauge, "offset"));
}

TEST(Stalls, a_value_that_stands_still_is_found_after_its_time) {
    DetectorBed offset = bed();
    for (int slot = 0; slot < 60; ++slot) {
        offset.slot(1234);
        ASSERT_EQ(offset.verdict(), Verdict::Insufficient) << slot;
    }
    offset.slot(1234);
    EXPECT_EQ(offset.verdict(), Verdict::Breach);
    EXPECT_EQ(offset.words(), "offset has stood at 1,234 for 5m");
}

TEST(Stalls, the_slightest_move_is_enough_in_either_direction) {
    DetectorBed offset = bed();
    offset.slot(1000);
    for (int slot = 0; slot < 600; ++slot) {
        offset.slot(slot / 60 % 2 == 0 ? 1001 : 1000);
        ASSERT_EQ(offset.verdict(), Verdict::Ok) << slot;
    }
}

TEST(Stalls, a_move_ends_it_at_once) {
    DetectorBed offset = bed();
    for (int slot = 0; slot < 100; ++slot) offset.slot(0);
    ASSERT_TRUE(offset.holds());
    offset.slot(1);
    EXPECT_FALSE(offset.holds());
    EXPECT_EQ(offset.verdict(), Verdict::Ok);
}

TEST(Stalls, blind_slots_bring_no_breach_nearer) {
    DetectorBed offset = bed();
    for (int slot = 0; slot < 50; ++slot) offset.slot(7);
    for (int slot = 0; slot < 12; ++slot) offset.blind();
    for (int slot = 0; slot < 10; ++slot) {
        offset.slot(7);
        ASSERT_NE(offset.verdict(), Verdict::Breach) << slot;
    }
    offset.slot(7);
    EXPECT_EQ(offset.verdict(), Verdict::Breach);
}

TEST(Stalls, after_more_than_a_fifth_of_blindness_it_begins_again) {
    DetectorBed offset = bed();
    for (int slot = 0; slot < 50; ++slot) offset.slot(7);
    for (int slot = 0; slot < 13; ++slot) offset.blind();
    for (int slot = 0; slot < 60; ++slot) {
        offset.slot(7);
        ASSERT_NE(offset.verdict(), Verdict::Breach) << slot;
    }
}

TEST(Stalls, what_was_before_the_phase_does_not_count) {
    DetectorBed offset = bed();
    for (int slot = 0; slot < 50; ++slot) offset.slot(7);
    offset.judge.set_phase({JudgePhase::Kind::Baking, offset.at, offset.at});
    for (int slot = 0; slot < 60; ++slot) {
        offset.slot(7);
        ASSERT_NE(offset.verdict(), Verdict::Breach) << slot;
    }
}

TEST(Stalls, goes_on_after_a_restart_where_it_was) {
    DetectorBed offset = bed();
    for (int slot = 0; slot < 50; ++slot) offset.slot(7);
    offset.restart();
    for (int slot = 50; slot < 60; ++slot) {
        offset.slot(7);
        ASSERT_NE(offset.verdict(), Verdict::Breach) << slot;
    }
    offset.slot(7);
    EXPECT_EQ(offset.verdict(), Verdict::Breach);
}

TEST(Stalls, only_gauges_have_a_value_that_can_stand_still) {
    const auto kind = std::ranges::find(detectors::all(), "stalls", &DetectorKind::name);
    ASSERT_NE(kind, detectors::all().end());
    const std::array over{300.0};
    EXPECT_EQ((*kind)->refuse(signal_of(Signal::Kind::Gauge, "offset"), over), "");
    for (const Signal::Kind other : {Signal::Kind::Ratio, Signal::Kind::Rate, Signal::Kind::Quantile})
        EXPECT_NE((*kind)->refuse(signal_of(other, "other"), over), "");
}

}  // namespace
}  // namespace revertd
