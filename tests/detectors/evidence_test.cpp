// SPDX-License-Identifier: Apache-2.0
// What alternatives and blips are worth before anything is seen.
#include "detectors/evidence.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "detectors/error_test.h"
#include "detectors/history.h"

namespace revertd::detect {
namespace {

constexpr double kTick = 10;

TEST(OnsetMixture, what_is_reweighed_keeps_its_sum) {
    OnsetMixture mixture({0.5, 0.3, 0.2}, 900, std::log(1000.0), 5);
    const double before = mixture.value();
    mixture.reweigh(std::array{0.1, 1.0, 0.1});
    EXPECT_NEAR(mixture.value(), before, 1e-12);
    OnsetMixture same({0.5, 0.3, 0.2}, 900, std::log(1000.0), 5);
    const std::array llr = {0.0, 1.0, 0.0};
    mixture.step(llr, kTick);
    same.step(llr, kTick);
    // 0.3 of the weight was 0.3 / (0.05 + 0.3 + 0.02) afterwards.
    const double calm = same.parts()[0];
    EXPECT_NEAR((mixture.value() - calm) / (same.value() - calm), (0.3 / 0.37) / 0.3, 1e-9);
}

/// The log-likelihood that a first bad tick is a blip.
double first_bad_tick(const PastBlips& before) {
    Blips blips(20, kTick, 1, before);
    return blips.predict(-50, std::array{0.0}, kTick);
}

TEST(Blips, are_as_frequent_as_before_the_deploy) {
    const double unknown = first_bad_tick({}), never = first_bad_tick({0, 3600}), often = first_bad_tick({12, 3600});
    EXPECT_NEAR(never - unknown, std::log(900.0 / 4500), 0.01);
    EXPECT_NEAR(often - never, std::log(12.5 / 0.5), 0.1);
}

/// An hour with 0.1 % of errors, and 40 times as many in `ticks` ticks out of every 30.
ErrorHistory with_bursts(int ticks) {
    History history(0, 0);
    for (int i = -360; i < 0; ++i) {
        GroupTick tick;
        tick.at = i * kTick;
        tick.dt = kTick;
        tick.all = {2000, (i + 360) % 30 < ticks ? 80.0 : 2.0};
        history.add(tick);
    }
    return {history, false, kTick};
}

TEST(ErrorHistory, counts_the_blips_before_the_deploy) {
    EXPECT_EQ(with_bursts(0).blips.count, 0);
    EXPECT_EQ(with_bursts(1).blips.count, 12);
    EXPECT_EQ(with_bursts(3).blips.count, 12);
    EXPECT_NEAR(with_bursts(1).blips.seconds, 3590, 1e-9);
}

TEST(ErrorHistory, what_lasts_is_no_blip) {
    EXPECT_EQ(with_bursts(4).blips.count, 0);
}

ErrorTest after_failing(double requests, double share, int ticks) {
    History history(0, 0);
    for (int i = -120; i < 0; ++i) {
        GroupTick tick;
        tick.at = i * kTick;
        tick.dt = kTick;
        tick.all = {requests, i % 10 == 0 ? requests * 0.01 : 0};
        history.add(tick);
    }
    DeployShape shape;
    ErrorTest test(shape, ErrorHistory(history, false, kTick), 0.3);
    for (int i = 0; i < ticks; ++i) test.step({requests, std::round(requests * share)}, {}, 0, kTick);
    return test;
}

TEST(ErrorTest, little_traffic_is_asked_for_what_it_can_show) {
    // 1 of 10 requests fails, four ticks long: 1,590; with the weight of effects that nobody would see it is 444.
    EXPECT_GT(after_failing(10, 0.1, 4).evidence(), 1000);
}

}  // namespace
}  // namespace revertd::detect
