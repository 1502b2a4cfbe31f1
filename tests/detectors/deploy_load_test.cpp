// SPDX-License-Identifier: Apache-2.0
// Latencies while load and shares of the traffic change, and instances are started anew: they are cold, and nobody may
// have said so.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "detectors/deploy_test.h"
#include "detectors/evidence_words.h"
#include "tests/detectors/simulated_service.h"

namespace revertd::detect {
namespace {

constexpr double kTick = 10;

/// Both groups by the seconds since the deploy; without requests there is no control group.
struct Course {
    std::function<double(double)> fresh_requests, control_requests, fresh_latency, control_latency;
    std::function<double(double)> restarted = [](double) { return 0; };  ///< share of the new group, in the tick
};

/// Nothing: not within 20 minutes.
std::optional<Finding> found(const Course& course, std::uint64_t seed) {
    SimulatedService service;
    service.jitter = 0.01;
    DeployShape shape;
    shape.control = course.control_requests != nullptr, shape.bake = 1200, shape.interval = kTick,
    shape.edges = service.edges;
    DeployTest test(shape);
    const auto ticks = [&](double requests, std::uint64_t own) {
        service.requests = requests;
        return SimulatedTicks(service, own);
    };
    SimulatedTicks before = ticks(2000, seed);
    for (double at = -900; at <= 0; at += kTick) test.before(before.next(at));
    test.begin();
    for (double at = kTick; at <= 1200; at += kTick) {
        SimulatedTicks a = ticks(course.fresh_requests(at), seed + static_cast<std::uint64_t>(at));
        GroupTick fresh = a.next(at, 1, course.fresh_latency(at));
        fresh.restarted = course.restarted(at);
        if (!shape.control) {
            if (auto finding = test.tick(fresh, nullptr)) return finding;
            continue;
        }
        SimulatedTicks b = ticks(course.control_requests(at), seed + static_cast<std::uint64_t>(at) + 5);
        const GroupTick control = b.next(at, 1, course.control_latency(at));
        if (auto finding = test.tick(fresh, &control)) return finding;
    }
    return std::nullopt;
}

double decay(double at, double from, double amplitude, double tau) {
    return at < from ? 1 : 1 + amplitude * std::exp(-(at - from) / tau);
}

/// Of 40 deploys; the slowest of those that are found.
std::pair<int, double> count(const Course& course) {
    int n = 0;
    double latest = 0;
    for (std::uint64_t i = 0; i < 40; ++i) {
        const auto finding = found(course, 1000 * i + 1);
        n += finding ? 1 : 0;
        latest = std::max(latest, finding ? finding->at : 0);
    }
    return {n, latest};
}

void expect_found(const Course& course, double by) {
    const auto [n, latest] = count(course);
    EXPECT_EQ(n, 40);
    EXPECT_LE(latest, by);
}

double more_from_400(double requests, double at) {
    return requests * (1 + 0.7 * std::clamp((at - 400) / 60, 0.0, 1.0));
}

/// The load grows by 70 % at 400 s; the control group has new instances at once, the other two minutes later.
Course autoscaled() {
    return {[](double at) { return more_from_400(500, at); }, [](double at) { return more_from_400(1500, at); },
            [](double at) { return at < 570 ? std::clamp(1 + (at - 400) / 300, 1.0, 1.1) : decay(at, 570, 0.6, 80); },
            [](double at) { return at < 400 ? 1 : decay(at, 440, 0.4, 30); }};
}

TEST(DeployTestUnderLoad, what_is_slow_while_an_autoscaler_answers_is_seldom_the_deploys) {
    // Five minutes after the load began to grow the new group is still a tenth slower.
    EXPECT_LE(count(autoscaled()).first, 5);
}

TEST(DeployTestUnderLoad, what_stays_slow_afterwards_is_found) {
    Course slow = autoscaled();
    slow.fresh_latency = [](double at) { return at < 400 ? 1 : 1.3; };
    expect_found(slow, 1000);
}

TEST(DeployTestUnderLoad, much_slower_is_found_although_load_grows) {
    Course slow = autoscaled();
    slow.fresh_latency = [](double at) { return at < 400 ? 1 : 2.5; };
    expect_found(slow, 500);
}

/// Five of its instances are started anew, one a minute from 400 s on, and this one of them all is so slow.
Course moved(std::function<double(double)> latency) {
    Course course;
    course.fresh_requests = [](double) { return 1000; };
    course.fresh_latency = std::move(latency);
    course.restarted = [](double at) { return at > 400 && at < 700 && std::fmod(at - 400, 60) == kTick ? 0.2 : 0; };
    return course;
}

TEST(DeployTestUnderLoad, instances_that_are_moved_one_after_the_other_are_cold) {
    const auto cold = [](double at) {
        double sum = 1;
        for (double from = 400; from < 700; from += 60) sum += decay(at, from, 0.6, 40) - 1;
        return sum;
    };
    EXPECT_LE(count(moved(cold)).first, 1);
    Course beside = moved(cold);
    beside.control_requests = [](double) { return 4000; };
    beside.control_latency = [](double) { return 1; };
    EXPECT_LE(count(beside).first, 1);
}

/// A rollout to ten instances, one every half a minute; each is so slow by the seconds since its start.
Course rollout(const std::function<double(double)>& latency) {
    constexpr double kInstances = 10, kEvery = 30;
    Course course;
    course.fresh_requests = [](double) { return 1000; };
    course.fresh_latency = [=](double at) {
        double sum = 0;
        for (double i = 0; i < kInstances; ++i) sum += at <= i * kEvery ? 1 : latency(at - i * kEvery);
        return sum / kInstances;
    };
    course.restarted = [=](double at) {
        return at < kInstances * kEvery && std::fmod(at, kEvery) == kTick ? 1 / kInstances : 0;
    };
    return course;
}

TEST(DeployTestUnderLoad, a_rollout_brings_one_cold_instance_after_the_other) {
    Course cold = rollout([](double age) { return decay(age, 0, 1.5, 60); });
    EXPECT_EQ(count(cold).first, 0);
    cold.restarted = [](double) { return 0; };
    EXPECT_GE(count(cold).first, 38) << "if nobody tells of it";
}

TEST(DeployTestUnderLoad, what_is_slow_is_found_when_it_has_been_rolled_out) {
    expect_found(rollout([](double) { return 1.4; }), 600);
    expect_found(rollout([](double age) { return 1.4 * decay(age, 0, 1.5, 40); }), 700);
}

TEST(DeployTestUnderLoad, the_start_of_the_deploy_itself_is_no_news) {
    Course slow = moved([](double) { return 1.4; });
    slow.restarted = [](double) { return 0; };
    const auto untold = found(slow, 1);
    slow.restarted = [](double at) { return at == kTick ? 1 : 0; };
    const auto told = found(slow, 1);
    ASSERT_TRUE(untold && told);
    EXPECT_LE(told->at, untold->at + kTick) << "its warm-up began a tick later";
}

TEST(DeployTestUnderLoad, what_is_slow_is_found_although_its_instances_are_moved) {
    expect_found(moved([](double at) { return at < 400 ? 1 : 1.4; }), 1000);
    expect_found(moved([](double at) { return at < 200 ? 1 : 1.4; }), 400);
}

TEST(DeployTestUnderLoad, without_a_control_group_new_instances_are_cold_when_load_grows) {
    Course alone;
    alone.fresh_requests = [](double at) { return at < 400 ? 1000 : 2500; };
    alone.fresh_latency = [](double at) { return decay(at, 400, 0.9, 60); };
    EXPECT_EQ(count(alone).first, 0);
    alone.fresh_latency = [](double at) { return at < 400 ? 1 : 1.5; };
    expect_found(alone, 1000);
}

TEST(DeployTestUnderLoad, without_a_control_group_traffic_that_was_away_comes_back_to_what_is_cold) {
    Course alone;
    alone.fresh_requests = [](double at) { return at >= 400 && at < 500 ? 20 : 1000; };
    alone.fresh_latency = [](double at) { return decay(at, 500, 0.9, 40); };
    EXPECT_EQ(count(alone).first, 0);
    alone.fresh_latency = [](double at) { return at < 500 ? 1 : 1.5; };
    expect_found(alone, 1100);
}

TEST(DeployTestUnderLoad, both_groups_may_be_cold_again_one_more_than_the_other) {
    const auto always = [](double requests) { return [=](double) { return requests; }; };
    Course both = {always(500), always(1500), [](double at) { return decay(at, 400, 1.9, 80); },
                   [](double at) { return decay(at, 400, 1.3, 80); }};
    EXPECT_LE(count(both).first, 2);
    both.fresh_latency = [](double at) { return at < 400 ? 1 : 1.6 * decay(at, 400, 1.3, 80); };
    expect_found(both, 600);
    const auto finding = found(both, 1);
    ASSERT_TRUE(finding);
    EXPECT_EQ(finding->doubt.why, Doubt::Why::SharedSlowness);
    EXPECT_EQ(doubt_words(finding->doubt),
              "100,000 times the usual evidence is needed, because the control group is slow as well");
}

TEST(DeployTestUnderLoad, a_control_group_that_is_cold_again_does_not_make_the_new_one_slow_later) {
    const auto away = [](double at) { return at > 300 && at < 600; };
    const Course drained = {[away](double at) { return away(at) ? 1000 : 400; },
                            [away](double at) { return away(at) ? 1000 : 1600; }, [](double) { return 1.02; },
                            [](double at) { return decay(at, 600, 0.35, 60); }};
    EXPECT_EQ(count(drained).first, 0);
}

TEST(DeployTestUnderLoad, a_balancer_that_sends_less_to_what_is_slow_does_not_hide_it) {
    const auto slow = [](double at) { return at < 400 ? 1 : 1.25; };
    const auto well = [](double) { return 1.0; };
    const auto always = [](double requests) { return [=](double) { return requests; }; };
    const auto moved = [](double before, double after) { return [=](double at) { return at < 400 ? before : after; }; };
    const auto even = count({always(500), always(1500), slow, well});
    const auto shifted = count({moved(500, 240), moved(1500, 1760), slow, well});
    ASSERT_EQ(even.first, 40);
    EXPECT_EQ(shifted.first, 40);
    EXPECT_LE(shifted.second, even.second + 5 * kTick);
}

TEST(DeployTestUnderLoad, a_control_group_that_was_slow_for_minutes_does_not_make_the_new_one_slow_later) {
    const auto always = [](double requests) { return [=](double) { return requests; }; };
    const Course ill = {always(500), always(1500), [](double) { return 1.02; },
                        [](double at) { return at > 300 && at < 540 ? 1.7 : 1; }};
    EXPECT_EQ(count(ill).first, 0);
}

TEST(DeployTestUnderLoad, latency_that_comes_and_goes_is_found) {
    const auto always = [](double requests) { return [=](double) { return requests; }; };
    const auto flaps = [](double at) { return at > 200 && std::fmod(at, 180) < 40 ? 1.5 : 1; };
    const auto well = [](double) { return 1.0; };
    EXPECT_GE(count({always(40), always(500), flaps, well}).first, 36);
}

/// Of forty deploys without a control group, of which `slow` of the requests take half a second: how many are found.
int count_slow(const std::function<double(double)>& slow) {
    int n = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        SimulatedService service;
        service.requests = 2000, service.jitter = 0.01;
        DeployShape shape;
        shape.bake = 1200, shape.interval = kTick, shape.edges = service.edges;
        DeployTest test(shape);
        SimulatedTicks ticks(service, seed);
        for (double at = -3600; at <= 0; at += kTick) test.before(ticks.next(at));
        test.begin();
        bool found = false;
        for (double at = kTick; at <= 1200 && !found; at += kTick) {
            GroupTick tick = ticks.next(at);
            std::vector<double> buckets(tick.buckets.begin(), tick.buckets.end());
            for (double& bucket : buckets) {
                const double late = std::round(bucket * slow(at));
                bucket -= late, buckets[8] += late;
            }
            tick.buckets = buckets;
            found = test.tick(tick, nullptr).has_value();
        }
        n += found ? 1 : 0;
    }
    return n;
}

TEST(DeployTestUnderLoad, a_start_that_is_cold_for_some_requests_is_no_new_slow_mode_and_one_that_stays_is) {
    EXPECT_LE(count_slow([](double at) { return 0.12 * std::exp(-at / 40); }), 1);
    EXPECT_EQ(count_slow([](double) { return 0.12; }), 40);
}

/// Of forty deploys of a service most of whose requests are faster than the lowest edge: how many are found.
int count_fast(const std::function<double(double)>& slower) {
    int n = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        SimulatedService most, some;
        most.requests = 10000, most.median = 6.5, most.sigma = 0.35, most.edges = {10, 25, 50, 100, 250};
        some = most, some.requests = 1200, some.median = 39;
        DeployShape shape;
        shape.bake = 900, shape.interval = kTick, shape.edges = most.edges;
        DeployTest test(shape);
        SimulatedTicks fast(most, seed), slow(some, 1000 + seed);
        std::vector<double> buckets;
        const auto next = [&](double at, double latency) {
            GroupTick tick = fast.next(at, 1, latency);
            const GroupTick more = slow.next(at, 1, latency);
            buckets.assign(tick.buckets.begin(), tick.buckets.end());
            for (std::size_t b = 0; b < buckets.size(); ++b) buckets[b] += more.buckets[b];
            tick.all += more.all;
            tick.buckets = buckets;
            return tick;
        };
        for (double at = -3600; at <= 0; at += kTick) test.before(next(at, 1));
        test.begin();
        bool found = false;
        for (double at = kTick; at <= 900 && !found; at += kTick)
            found = test.tick(next(at, slower(at)), nullptr).has_value();
        n += found ? 1 : 0;
    }
    return n;
}

TEST(DeployTestUnderLoad, a_cold_start_below_the_lowest_edge_is_no_new_slow_mode_and_what_stays_slow_is_found) {
    EXPECT_LE(count_fast([](double at) { return 1 + 1.9 * std::exp(-at / 125); }), 1);
    EXPECT_EQ(count_fast([](double) { return 1.6; }), 40);
}

}  // namespace
}  // namespace revertd::detect
