// SPDX-License-Identifier: Apache-2.0
// What a healthy latency is taken for: each tick says how slow the new group is, and nothing else.
#include "detectors/healthy_latency.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>

#include "tests/detectors/simulated_service.h"

namespace revertd::detect {
namespace {

constexpr double kTick = 10;

/// Told the log factor of each tick, as exactly as some thousand requests tell it.
class Told {
  public:
    Told() {
        const SimulatedService service;
        DeployShape shape;
        shape.edges = service.edges, shape.bake = 1200, shape.interval = kTick;
        SimulatedTicks ticks(service, 1);
        History history(service.edges.size() + 1, 0);
        for (double at = -1200; at < 0; at += kTick) history.add(ticks.next(at));
        healthy_ = HealthyLatency(shape, LatencyModel(shape, history));
    }

    /// The log predictive of the next tick, if it is this slow.
    double asked(double log_factor) {
        constexpr double kExact = 0.01;
        for (std::size_t s = 0; s < table_.size(); ++s) {
            const double off = LatencyModel::kLow + LatencyModel::kStep * static_cast<double>(s) - log_factor;
            table_[s] = -0.5 * off * off / (kExact * kExact);
        }
        healthy_.at(age_);
        healthy_.ask_cold_tails([](std::size_t, double) { return 0.0; });
        return healthy_.ask(0, table_.data());
    }

    void tick(double log_factor) {
        (void)asked(log_factor);
        healthy_.learn(1);
        healthy_.pass(kTick);
        age_ += kTick;
    }

    void ticks(int n, double log_factor) {
        for (int i = 0; i < n; ++i) tick(log_factor);
    }

    /// Cold for some time: `amplitude` times slower, more and more as usual.
    void warm_up(double amplitude) {
        for (int i = 0; i < 20; ++i) tick(std::log1p(amplitude * std::exp(-age_ / 55)));
    }

    void restart() { healthy_.restart(), age_ = 0; }

    void restart_some() { healthy_.restart_some(), age_ = 0; }

    [[nodiscard]] double warmth() const { return healthy_.warmth(); }

  private:
    HealthyLatency healthy_;
    std::array<double, LatencyModel::kSteps> table_{};
    double age_ = 0;
};

TEST(HealthyLatency, a_warm_up_is_followed_and_over) {
    Told told;
    told.tick(std::log1p(1));
    EXPECT_GT(told.warmth(), 0.4);
    for (int i = 0; i < 60; ++i) told.tick(std::log1p(std::exp(-(i + 1) * kTick / 55)));
    EXPECT_LT(told.warmth(), 0.01);
    EXPECT_GT(told.asked(0), -2);
    EXPECT_LT(told.asked(std::log(1.5)), -50) << "it was warm";
}

TEST(HealthyLatency, an_instance_that_is_started_anew_may_be_cold) {
    Told told;
    told.ticks(60, 0.02);
    EXPECT_LT(told.asked(std::log(1.6)), -50);
    told.restart_some();
    EXPECT_GT(told.asked(std::log(1.6)), -8);
    EXPECT_GT(told.asked(0.02), -2) << "or not";
}

TEST(HealthyLatency, of_what_is_started_anew_the_benign_factor_is_known) {
    Told some, all;
    for (Told* told : {&some, &all}) told->ticks(60, 0.05);
    const double before = some.asked(0.05);
    some.restart_some();
    all.restart();
    EXPECT_GT(some.asked(0.05), before - 0.5);
    EXPECT_LT(all.asked(0.05), before - 1);
    EXPECT_GT(some.asked(-0.05), all.asked(-0.05) - 3) << "another host may be another one";
}

TEST(HealthyLatency, the_next_instance_warms_up_as_the_last_one_did) {
    Told before, first;
    before.warm_up(1);
    first.ticks(20, 0);
    for (Told* told : {&before, &first}) told->restart_some();
    EXPECT_GT(before.asked(std::log1p(1)), first.asked(std::log1p(1)) + 0.5);
}

TEST(HealthyLatency, what_was_ruled_out_is_possible_again) {
    Told told;
    told.ticks(120, 0);  // every warm-up is over
    EXPECT_LT(told.warmth(), 1e-6);
    told.restart_some();
    told.warm_up(2.6);
    EXPECT_GT(told.asked(std::log1p(2.6 * std::exp(-200.0 / 55))), -3);
}

}  // namespace
}  // namespace revertd::detect
