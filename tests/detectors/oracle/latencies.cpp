// SPDX-License-Identifier: Apache-2.0
// Latency of many made-up services: what is learned of it before a deploy, and the evidence of whole deploys.
#include <cmath>
#include <numeric>
#include <vector>

#include "detectors/certificate.h"
#include "detectors/history.h"
#include "detectors/latency_model.h"
#include "detectors/latency_test.h"
#include "tests/detectors/oracle/rows.h"

namespace revertd::detect::oracle {
namespace {

using Cells = LatencyTest::Cells;

const std::vector<std::vector<double>> kEdges = {
    {10, 25, 50, 100, 250, 500, 1000},
    {5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500},
    {50, 100, 200, 400},
    {0.1, 0.3, 1.2},
    {20, 22, 25, 30, 40, 60, 100, 200, 400, 800, 1600, 3200},
    {40, 50, 60, 75, 90, 110, 135, 165, 200, 250, 300, 370, 450, 550, 680, 830, 1000},
};

/// A service whose latencies are nearly log-normal, with a slow mode.
struct Service {
    std::vector<double> edges;
    double middle = 0, sd = 0.6, slow = 0, jitter = 0.02, requests = 100;

    Service(Numbers& numbers, std::size_t kind) : edges(kEdges[kind % kEdges.size()]) {
        middle = 0.5 * (std::log(edges.front()) + std::log(edges.back())) + numbers.next(-0.6, 0.3);
        sd = numbers.next(0.3, 1.1);
        slow = numbers.chance(0.5) ? numbers.next(0, 0.04) : 0;
        jitter = numbers.next(0.005, 0.08);
        requests = numbers.next(20, 220);
    }

    [[nodiscard]] std::vector<double> buckets(Numbers& numbers, double log_factor) const {
        std::vector<double> counts(edges.size() + 1, 0.0);
        const double level = middle + log_factor + jitter * numbers.normal();
        const int n = static_cast<int>(numbers.next(0.7, 1.3) * requests);
        for (int i = 0; i < n; ++i) {
            const double latency = std::exp(level + sd * numbers.normal() + (numbers.chance(slow) ? 1.5 : 0));
            std::size_t b = 0;
            while (b < edges.size() && latency > edges[b]) ++b;
            ++counts[b];
        }
        return counts;
    }
};

/// Drifts, wanders from block to block, and may be slow in its last minutes.
History history_of(Numbers& numbers, const Service& service, double interval, int ticks) {
    History history(service.edges.size() + 1, 0);
    const double trend = numbers.chance(0.5) ? numbers.next(-2e-4, 2e-4) : 0;
    const double incident = numbers.chance(0.2) ? numbers.next(0.1, 0.7) : 0;
    double wandered = 0;
    for (int i = 0; i < ticks; ++i) {
        GroupTick tick;
        tick.at = -interval * (ticks - 1 - i);
        tick.dt = interval;
        if (i % 20 == 0) wandered = 0.06 * numbers.normal();
        const auto buckets =
            service.buckets(numbers, trend * tick.at + wandered + (tick.at >= -180 && i > ticks / 2 ? incident : 0));
        tick.buckets = buckets;
        tick.all.requests = std::accumulate(buckets.begin(), buckets.end(), 0.0);
        history.add(tick);
    }
    return history;
}

DeployShape shape_of(Numbers& numbers, const Service& service, int kind) {
    DeployShape shape;
    shape.interval = std::vector<double>{5, 10, 30}[static_cast<std::size_t>(numbers.whole(0, 3))];
    shape.bake = numbers.whole(300, 3600);
    shape.alpha = 0.001;
    shape.control = kind % 2 == 1;
    shape.control_kind = static_cast<ControlKind>(kind / 2 % 3);
    shape.edges = service.edges;
    return shape;
}

std::vector<double> list(const Cells& cells, std::size_t n) {
    return {cells.begin(), cells.begin() + static_cast<std::ptrdiff_t>(n)};
}

/// What the model says of counts, and of factors within and beyond its table.
void ask(Numbers& numbers, const Service& service, const LatencyModel& model, Row& row) {
    const std::size_t n = model.cells().size();
    std::vector<std::vector<double>> cells, counts, places;
    for (const auto& cell : model.cells()) {
        cells.push_back({static_cast<double>(cell.first), static_cast<double>(cell.last), cell.share, cell.slope});
        cells.back().insert(cells.back().end(), cell.log_ratio.begin(), cell.log_ratio.end());
        cells.back().insert(cells.back().end(), cell.ratio.begin(), cell.ratio.end());
    }
    for (int i = 0; i < 8; ++i) {
        Cells filled{};
        const auto buckets = service.buckets(numbers, i < 2 ? 0 : numbers.next(-0.8, 2.5));
        model.fill(buckets, filled);
        counts.push_back(buckets);
        counts.back().insert(counts.back().end(), {model.shift(filled), model.common(filled)});
        const auto n_filled = list(filled, n);
        counts.back().insert(counts.back().end(), n_filled.begin(), n_filled.end());
    }
    for (int i = 0; i < 12; ++i) {
        const double log_factor = numbers.next(-0.45, 2.3);
        places.push_back({log_factor});
        for (const auto& cell : model.cells())
            places.back().push_back(TablePlace(log_factor).in(cell.log_ratio.data()));
    }
    row.put("cells", cells).put("counts", counts).put("places", places);
    row.put("spread", model.spread()).put("jitter", model.jitter()).put("information", model.information());
    row.put("expected", std::vector<double>{model.expected(0), model.expected(500)});
}

void models(Numbers& numbers) {
    for (int i = 0; i < 90; ++i) {
        const Service service(numbers, static_cast<std::size_t>(i));
        DeployShape shape = shape_of(numbers, service, i);
        shape.control = i % 3 == 0;
        const History history = history_of(numbers, service, shape.interval, static_cast<int>(numbers.whole(6, 160)));
        const LatencyModel model(shape, history);
        Row row("model");
        row.put(shape).put(history);
        if (!model.empty()) ask(numbers, service, model, row);
    }
}

/// One deploy: slow from some tick on, warming up, with restarts and ticks without requests.
void deploy(Numbers& numbers, int kind) {
    const Service service(numbers, static_cast<std::size_t>(kind));
    const DeployShape shape = shape_of(numbers, service, kind);
    const History history = history_of(numbers, service, shape.interval, static_cast<int>(numbers.whole(20, 90)));
    LatencyTest test(shape, LatencyModel(shape, history), 0.25);
    const std::size_t n = test.model().cells().size();
    if (n < 2) return;
    const double dt = kind % 4 < 2 ? shape.interval : 30, worse = numbers.chance(0.6) ? numbers.next(0.05, 0.5) : 0;
    const double cold = numbers.chance(0.5) ? numbers.next(0.1, 1.5) : 0, settles = numbers.next(15, 120);
    const double busy = numbers.next(0.1, 1);
    std::vector<std::vector<double>> ticks;
    std::vector<double> evidence, still;
    double at = 0;
    for (int t = 0; t < 18; ++t) {
        at += dt;
        const bool counts = t >= 2 || kind % 5 != 0, growing = kind % 3 == 0 && t / 4 % 2 == 1;
        const double what = t > 4 && numbers.chance(0.08) ? numbers.whole(1, 5) : 0,
                     since = at - dt * numbers.whole(1, 4);
        if (what == 1) test.restart(since);
        if (what == 2) test.restart_beside(since);
        if (what == 3) test.forget(since);
        if (what == 4) test.restarted(at - dt), test.skip(at - dt, dt);
        test.growing(growing);
        Cells fresh{}, reference{};
        const double common = t > 12 && kind % 7 == 3 ? 0.5 : 0;
        Service fewer = service;
        fewer.requests *= numbers.chance(0.07) ? 0 : busy;
        const double now = common + std::log1p(cold * std::exp(-at / settles));
        test.model().fill(fewer.buckets(numbers, now + (t > 5 || kind % 3 == 1 ? worse : 0)), fresh);
        if (shape.control) test.model().fill(service.buckets(numbers, common), reference);
        test.step(at, dt, fresh, reference, counts);
        evidence.push_back(test.evidence());
        still.push_back(test.still(fresh, reference) ? 1 : 0);
        ticks.push_back({at, dt, counts ? 1.0 : 0, what, since, growing ? 1.0 : 0});
        for (const auto& cells : {list(fresh, n), list(reference, n)})
            ticks.back().insert(ticks.back().end(), cells.begin(), cells.end());
    }
    Row("deploy").put(shape).put(history).put("ticks", ticks).put("evidence", evidence).put("still", still);
}

/// What a pass excludes, of latencies.
void certificates(Numbers& numbers) {
    for (int i = 0; i < 40; ++i) {
        const Service service(numbers, static_cast<std::size_t>(i));
        const DeployShape shape = shape_of(numbers, service, i);
        const History history = history_of(numbers, service, shape.interval, static_cast<int>(numbers.whole(20, 90)));
        Certificate certificate(Certificate::Of::Latency, shape, history);
        const double factor = numbers.next(-0.15, 0.25), common = i % 4 == 3 ? 0.4 : 0;
        std::vector<std::vector<double>> ticks;
        for (int t = 1; t <= 30; ++t) {
            GroupTick fresh, reference;
            fresh.at = reference.at = t * shape.interval, fresh.dt = reference.dt = shape.interval;
            const auto buckets = service.buckets(numbers, factor + common), beside = service.buckets(numbers, common);
            fresh.buckets = buckets, reference.buckets = beside;
            fresh.all.requests = std::accumulate(buckets.begin(), buckets.end(), 0.0);
            reference.all.requests = std::accumulate(beside.begin(), beside.end(), 0.0);
            certificate.tick(fresh, shape.control ? &reference : nullptr);
            ticks.push_back({fresh.at, fresh.dt});
            ticks.back().insert(ticks.back().end(), buckets.begin(), buckets.end());
            ticks.back().insert(ticks.back().end(), beside.begin(), beside.end());
        }
        Row("certificate").put(shape).put(history).put("ticks", ticks).put(certificate);
    }
}

}  // namespace

void latencies() {
    Numbers numbers;
    models(numbers);
    for (int i = 0; i < 120; ++i) deploy(numbers, i);
    certificates(numbers);
}

}  // namespace revertd::detect::oracle
