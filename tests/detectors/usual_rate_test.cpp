// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "detectors/shared_level.h"

namespace revertd::detect {
namespace {

TEST(UsualRate, is_learned_from_ticks) {
    UsualRate rate(1e-3, 2);
    for (int i = 0; i < 200; ++i) rate.learn({1000, 4}, 1, 0.01, 1);
    EXPECT_NEAR(rate.mean(), 4e-3, 4e-4);
    EXPECT_LT(rate.doubt(), 0.01);
}

TEST(UsualRate, counts_what_is_expected_to_fail_more_often_as_that) {
    UsualRate rate(1e-3, 2);
    for (int i = 0; i < 200; ++i) rate.learn({1000, 4}, 4, 0.01, 1);
    EXPECT_NEAR(rate.mean(), 1e-3, 1e-4);
}

TEST(UsualRate, recovers_from_a_counter_that_leaps) {
    UsualRate rate(1e-3, 100);
    rate.learn({1, 1e300}, 1, 0.1, 1);
    rate.learn({1e300, 1e300}, 1, 0.1, 1);
    for (int i = 0; i < 5000; ++i) rate.learn({1000, 1}, 1, 0.1, 1);
    EXPECT_TRUE(std::isfinite(rate.mean()));
    EXPECT_NEAR(rate.mean(), 1e-3, 2e-4);
}

}  // namespace
}  // namespace revertd::detect
