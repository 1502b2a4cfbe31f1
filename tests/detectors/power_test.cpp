// SPDX-License-Identifier: Apache-2.0
// What is announced as found is found: of deploys with the announced effect about nine of ten in the announced time.
// 6 services with 60 deploys each; the figure of more: REVERTD_CALIBRATION=2000 detectors_test --gtest_filter='Power*'
#include "detectors/power.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "detectors/deploy_test.h"
#include "detectors/tuning.h"
#include "tests/detectors/simulated_service.h"

namespace revertd::detect {
namespace {

constexpr int kBefore = 120, kBake = 90;

/// Services, each with its own history.
int services() {
    const char* wanted = std::getenv("REVERTD_CALIBRATION");
    return wanted == nullptr ? 6 : std::max(6, std::atoi(wanted) / 50);
}

constexpr int kDeploys = 50;

DeployShape shape_of(const SimulatedService& service, bool latency) {
    DeployShape shape;
    shape.interval = service.tick, shape.bake = kBake * service.tick;
    if (latency) shape.edges = service.edges;
    return shape;
}

PowerTicks history(SimulatedTicks& ticks, const SimulatedService& service, bool latency) {
    PowerTicks before;
    before.latency = latency;
    before.shape = shape_of(service, latency);
    for (int i = -kBefore + 1; i <= 0; ++i) {
        const GroupTick tick = ticks.next(i * service.tick);
        before.at.push_back(tick.at);
        before.all.push_back(latency ? Events{tick.all.requests, 0} : tick.all);
        if (latency) before.buckets.emplace_back(tick.buckets.begin(), tick.buckets.end());
    }
    return before;
}

/// What differs between healthy versions of a service is what is usual, and half of them start cold.
constexpr double kErrorSd = 0.07, kLatencySd = 0.02, kCold = 0.2, kSettles = 40;

/// Whether a deploy of this service with the announced effect from `begins` on is found within so many seconds of it.
bool found_within(double within, const PowerTicks& before, SimulatedTicks& ticks, double effect, double begins,
                  double cold) {
    DeployTest test(before.shape);
    for (std::size_t i = 0; i < before.all.size(); ++i) {
        GroupTick tick;
        tick.at = before.at[i], tick.dt = before.shape.interval, tick.all = before.all[i];
        if (before.latency) tick.buckets = before.buckets[i];
        test.before(tick);
    }
    test.begin();
    const double usual = std::exp((before.latency ? kLatencySd : kErrorSd) * ticks.normal());
    for (double at = before.shape.interval; at <= begins + within; at += before.shape.interval) {
        const double factor = at > begins ? usual * effect : usual;
        const double warm = 1 + cold * std::exp(-at / kSettles);
        GroupTick tick = ticks.next(at, before.latency ? 1 : factor, before.latency ? factor * warm : 1);
        if (before.latency)
            tick.all.errors = 0;
        else
            tick.buckets = {};
        if (test.tick(tick, nullptr)) return at > begins;
    }
    return false;
}

/// When what is bad begins: in a third of the deploys at once, in the others some time in the first third of the bake;
/// or all of them in one of these ways.
enum class When { Any, AtOnce, Later };

struct Calibration {
    int announced = 0, found = 0, deploys = 0;
    double share = 0;  ///< announced, all deploys together

    void add(const SimulatedService& service, bool latency, std::uint64_t seed, When when = When::Any) {
        SimulatedTicks ticks(service, seed);
        const PowerTicks before = history(ticks, service, latency);
        const auto power = power_of(before, seed);
        if (!power) return;
        ++announced;
        for (int i = 0; i < kDeploys; ++i) {
            const double third = before.shape.bake / 3, cold = i % 2 == 0 ? kCold : 0;
            const bool at_once = when == When::AtOnce || (when == When::Any && i % 3 == 0);
            const double begins = at_once ? 0 : third * (i % 7 + (when == When::Later ? 1 : 0)) / 7;
            const double within = when == When::Any      ? power->within
                                  : when == When::AtOnce ? power->from_start
                                                         : power->later;
            found += found_within(within, before, ticks, power->effect, begins, cold) ? 1 : 0;
            ++deploys;
            share += power->share;
        }
    }
};

/// 85 to 95 % of what is announced with 90 % or a little more, as far as so few deploys can show it.
void expect_calibrated(const Calibration& c) {
    ASSERT_GT(c.announced, 0);
    const double announced = c.share / c.deploys, found = static_cast<double>(c.found) / c.deploys;
    // Deploys of one service share its history, so that they count less than as many services would.
    const double chance = 2.33 * std::sqrt(0.09 / c.deploys + 0.0016 / c.announced);
    testing::Test::RecordProperty("found", std::to_string(found));
    std::printf("%d of %d found, announced %.3f\n", c.found, c.deploys, announced);
    EXPECT_GE(announced, 0.9);
    EXPECT_NEAR(found, announced, 0.05 + chance) << c.found << " of " << c.deploys << ", announced " << announced;
}

TEST(Power, of_errors_is_calibrated) {
    Calibration c;
    for (int i = 0; i < services(); ++i) {
        SimulatedService service;
        service.requests = 30 * std::pow(2.0, i % 6), service.rate = i % 2 == 0 ? 0.01 : 0.003;
        service.own = i % 3 == 0 ? 0.1 : 0;
        c.add(service, false, 100 + static_cast<std::uint64_t>(i));
    }
    expect_calibrated(c);
}

TEST(Power, of_latency_is_calibrated) {
    Calibration c;
    for (int i = 0; i < services() / 3; ++i) {
        SimulatedService service;
        service.requests = 50 * std::pow(3.0, i % 3), service.jitter = 0.02 * (i % 3);
        c.add(service, true, 500 + static_cast<std::uint64_t>(i));
    }
    expect_calibrated(c);
}

void expect_slowness_in_its_time(When when) {
    Calibration c;
    for (int i = 0; i < services(); ++i) {
        SimulatedService service;
        service.requests = 50 * std::pow(3.0, i % 3), service.jitter = 0.02 * (i % 3);
        c.add(service, true, 900 + static_cast<std::uint64_t>(i), when);
    }
    std::printf("%d of %d found\n", c.found, c.deploys);
    EXPECT_NEAR(static_cast<double>(c.found) / c.deploys, 0.9, 0.05);
}

TEST(Power, of_slowness_that_begins_with_the_deploy_is_calibrated) {
    expect_slowness_in_its_time(When::AtOnce);
}

TEST(Power, of_slowness_that_begins_later_is_calibrated) {
    expect_slowness_in_its_time(When::Later);
}

/// Whether a deploy beside a control group, whose hosts differ by as much as is usual, is found in time.
bool in_time_beside(const PowerTicks& before, const SimulatedService& service, const Power& power, std::uint64_t seed,
                    double begins) {
    SimulatedService part = service;
    part.requests = before.fresh_share * service.requests;
    SimulatedTicks fresh(part, seed);
    part.requests = before.control_share * service.requests;
    SimulatedTicks reference(part, seed + 1'000'000);
    DeployTest test(before.shape);
    for (std::size_t i = 0; i < before.all.size(); ++i) {
        GroupTick tick;
        tick.at = before.at[i], tick.dt = before.shape.interval, tick.all = before.all[i];
        test.before(tick);
    }
    test.begin();
    constexpr double kGroupSd = 0.05;
    const double usual = std::exp(kGroupSd * std::sqrt(2.0) * fresh.normal());
    for (double at = before.shape.interval; at <= begins + power.within; at += before.shape.interval) {
        GroupTick now = fresh.next(at, at > begins ? usual * power.effect : usual), beside = reference.next(at);
        now.buckets = beside.buckets = {};
        if (test.tick(now, &beside)) return at > begins;
    }
    return false;
}

TEST(Power, of_few_errors_beside_a_control_group_is_calibrated) {
    Calibration c;
    constexpr int kEach = 6;
    for (int i = 0; i < 4 * services(); ++i) {
        const auto seed = 9000 + static_cast<std::uint64_t>(i);
        SimulatedService service;  // some 2 to 30 errors before the deploy: the rate is hardly known
        service.requests = 20 * (1 + i % 4), service.rate = i % 3 == 0 ? 0.003 : 0.001;
        SimulatedTicks ticks(service, seed);
        PowerTicks before = history(ticks, service, false);
        before.shape.control = true;
        before.fresh_share = i % 2 == 0 ? 0.2 : 0.5, before.control_share = 1 - before.fresh_share;
        const auto power = power_of(before, seed);
        if (!power) continue;
        ++c.announced;
        for (int j = 0; j < kEach; ++j) {
            const double begins = j % 3 == 0 ? 0 : before.shape.bake / 3 * (i % 7) / 7;
            const auto deploy = 100 * seed + static_cast<std::uint64_t>(j);
            c.found += in_time_beside(before, service, *power, deploy, begins) ? 1 : 0;
            ++c.deploys;
            c.share += power->share;
        }
    }
    expect_calibrated(c);
}

TEST(Power, more_traffic_finds_smaller_effects) {
    SimulatedService quiet, busy;
    quiet.requests = 20, busy.requests = 2000;
    SimulatedTicks few(quiet, 1), many(busy, 1);
    const auto little = power_of(history(few, quiet, false), 1), much = power_of(history(many, busy, false), 1);
    ASSERT_TRUE(little && much);
    EXPECT_GT(little->effect, much->effect);
    EXPECT_LT(much->effect, 2.1);
    EXPECT_LE(much->hopeless, much->effect);
}

TEST(Power, what_is_not_judged_finds_nothing) {
    SimulatedService service;
    service.requests = 500;
    SimulatedTicks ticks(service, 1);
    PowerTicks before = history(ticks, service, false);
    const auto at_once = power_of(before, 1);
    before.from = 300;
    const auto later = power_of(before, 1);
    ASSERT_TRUE(at_once && later);
    EXPECT_GT(later->within, 300);
    EXPECT_GE(later->effect, at_once->effect);
}

TEST(Power, without_history_nothing_is_said) {
    EXPECT_FALSE(power_of({}, 1));
    EXPECT_EQ(words(std::nullopt, "errors"), "no change of errors is sure to be found within this bake");
}

TEST(Power, words_name_effect_time_and_share) {
    EXPECT_EQ(words(Power{1.8, 360, 0.925, 1.3}, "errors"),
              "1.8 times the errors would be found within 6m with 92 %; less than 1.3 times not within this bake");
    const Power slower{1.2, 450, 0.915, 1.05, 600, 360};
    EXPECT_EQ(
        words(slower, "latency"),
        "1.2 times the latency would be found within 6m with 90 %, within 10m if it begins with the deploy; less than "
        "1.05 times not within this bake");
    EXPECT_EQ(words(Power{1.2, 360, 0.915, 0, 330, 360}, "latency"),
              "1.2 times the latency would be found within 6m with 91 %");
}

}  // namespace
}  // namespace revertd::detect
