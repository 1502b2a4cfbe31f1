// SPDX-License-Identifier: Apache-2.0
// Made-up deploys with all that can happen to them, through all tests at once.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <vector>

#include "detectors/deploy_test.h"
#include "tests/detectors/oracle/findings.h"
#include "tests/detectors/oracle/rows.h"

namespace revertd::detect::oracle {
namespace {

constexpr std::size_t kParts = 3;
const std::vector<double> kEdges = {10, 25, 50, 100, 250, 500, 1000};

/// What one group did in one tick.
struct Group {
    std::vector<Events> parts;
    std::vector<double> buckets;

    Group(Numbers& numbers, double requests, double errors, double part, double slow)
        : buckets(kEdges.size() + 1, 0.0) {
        for (std::size_t p = 0; p < kParts; ++p) {
            const double n = std::floor(requests * numbers.next(0.8, 1.2) / static_cast<double>(p + 1));
            const double rate = std::min(0.95, errors * (p == 1 ? part : 1));
            parts.push_back({n, numbers.hits(n, rate)});
        }
        const double level = 4 + slow + 0.03 * numbers.normal();
        for (auto n = static_cast<int>(all().requests); n > 0; --n) {
            const double latency = std::exp(level + 0.7 * numbers.normal());
            ++buckets[static_cast<std::size_t>(std::lower_bound(kEdges.begin(), kEdges.end(), latency) -
                                               kEdges.begin())];
        }
    }

    [[nodiscard]] Events all() const {
        Events sum;
        for (const Events& part : parts) sum += part;
        return sum;
    }

    [[nodiscard]] GroupTick tick(double at, double dt) const {
        GroupTick tick;
        tick.at = at, tick.dt = dt, tick.all = all(), tick.buckets = buckets, tick.parts = parts;
        return tick;
    }

    void append(std::vector<double>& row) const {
        for (const Events& part : parts) row.insert(row.end(), {part.requests, part.errors});
        row.insert(row.end(), buckets.begin(), buckets.end());
    }
};

/// What goes wrong from some tick on, and what happens to both groups.
struct Course {
    double errors = 1, part = 1, slow = 0, gone = 1, broken = 0, leak = 0;
    double warmup = 0, settles = 30, share = 1, grown = 1, load = 1, incident = 1;
    bool clumpy = false;  ///< errors come in clumps, before and after
    int since = 0, jump = 0, rush = 0, waits = 0;
    double beside = 0;  ///< log factor of the control group, from tick `away` on, for 15 of them; new: twice that
    int away = 0, moved = -1;  ///< when half of the new group is started anew, and ten ticks later the rest

    explicit Course(Numbers& numbers, int kind) {
        switch (kind % 9) {
            case 1:
                errors = numbers.next(1.5, 5);
                break;
            case 2:
                part = numbers.next(8, 30);
                break;
            case 3:
                slow = numbers.next(0.1, 0.4);
                break;
            case 4:
                gone = 0.02;
                break;
            case 5:
                broken = numbers.next(0.5, 0.9);
                break;
            case 6:
                leak = numbers.next(0.5, 0.9);
                break;
            case 7:
                errors = numbers.next(2, 4), slow = numbers.next(0, 0.2);
                break;
            case 8:
                errors = numbers.next(2, 5), clumpy = true;
                break;
            default:
                break;
        }
        since = static_cast<int>(numbers.whole(0, gone < 1 ? 6 : 25));
        warmup = numbers.chance(0.5) ? numbers.next(0.1, 1) : 0;
        settles = numbers.next(15, 90);
        share = numbers.next(0.1, 1);
        jump = static_cast<int>(numbers.whole(10, 60)), grown = numbers.chance(0.4) ? numbers.next(1.5, 4) : 1;
        rush = static_cast<int>(numbers.whole(15, 60)), load = numbers.chance(0.3) ? numbers.next(1.8, 3) : 1;
        incident = numbers.chance(0.2) ? numbers.next(5, 20) : 1;
        waits = numbers.chance(0.3) ? 6 : 0;
        beside = numbers.chance(0.25) ? numbers.next(0.1, 0.6) : 0, away = static_cast<int>(numbers.whole(5, 30));
        moved = numbers.chance(0.3) ? static_cast<int>(numbers.whole(2, 30)) : -1;
    }

    /// Share of the new group that is started anew in a tick.
    [[nodiscard]] double restarted(int t) const { return moved >= 0 && (t == moved || t == moved + 10) ? 0.5 : 0; }

    [[nodiscard]] double slow_beside(int t) const { return t >= away && t < away + 15 ? beside : 0; }
};

struct Service {
    double requests, rate;
};

/// How many times as often as on average they fail in a tick.
double clump(Numbers& numbers, const Course& course) {
    return !course.clumpy ? 1 : numbers.chance(0.15) ? 4 : 0.47;
}

/// Tick `t` of one group, as the course wants it.
Group fresh_group(Numbers& numbers, const Service& service, const Course& c, int t, double at) {
    const bool bad = t >= c.since;
    const double busy =
        c.share * (t >= c.jump ? c.grown : 1) * (t >= c.rush ? c.load : 1) * (bad && t > 2 ? c.gone : 1);
    const double errors =
        clump(numbers, c) * service.rate * (bad ? c.errors : 1) * (t / 5 == 5 ? c.incident : 1) + (bad ? c.broken : 0);
    double cold = std::log1p(c.warmup * std::exp(-at / c.settles));
    if (c.moved >= 0 && t > c.moved) cold += 0.4 * std::exp(-(t - c.moved) % 10 / 3.0);
    return {numbers, busy * service.requests, errors, bad ? c.part : 1,
            (bad ? c.slow : 0) + 2 * c.slow_beside(t) + cold};
}

void deploy(Numbers& numbers, int kind) {
    DeployShape shape;
    shape.interval = kind % 4 == 3 ? 30 : kind % 4 == 1 ? 10.1 : 10;
    shape.bake = numbers.whole(600, 1800);
    shape.control = kind % 3 != 0;
    shape.control_kind = kind % 2 == 0 ? ControlKind::Stable : ControlKind::Unknown;
    shape.parts = kParts;
    shape.edges = kEdges;
    const Service service{numbers.next(20, 120), std::exp(numbers.next(-7, -3.5))};
    const Course course(numbers, kind);
    DeployTest test(shape);
    std::vector<std::vector<double>> before, ticks, findings;
    for (int t = -60; t < 0; ++t) {
        const Group group(numbers, service.requests, clump(numbers, course) * service.rate, 1, 0);
        test.before(group.tick((t + 1) * shape.interval, shape.interval));
        before.push_back({(t + 1) * shape.interval});
        group.append(before.back());
    }
    test.begin();
    for (int t = 0; t < 50; ++t) {
        const double at = (t + 1) * shape.interval, memory = 0.3 + course.leak * at / shape.bake;
        const Group fresh = fresh_group(numbers, service, course, t, at);
        const double both = (t >= course.rush ? course.load : 1) * service.requests;
        const Group beside(numbers, both, clump(numbers, course) * service.rate * (t / 5 == 5 ? course.incident : 1), 1,
                           course.slow_beside(t));
        GroupTick tick = fresh.tick(at, shape.interval);
        const GroupTick reference = beside.tick(at, shape.interval);
        tick.restarted = course.restarted(t);
        test.memory(true, at, memory);
        ticks.push_back({at, t < course.waits ? 0.0 : 1, tick.restarted, memory});
        fresh.append(ticks.back());
        beside.append(ticks.back());
        std::optional<Finding> found;
        if (t < course.waits)
            test.watch(tick, shape.control ? &reference : nullptr);
        else
            found = test.tick(tick, shape.control ? &reference : nullptr);
        findings.push_back(said(found, test.evidence()));
    }
    Row("deploy").put(shape).put("before", before).put("ticks", ticks).put("said", findings);
}

}  // namespace

void deploys() {
    Numbers numbers;
    for (int i = 0; i < 54; ++i) deploy(numbers, i);
}

}  // namespace revertd::detect::oracle
