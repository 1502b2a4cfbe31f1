// SPDX-License-Identifier: Apache-2.0
// What a healthy deploy teaches of itself, and what not: what is better for a while and then as usual is not worse. All
// counts are exactly those that are expected: nothing here is chance.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "detectors/error_test.h"
#include "detectors/latency_test.h"

namespace revertd::detect {
namespace {

constexpr double kTick = 10, kBake = 1200;

using Course = std::function<double(double)>;  ///< times as much as usual, by the seconds since the deploy

GroupTick tick_at(double at, const Events& all) {
    GroupTick tick;
    tick.at = at, tick.dt = kTick, tick.all = all;
    return tick;
}

DeployShape beside_a_control_group() {
    DeployShape shape;
    shape.control = true, shape.bake = kBake, shape.interval = kTick;
    return shape;
}

double as_usual(double) {
    return 1;
}

/// The strongest evidence of a bake in which such a multiple of the usual errors comes, and beside it.
double most_of_errors(const Course& errors, const Course& beside = as_usual) {
    const Events usual{2000, 20};
    History history(0, 0);
    for (double at = -1200; at < 0; at += kTick) history.add(tick_at(at, usual));
    const ErrorHistory before(history, true, kTick);
    ErrorTest test(beside_a_control_group(), before, 0.3);
    double most = 0;
    for (double at = kTick; at <= kBake; at += kTick) {
        test.step({usual.requests, usual.errors * errors(at)}, {usual.requests, usual.errors * beside(at)}, 0, kTick);
        most = std::max(most, test.evidence());
    }
    return most;
}

/// The requests of a tick in each bucket, log-normal around 50 ms.
std::vector<double> requests_in(const std::vector<double>& edges, double factor) {
    constexpr double kRequests = 2000, kMedian = 50, kSigma = 0.5;
    std::vector<double> buckets;
    double below = 0;
    for (const double edge : edges) {
        const double share = 0.5 * std::erfc(-std::log(edge / (kMedian * factor)) / kSigma / std::sqrt(2.0));
        buckets.push_back(kRequests * (share - below));
        below = share;
    }
    buckets.push_back(kRequests * (1 - below));
    return buckets;
}

DeployShape alone() {
    DeployShape shape = beside_a_control_group();
    shape.control = false;
    return shape;
}

/// The strongest evidence of a bake in which such a multiple of the usual latency comes, and beside it.
double most_of_latency(const Course& latency, const Course& beside = as_usual,
                       DeployShape shape = beside_a_control_group()) {
    shape.edges = {10, 20, 35, 50, 75, 100, 150, 250, 500, 1000};
    const std::vector<double> usual = requests_in(shape.edges, 1);
    History history(usual.size(), 0);
    for (double at = -1200; at < 0; at += kTick) {
        GroupTick tick = tick_at(at, {2000, 0});
        tick.buckets = usual;
        history.add(tick);
    }
    LatencyTest test(shape, LatencyModel(shape, history), 0.25);
    LatencyTest::Cells fresh{}, reference{};
    double most = 0;
    for (double at = kTick; at <= kBake; at += kTick) {
        test.model().fill(requests_in(shape.edges, latency(at)), fresh);
        if (shape.control) test.model().fill(requests_in(shape.edges, beside(at)), reference);
        test.step(at, kTick, fresh, reference);
        most = std::max(most, test.evidence());
    }
    return most;
}

constexpr double kFrom = 200, kTo = 500;

/// A healthy difference, `usual` times as much, and for five minutes `better` times that.
Course better_for_minutes(double usual, double better) {
    return [=](double at) { return at > kFrom && at <= kTo ? better * usual : usual; };
}

TEST(Learning, who_failed_less_for_minutes_does_not_fail_more_afterwards) {
    for (const double better : {0.5, 0.1})
        EXPECT_LT(most_of_errors(better_for_minutes(1.2, better)), 1.1 * most_of_errors(better_for_minutes(1.2, 1)));
    EXPECT_GT(most_of_errors([](double at) { return at <= kTo ? 1 : 2; }), 1e6) << "more errors can be found";
}

TEST(Learning, who_was_faster_for_minutes_is_not_slower_afterwards) {
    for (const double usual : {1.0, 1.03})
        for (const double better : {0.8, 0.5})
            EXPECT_LT(most_of_latency(better_for_minutes(usual, better)),
                      1.1 * most_of_latency(better_for_minutes(usual, 1)));
    EXPECT_GT(most_of_latency([](double at) { return at <= kTo ? 1 : 1.3; }), 1e6) << "slowness can be found";
}

constexpr double kCounts = 1 / (0.001 * 0.25);  ///< what the evidence has to be

TEST(Learning, who_is_slightly_faster_at_first_is_not_slower_afterwards) {
    for (const auto& shape : {alone(), beside_a_control_group()})
        for (const double better : {0.84, 0.86, 0.88, 0.9, 0.92})
            for (const double until : {100, 200, 300}) {
                const auto course = [=](double at) { return at <= until ? better : 1; };
                EXPECT_LT(most_of_latency(course, as_usual, shape), kCounts)
                    << better << " until " << until << (shape.control ? "" : ", alone");
            }
    EXPECT_GT(most_of_latency([](double at) { return at <= 200 ? 0.88 : 1.3; }, as_usual, alone()), kCounts);
}

TEST(Learning, a_control_group_that_fails_less_for_minutes_makes_nobody_worse) {
    for (const double better : {0.7, 0.5, 0.1})
        EXPECT_LT(most_of_errors(as_usual, better_for_minutes(1, better)), kCounts) << better;
    EXPECT_GT(most_of_errors([](double at) { return at <= kFrom ? 1 : 2; }, better_for_minutes(1, 0.5)), kCounts);
}

TEST(Learning, a_control_group_that_is_faster_for_minutes_makes_nobody_slow) {
    for (const double better : {0.9, 0.8, 0.7, 0.5})
        EXPECT_LT(most_of_latency(as_usual, better_for_minutes(1, better)), kCounts) << better;
    EXPECT_GT(most_of_latency([](double at) { return at <= kFrom ? 1 : 1.3; }, better_for_minutes(1, 0.8)), kCounts);
}

TEST(Learning, a_warm_up_may_end_all_at_once) {
    for (const double amplitude : {0.5, 1.0, 1.7})
        for (const double ends : {120.0, 240.0})
            EXPECT_LT(most_of_latency([=](double at) { return at <= ends ? 1 + amplitude * std::exp(-at / 320) : 1; }),
                      100)
                << amplitude << " until " << ends;
}

}  // namespace
}  // namespace revertd::detect
