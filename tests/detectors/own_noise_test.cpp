// SPDX-License-Identifier: Apache-2.0
// How much two groups differ from tick to tick is learned from a handful of ticks; too little of it is evidence.
#include <gtest/gtest.h>

#include <random>

#include "detectors/error_test.h"

namespace revertd::detect {
namespace {

constexpr double kRequests = 10000, kErrors = 100, kClumps = 0.3;

/// What is believed after so many ticks of two groups that are alike.
double learned(int ticks, double before, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::gamma_distribution<> clumps(1 / kClumps, kClumps);
    const auto tick = [&] {
        return Events{kRequests, static_cast<double>(std::poisson_distribution<int>(kErrors * clumps(random))(random))};
    };
    OwnNoise noise(before);
    for (int i = 0; i < ticks; ++i) noise.add(tick(), tick());
    return noise.value();
}

TEST(OwnNoise, the_first_tick_says_nothing_as_the_ratio_is_its_own) {
    OwnNoise noise(kClumps);
    const double before = noise.value();
    noise.add({kRequests, 170}, {kRequests, 30});
    EXPECT_EQ(noise.value(), before);
    noise.add({kRequests, 30}, {kRequests, 170});
    EXPECT_GT(noise.value(), before);
}

TEST(OwnNoise, few_ticks_that_happen_to_be_alike_do_not_make_it_small) {
    int small = 0;
    for (std::uint64_t seed = 0; seed < 1000; ++seed) small += learned(4, kClumps, seed) < kClumps / 4;
    EXPECT_LE(small, 10);
}

TEST(OwnNoise, is_known_after_a_bake_however_little_was_known_before) {
    double much = 0, little = 0;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        much += learned(120, 1, seed) / 100;
        little += learned(120, 0.2, seed) / 100;
    }
    EXPECT_NEAR(much, kClumps, 0.1);
    EXPECT_NEAR(little, 0.21, 0.02) << "never more than twice of what there was before";
}

}  // namespace
}  // namespace revertd::detect
