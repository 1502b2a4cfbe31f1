// SPDX-License-Identifier: Apache-2.0
// What a bake would find, of many made-up services: how long each simulated deploy takes to be found, and what is
// announced. With the random numbers that they are drawn with, and the curve that latencies are drawn from.
#include "detectors/power.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "detectors/tail_curve.h"
#include "tests/detectors/oracle/rows.h"

namespace revertd::detect::oracle {
namespace {

const std::vector<double> kEdges = {10, 25, 50, 100, 250, 500, 1000};

/// Each distribution of the standard library that is drawn from, made anew for every number.
void draws(Numbers& numbers) {
    std::mt19937_64 random(7);
    std::vector<std::vector<double>> drawn;
    for (int i = 0; i < 400; ++i) {
        const double low = numbers.next(-1, 1), n = std::floor(std::exp(numbers.next(0, 12))), p = numbers.next(0, 1);
        const double shape = std::exp(numbers.next(-3, 6)), mean = std::exp(numbers.next(-3, 10));
        drawn.push_back({low, n, p, shape, mean});
        drawn.back().push_back(std::uniform_real_distribution<>(low, low + 2)(random));
        drawn.back().push_back(std::normal_distribution<>()(random));
        drawn.back().push_back(std::gamma_distribution<>(shape, 1 / shape)(random));
        drawn.back().push_back(
            static_cast<double>(std::uniform_int_distribution<std::size_t>(0, static_cast<std::size_t>(n))(random)));
        drawn.back().push_back(std::binomial_distribution<int>(static_cast<int>(n), i % 3 == 0 ? p : p / 50)(random));
        drawn.back().push_back(std::poisson_distribution<int>(mean)(random));
    }
    Row("draws").put("seed", 7).put("drawn", drawn);
}

void curves(Numbers& numbers) {
    for (int i = 0; i < 60; ++i) {
        std::vector<double> counts, x, above;
        const double most = std::exp(numbers.next(0.8, 8));
        for (std::size_t b = 0; b <= kEdges.size(); ++b)
            counts.push_back(numbers.chance(0.2) ? 0 : numbers.whole(0, numbers.next(1, most)));
        const TailCurve curve(kEdges, counts);
        for (int k = 0; k < 20; ++k) {
            x.push_back(numbers.next(1, 8));
            above.push_back(curve.smooth_above(x.back()));
        }
        Row("curve").put("edges", kEdges).put("counts", counts).put("x", x).put("above", above);
    }
}

/// A service as it was before its deploy, whose load comes in bursts, errors in clumps, and latencies with jitter.
PowerTicks before(Numbers& numbers, bool latency, bool control, double ticks) {
    PowerTicks before;
    before.latency = latency;
    before.shape.interval = std::vector<double>{5, 10, 30, 60}[static_cast<std::size_t>(numbers.whole(0, 4))];
    before.shape.bake = ticks * before.shape.interval;
    before.shape.control = control;
    before.shape.control_kind = numbers.chance(0.5) ? ControlKind::Fresh : ControlKind::Unknown;
    before.shape.alpha = numbers.chance(0.5) ? 0.001 : 0.05;
    if (latency) before.shape.edges = kEdges;
    before.from = numbers.chance(0.3) ? numbers.whole(1, 4) * before.shape.interval : 0;
    if (control) before.fresh_share = numbers.next(0.1, 0.6), before.control_share = 1 - before.fresh_share;
    const double requests = std::exp(numbers.next(4, latency ? 5.5 : 8)), rate = std::exp(numbers.next(-5, -2.5));
    const double clumps = numbers.chance(0.5) ? numbers.next(0, 0.5) : 0;
    const int size = static_cast<int>(numbers.whole(24, 60));
    for (int t = 1 - size; t <= 0; ++t) {
        const double n = std::floor(requests * numbers.next(0.7, 1.3) * (t % 9 < 3 ? 2 : 1));
        before.at.push_back(t * before.shape.interval);
        before.all.push_back(
            {n, latency ? 0 : numbers.hits(n, rate * std::max(0.1, 1 + std::sqrt(clumps) * numbers.normal()))});
        if (!latency) continue;
        std::vector<double> buckets(kEdges.size() + 1, 0.0);
        const double level = 4 + 0.2 * clumps * numbers.normal();
        for (int i = 0; i < static_cast<int>(n); ++i) {
            const double ms = std::exp(level + 0.7 * numbers.normal());
            ++buckets[static_cast<std::size_t>(std::lower_bound(kEdges.begin(), kEdges.end(), ms) - kEdges.begin())];
        }
        before.buckets.push_back(buckets);
    }
    return before;
}

/// All that is known of the service.
void put(Row& row, const PowerTicks& before, std::uint64_t seed) {
    std::vector<std::vector<double>> ticks;
    for (std::size_t i = 0; i < before.all.size(); ++i) {
        ticks.push_back({before.at[i], before.all[i].requests, before.all[i].errors});
        if (before.latency) ticks.back().insert(ticks.back().end(), before.buckets[i].begin(), before.buckets[i].end());
    }
    row.put(before.shape).put("latency", before.latency ? 1 : 0).put("seed", static_cast<double>(seed));
    row.put("from", before.from).put("fresh_share", before.fresh_share).put("control_share", before.control_share);
    row.put("before", ticks);
}

void times(Numbers& numbers, std::uint64_t seed, bool latency, bool control) {
    PowerTicks service = before(numbers, latency, control, latency ? 14 : 30);
    // A bake of which only the first part is tried out, all but its end without a verdict.
    if (seed % 6 == 0) service.shape.bake = 1500 * service.shape.interval, service.from = 1425 * service.shape.interval;
    const double effect = latency ? numbers.next(1.5, 4) : numbers.next(1.5, 8);
    Row row("times");
    put(row, service, seed);
    row.put("effect", effect).put("times", times_to_find(service, seed, effect, latency ? 4 : 16));
}

std::vector<double> said(const std::optional<Power>& power) {
    if (!power) return {};
    return {power->effect, power->within, power->share, power->from_start, power->later, power->hopeless};
}

/// How many deploys are simulated depends on how many ticks they have; only the last ones are judged.
void power(Numbers& numbers, std::uint64_t seed, bool latency, bool control, double ticks, double judged) {
    PowerTicks service = before(numbers, latency, control, ticks);
    service.shape.interval = latency ? 60 : service.shape.interval;
    service.from = std::max(0.0, std::min(ticks, 1440.0) - judged) * service.shape.interval;
    service.shape.bake = ticks * service.shape.interval;
    Row row("power");
    put(row, service, seed);
    row.put("said", said(power_of(service, seed)));
}

/// Announcements alone.
void rungs(Numbers& numbers, std::uint64_t seed) {
    PowerTicks service = before(numbers, seed % 2 == 1, seed % 4 >= 2, 60);
    const double part = std::exp(-numbers.next(0, 3));
    for (Events& tick : service.all) tick.errors = std::floor(part * tick.errors);
    if (service.latency) service.shape.interval = 60;
    service.shape.bake = 9 * service.shape.interval;
    Row("rungs")
        .put("latency", service.latency ? 1 : 0)
        .put("ticks", service.shape.bake / service.shape.interval)
        .put("said", said(power_of(service, seed)));
}

/// Nothing is said after too few ticks.
void few(Numbers& numbers, std::size_t ticks) {
    PowerTicks service = before(numbers, false, false, 9);
    service.at.resize(ticks), service.all.resize(ticks, {1000, 20});
    Row("few").put("ticks", static_cast<double>(ticks)).put("said", said(power_of(service, 1)));
}

}  // namespace

void powers() {
    Numbers numbers;
    draws(numbers);
    curves(numbers);
    for (std::uint64_t i = 0; i < 24; ++i) times(numbers, i, i % 2 == 1, i % 4 >= 2);
    power(numbers, 0, false, false, 9, 9);
    power(numbers, 1, false, true, 600, 6);
    power(numbers, 2, false, false, 1500, 6);
    power(numbers, 3, true, false, 1500, 2);
    for (std::uint64_t i = 0; i < 24; ++i) rungs(numbers, i);
    for (const std::size_t ticks : {0U, 11U, 12U, 13U}) few(numbers, ticks);
}

}  // namespace revertd::detect::oracle
