// SPDX-License-Identifier: Apache-2.0
// Errors of many made-up services: what is learned of them before a deploy, and the evidence of whole deploys.
#include <algorithm>
#include <cmath>
#include <vector>

#include "detectors/certificate.h"
#include "detectors/error_test.h"
#include "detectors/history.h"
#include "tests/detectors/oracle/rows.h"

namespace revertd::detect::oracle {
namespace {

constexpr std::size_t kParts = 3;
constexpr double kShare = 0.3;

/// A service whose endpoints fail at rates of their own, in clumps.
struct Service {
    double requests = 100, clumps = 0.1;
    std::vector<double> rates;

    explicit Service(Numbers& numbers) {
        requests = std::exp(numbers.next(1.5, 7));
        clumps = numbers.chance(0.5) ? numbers.next(0, 0.6) : 0;
        const double rate = std::exp(numbers.next(std::log(2e-4), std::log(0.08)));
        for (std::size_t p = 0; p < kParts; ++p) rates.push_back(rate * numbers.next(0.3, 1.7));
    }

    /// The endpoints of one tick; the last one is `more` times as bad.
    [[nodiscard]] std::vector<Events> tick(Numbers& numbers, double busy, double factor, double more) const {
        std::vector<Events> parts;
        const double clump = std::max(0.05, 1 + std::sqrt(clumps) * numbers.normal());
        for (std::size_t p = 0; p < kParts; ++p) {
            const double n = std::floor(busy * requests * numbers.next(0.5, 1.5) / static_cast<double>(p + 1));
            const double rate = std::min(0.9, clump * factor * rates[p] * (p + 1 == kParts ? more : 1));
            parts.push_back({n, numbers.hits(n, rate)});
        }
        return parts;
    }
};

Events sum(const std::vector<Events>& parts) {
    Events all;
    for (const Events& part : parts) all += part;
    return all;
}

History history_of(Numbers& numbers, const Service& service, double interval, int ticks) {
    History history(0, kParts);
    const bool incident = numbers.chance(0.4);
    for (int i = 0; i < ticks; ++i) {
        GroupTick tick;
        tick.at = -interval * (ticks - 1 - i);
        tick.dt = interval;
        const double factor = numbers.chance(0.03) ? 12 : incident && tick.at >= -180 && i > ticks / 2 ? 9 : 1;
        const auto parts = service.tick(numbers, 1, factor, 1);
        tick.parts = parts;
        tick.all = sum(parts);
        history.add(tick);
    }
    return history;
}

DeployShape shape_of(Numbers& numbers, int kind) {
    DeployShape shape;
    shape.interval = std::vector<double>{5, 10, 30}[static_cast<std::size_t>(numbers.whole(0, 3))];
    shape.bake = numbers.whole(300, 3600);
    shape.control = kind % 2 == 1;
    shape.parts = kParts;
    return shape;
}

std::vector<double> list(const std::vector<Events>& parts) {
    std::vector<double> out;
    for (const Events& part : parts) out.insert(out.end(), {part.requests, part.errors});
    return out;
}

/// One deploy; its errors last, or come and go, or are those of one endpoint, or of both groups.
struct Course {
    double worse = 1, part = 1, incident = 1, busy = 1;
    bool flaps = false;

    explicit Course(Numbers& numbers) {
        if (numbers.chance(0.4)) worse = numbers.next(1.3, 8);
        if (numbers.chance(0.2)) part = numbers.next(3, 30);
        if (numbers.chance(0.2)) incident = numbers.next(3, 40);
        busy = numbers.next(0.1, 2);
        flaps = numbers.chance(0.3);
    }

    [[nodiscard]] bool bad(int tick) const { return tick > 4 && (!flaps || tick % 4 == 0); }
};

void deploy(Numbers& numbers, int kind) {
    const Service service(numbers);
    const DeployShape shape = shape_of(numbers, kind);
    const History history = history_of(numbers, service, shape.interval, static_cast<int>(numbers.whole(2, 120)));
    const ErrorHistory before(history, shape.control, shape.interval);
    ErrorTest test(shape, before, kShare);
    ErrorBlockTest blocks(shape, before, kShare);
    PartTest parts(shape, before, kShare);
    OwnNoise noise(before.extra);
    const Course course(numbers);
    std::vector<std::vector<double>> ticks, evidence;
    for (int t = 0; t < 40; ++t) {
        const double dt = t % 9 == 5 ? 2 * shape.interval : shape.interval;
        const double incident = t > 15 && t < 22 ? course.incident : 1;
        const double own = shape.control ? noise.value() : 0;
        const auto fresh = service.tick(numbers, numbers.chance(0.06) ? 0 : course.busy,
                                        incident * (course.bad(t) ? course.worse : 1), t > 4 ? course.part : 1);
        const auto reference = shape.control && !numbers.chance(0.06) ? service.tick(numbers, 0.7, incident, 1)
                                                                      : std::vector<Events>(kParts);
        test.step(sum(fresh), sum(reference), own, dt);
        blocks.step(sum(fresh), sum(reference), own, dt);
        parts.step(fresh, reference, own + 0.03, dt);
        if (shape.control) noise.add(sum(fresh), sum(reference));
        ticks.push_back({dt});
        for (const auto* group : {&fresh, &reference}) {
            const auto counts = list(*group);
            ticks.back().insert(ticks.back().end(), counts.begin(), counts.end());
        }
        evidence.push_back(
            {own, test.evidence(), blocks.evidence(), parts.evidence(), static_cast<double>(parts.strongest())});
    }
    Row row("deploy");
    row.put(shape).put(history).put("parts", list(before.parts)).put("share", kShare);
    row.put("learned", std::vector<double>{before.rate, before.extra, before.known, before.incident, before.blips.count,
                                           before.blips.seconds, before.spread});
    row.put("ticks", ticks).put("evidence", evidence);
}

/// What a pass excludes, of errors.
void certificates(Numbers& numbers) {
    for (int i = 0; i < 60; ++i) {
        Service service(numbers);
        if (i % 6 >= 4)
            for (double& rate : service.rates) rate = numbers.next(0.4, 0.7);  // no more than all can fail
        const DeployShape shape = shape_of(numbers, i);
        const History history = history_of(numbers, service, shape.interval, static_cast<int>(numbers.whole(12, 80)));
        Certificate certificate(Certificate::Of::Errors, shape, history);
        const double factor = numbers.next(0.7, 1.5), incident = i % 5 == 4 ? 8 : 1;
        std::vector<std::vector<double>> ticks;
        for (int t = 1; t <= 40; ++t) {
            GroupTick fresh, reference;
            fresh.at = t * shape.interval, fresh.dt = shape.interval;
            fresh.all = sum(service.tick(numbers, 1, factor * incident, 1));
            reference.all = numbers.chance(0.05) ? Events{} : sum(service.tick(numbers, 0.7, incident, 1));
            certificate.tick(fresh, shape.control ? &reference : nullptr);
            ticks.push_back({fresh.at, fresh.dt, fresh.all.requests, fresh.all.errors, reference.all.requests,
                             reference.all.errors});
        }
        Row("certificate").put(shape).put(history).put("ticks", ticks).put(certificate);
    }
}

}  // namespace

void errors() {
    Numbers numbers;
    for (int i = 0; i < 160; ++i) deploy(numbers, i);
    certificates(numbers);
}

}  // namespace revertd::detect::oracle
