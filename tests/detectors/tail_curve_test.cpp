// SPDX-License-Identifier: Apache-2.0
#include "detectors/tail_curve.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace revertd::detect {
namespace {

constexpr std::array kEdges = {10.0, 20.0, 40.0, 60.0, 100.0, 300.0, 1000.0};
constexpr std::array kCounts = {20.0, 300.0, 4000.0, 900.0, 150.0, 100.0, 20.0, 3.0};

TEST(TailCurve, the_smooth_curve_goes_through_the_same_points_and_never_rises) {
    const TailCurve curve(kEdges, kCounts);
    for (const double edge : kEdges)
        EXPECT_NEAR(curve.smooth_above(std::log(edge)), curve.above(std::log(edge)), 1e-12) << edge;
    double before = 1, most = 0;
    for (double x = std::log(5.0); x < std::log(3000.0); x += 0.01) {
        const double above = curve.smooth_above(x);
        EXPECT_LE(above, before + 1e-12) << std::exp(x);
        most = std::max(most, std::abs(above - curve.above(x)));
        before = above;
    }
    EXPECT_GT(most, 0.005);
    EXPECT_LT(most, 0.1);
}

TEST(TailCurve, of_a_lognormal_latency_both_are_exact) {
    std::array<double, kEdges.size() + 1> counts{};
    double below = 0;
    for (std::size_t i = 0; i < kEdges.size(); ++i) {
        const double cdf = 0.5 * std::erfc(-std::log(kEdges[i] / 50) / 0.9 / std::sqrt(2.0));
        counts[i] = 1e6 * (cdf - below), below = cdf;
    }
    counts.back() = 1e6 * (1 - below);
    const TailCurve curve(kEdges, counts);
    for (const double x : {15.0, 33.0, 77.0, 200.0}) {
        const double truth = 0.5 * std::erfc(std::log(x / 50) / 0.9 / std::sqrt(2.0));
        EXPECT_NEAR(curve.above(std::log(x)), truth, 1e-9) << x;
        EXPECT_NEAR(curve.smooth_above(std::log(x)), truth, 1e-9) << x;
    }
}

}  // namespace
}  // namespace revertd::detect
