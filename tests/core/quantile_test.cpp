// SPDX-License-Identifier: Apache-2.0
#include "core/quantile.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace revertd {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

std::optional<double> quantile(double q, const std::vector<double>& bounds, std::vector<double> counts) {
    return bucket_quantile(q, bounds, counts);
}

// The expected values are those of histogram_quantile of Prometheus.
TEST(BucketQuantile, interpolates_inside_the_bucket_of_the_rank) {
    EXPECT_DOUBLE_EQ(*quantile(0.5, {1, 2, kInf}, {10, 30, 30}), 1.25);
    EXPECT_DOUBLE_EQ(*quantile(0.95, {0.1, 0.5, 1, kInf}, {50, 90, 100, 100}), 0.75);
}

TEST(BucketQuantile, the_first_bucket_begins_at_zero_if_its_bound_is_positive) {
    EXPECT_DOUBLE_EQ(*quantile(0.5, {2, 4, kInf}, {10, 10, 10}), 1);
    EXPECT_DOUBLE_EQ(*quantile(0.5, {-2, 4, kInf}, {10, 10, 10}), -2);
    EXPECT_DOUBLE_EQ(*quantile(0, {2, 4, kInf}, {0, 10, 10}), 0);
}

TEST(BucketQuantile, a_rank_beyond_the_highest_finite_bound_is_that_bound) {
    EXPECT_DOUBLE_EQ(*quantile(0.95, {1, 2, kInf}, {10, 20, 100}), 2);
}

TEST(BucketQuantile, counts_that_go_back_are_made_monotone) {
    EXPECT_DOUBLE_EQ(*quantile(0.5, {1, 2, 3, kInf}, {10, 8, 20, 20}), 1);
}

TEST(BucketQuantile, says_nothing_without_observations_or_without_an_infinite_bucket) {
    EXPECT_FALSE(quantile(0.5, {1, 2, kInf}, {0, 0, 0}));
    EXPECT_FALSE(quantile(0.5, {1, 2}, {1, 2}));
    EXPECT_FALSE(quantile(0.5, {kInf}, {5}));
    EXPECT_FALSE(quantile(0.5, {}, {}));
}

}  // namespace
}  // namespace revertd
