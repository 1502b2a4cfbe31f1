// SPDX-License-Identifier: Apache-2.0
// `<signal> fills up`, and gauges whose limit the same page tells.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/detectors/detector_bed.h"

namespace revertd {
namespace {

Signal share() {
    Signal signal = signal_of(Signal::Kind::Gauge, "open_fds", Unit::Ratio);
    signal.aggregate = Signal::Aggregate::Max;
    signal.limit.emplace();
    return signal;
}

/// A bake of 15 min in slots of 5 s.
class Fills : public ::testing::Test {
  protected:
    Fills() : bed("fills", {}, share()) {}

    void slot(double open, double limit = 1000) {
        *bed.series(0, 1, {}) = open;
        *bed.series(0, 2, {.bad = true}) = limit;
        bed.JudgeBed::slot();
    }

    /// Slots until it is found; 1,000 if it never is.
    template <class F>
    int until_breach(F open) {
        for (int i = 0; i < 180; ++i) {
            slot(open(i));
            if (bed.verdict() == Verdict::Breach) return i;
        }
        return 1000;
    }

    DetectorBed bed;
};

TEST_F(Fills, what_leaks_and_would_reach_its_limit_is_found) {
    EXPECT_LE(until_breach([](int i) { return 100 + 3 * i; }), 170);
    EXPECT_NE(bed.words().find(" of the limit, and it grows by "), std::string::npos) << bed.words();
}

TEST_F(Fills, what_leaks_too_slowly_to_matter_is_not) {
    EXPECT_EQ(until_breach([](int i) { return 100 + 0.5 * i; }), 1000) << bed.words();
    EXPECT_NE(bed.words().find("not filling up"), std::string::npos) << bed.words();
}

TEST_F(Fills, a_saw_tooth_passes) {
    EXPECT_EQ(until_breach([](int i) { return 300 + 12 * (i % 40); }), 1000) << bed.words();
}

TEST_F(Fills, a_pool_that_fills_and_is_full_enough_passes) {
    EXPECT_EQ(until_breach([](int i) { return 500 * (1 - std::exp(-i / 30.0)); }), 1000) << bed.words();
}

TEST_F(Fills, load_that_grows_for_some_minutes_passes) {
    EXPECT_EQ(until_breach([](int i) { return 200 + 250 / (1 + std::exp(-(i - 60) / 15.0)); }), 1000) << bed.words();
}

TEST_F(Fills, a_limit_of_zero_is_none) {
    for (int i = 0; i < 180; ++i) slot(100 + 4 * i, 0);
    EXPECT_NE(bed.verdict(), Verdict::Breach);
    EXPECT_TRUE(bed.rule().never_there) << bed.words();
}

TEST_F(Fills, a_restart_of_the_daemon_forgets_nothing) {
    for (int i = 0; i < 100; ++i) slot(100 + 4 * i);
    bed.restart();
    for (int i = 100; i < 160; ++i) slot(100 + 4 * i);
    EXPECT_EQ(bed.verdict(), Verdict::Breach) << bed.words();
}

}  // namespace
}  // namespace revertd
