// SPDX-License-Identifier: Apache-2.0
// What a pass excludes is true: of deploys with a known effect no more than alpha ever get a certificate that is wrong,
// however often one looks. 150 deploys each; the figure of 2,000:
// REVERTD_CALIBRATION=2000 detectors_test --gtest_filter='Certificate*'
#include "detectors/certificate.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>

#include "detectors/tuning.h"
#include "tests/detectors/simulated_service.h"

namespace revertd::detect {
namespace {

constexpr int kBefore = 60, kBake = 60;

int deploys() {
    const char* wanted = std::getenv("REVERTD_CALIBRATION");
    return wanted == nullptr ? 150 : std::atoi(wanted);
}

struct Seen {
    double least = 1e9;  ///< the smallest bound that was ever given
    double last = 1e9;
};

/// One deploy with the effect, times a healthy difference; bounds after every tick for each alpha.
std::array<Seen, 2> watch(Certificate::Of of, const SimulatedService& service, double effect, std::uint64_t seed,
                          bool control = false) {
    constexpr std::array kAlphas = {0.05, 0.01};
    SimulatedTicks ticks(service, seed);
    DeployShape shape;
    shape.control = control;
    shape.interval = service.tick, shape.bake = kBake * service.tick, shape.edges = service.edges;
    History history(service.edges.size() + 1, 0);
    for (int i = -kBefore + 1; i <= 0; ++i) history.add(ticks.next(i * service.tick));
    Certificate certificate(of, shape, history);
    const double slower = control ? tuning().latency_sd : tuning().latency_sd_alone;
    const double sd = of == Certificate::Of::Errors ? Certificate::kHealthyErrors : slower;
    SimulatedService larger = service;
    larger.requests *= 4;
    SimulatedTicks beside(larger, seed + 1);
    const double factor = effect * std::exp(sd * ticks.normal());
    std::array<Seen, 2> seen;
    for (int i = 1; i <= kBake; ++i) {
        const bool errors = of == Certificate::Of::Errors;
        // Beside a control group both are in an incident for a while, and have half the errors at the end.
        const double shared = !control ? 1 : i > 20 && i < 30 ? 3 : i > 40 ? 0.5 : 1;
        const GroupTick fresh =
            ticks.next(i * service.tick, errors ? factor * shared : 1, errors ? 1 : factor * shared);
        const GroupTick reference = beside.next(i * service.tick, errors ? shared : 1, errors ? 1 : shared);
        certificate.tick(fresh, control ? &reference : nullptr);
        if (i % 4 != 0) continue;  // a bound costs more than a tick
        for (std::size_t a = 0; a < kAlphas.size(); ++a) {
            seen[a].last = certificate.upper(kAlphas[a]);
            seen[a].least = std::min(seen[a].least, seen[a].last);
        }
    }
    return seen;
}

/// Of the passes with this effect no more than alpha, and what chance allows, were ever told less than the truth.
void is_wrong_in_at_most_alpha(Certificate::Of of, const SimulatedService& service, double effect,
                               bool control = false) {
    constexpr std::array kAlphas = {0.05, 0.01};
    std::array<int, 2> wrong{};
    const int n = deploys();
    for (int i = 0; i < n; ++i) {
        const auto seen = watch(of, service, effect, 77'003ULL * static_cast<std::uint64_t>(i) + 5, control);
        for (std::size_t a = 0; a < kAlphas.size(); ++a) wrong[a] += seen[a].least < effect ? 1 : 0;
    }
    for (std::size_t a = 0; a < kAlphas.size(); ++a) {
        const double allowed = n * kAlphas[a] + 2.33 * std::sqrt(n * kAlphas[a] * (1 - kAlphas[a]));
        testing::Test::RecordProperty("alpha_" + std::to_string(kAlphas[a]) + "_effect_" + std::to_string(effect),
                                      wrong[a]);
        EXPECT_LE(wrong[a], allowed) << "alpha " << kAlphas[a] << ", effect " << effect << ": " << wrong[a] << " of "
                                     << n;
    }
}

TEST(Certificate, of_errors_is_wrong_in_at_most_alpha) {
    for (const double effect : {1.0, 1.3, 2.0}) is_wrong_in_at_most_alpha(Certificate::Of::Errors, {}, effect);
}

TEST(Certificate, of_errors_that_come_in_clumps) {
    SimulatedService service;
    service.requests = 1000, service.own = 0.2;
    for (const double effect : {1.0, 1.5}) is_wrong_in_at_most_alpha(Certificate::Of::Errors, service, effect);
}

TEST(Certificate, of_few_errors) {
    SimulatedService service;
    service.requests = 20, service.rate = 0.005;
    for (const double effect : {1.0, 2.0}) is_wrong_in_at_most_alpha(Certificate::Of::Errors, service, effect);
}

TEST(Certificate, of_latency_is_wrong_in_at_most_alpha) {
    SimulatedService service;
    service.jitter = 0.03;
    for (const double effect : {1.0, 1.2}) is_wrong_in_at_most_alpha(Certificate::Of::Latency, service, effect);
}

TEST(Certificate, of_a_heavy_tail) {
    SimulatedService service;
    service.sigma = 1.2, service.jitter = 0.04;
    is_wrong_in_at_most_alpha(Certificate::Of::Latency, service, 1.3);
}

TEST(Certificate, beside_a_control_group_what_hits_both_is_no_effect) {
    SimulatedService service;
    service.own = 0.05, service.jitter = 0.02;
    for (const double effect : {1.0, 1.5}) is_wrong_in_at_most_alpha(Certificate::Of::Errors, service, effect, true);
    for (const double effect : {1.0, 1.2}) is_wrong_in_at_most_alpha(Certificate::Of::Latency, service, effect, true);
}

TEST(Certificate, beside_a_control_group_something_is_excluded) {
    SimulatedService service;
    service.requests = 1000, service.jitter = 0.02;
    EXPECT_LT(watch(Certificate::Of::Errors, service, 1, 3, true)[1].last, 1.5);
    EXPECT_LT(watch(Certificate::Of::Latency, service, 1, 3, true)[1].last, 1.2);
}

TEST(Certificate, much_traffic_excludes_more_than_little) {
    SimulatedService busy, quiet;
    busy.requests = 5000, quiet.requests = 20;
    const double much = watch(Certificate::Of::Errors, busy, 1, 3)[1].last;
    const double little = watch(Certificate::Of::Errors, quiet, 1, 3)[1].last;
    EXPECT_LT(much, 1.35);
    EXPECT_GT(little, much);
}

/// Latencies spread evenly over `longest`, in seconds.
std::vector<double> spread_evenly(double longest, double requests, const std::vector<double>& edges) {
    std::vector<double> buckets;
    double below = 0;
    for (const double edge : edges) {
        buckets.push_back(requests * (std::min(1.0, edge / longest) - below));
        below = std::min(1.0, edge / longest);
    }
    buckets.push_back(requests * (1 - below));
    return buckets;
}

TEST(Certificate, coarse_buckets_exclude_nothing_that_anybody_can_see) {
    DeployShape shape;
    shape.edges = {0.1, 0.2, 0.4, 0.8, 1.6}, shape.unit = " s";
    shape.bake = 150, shape.interval = 5, shape.control = true;
    const auto usual = spread_evenly(0.4, 10000, shape.edges), slow = spread_evenly(1.2, 10000, shape.edges);
    History history(usual.size(), 0);
    const auto tick = [](double at, std::span<const double> buckets) {
        GroupTick out;
        out.at = at, out.dt = 5, out.all.requests = 10000, out.buckets = buckets;
        return out;
    };
    for (int i = 15; i > 0; --i) history.add(tick(-5.0 * i, usual));
    Certificate certificate(Certificate::Of::Latency, shape, history);
    for (int i = 1; i <= 30; ++i) {
        const auto now = tick(5.0 * i, slow), beside = tick(5.0 * i, usual);
        certificate.tick(now, &beside);
    }
    // Three times as slow, and 3.9 times by the 95th percentiles, 1.48 s and 0.38 s, as these buckets have it.
    EXPECT_GE(certificate.upper(0.001), 1.48 / 0.38);
}

TEST(Certificate, nothing_seen_excludes_nothing) {
    DeployShape shape;
    shape.edges = {10, 100};
    const History history(3, 0);
    EXPECT_TRUE(std::isinf(Certificate(Certificate::Of::Errors, shape, history).upper(0.05)));
    EXPECT_TRUE(std::isinf(Certificate(Certificate::Of::Latency, shape, history).upper(0.05)));
}

}  // namespace
}  // namespace revertd::detect
