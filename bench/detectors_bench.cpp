// SPDX-License-Identifier: Apache-2.0
// What a tick of a deploy costs each detector. The floor reads the tick's counts and adds them up: nothing could be
// said of them for less.
#include <benchmark/benchmark.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "detectors/deploy_test.h"
#include "detectors/error_test.h"
#include "detectors/latency_test.h"
#include "detectors/level_test.h"

namespace {

using namespace revertd::detect;

const std::vector<double> kEdges = {5, 10, 25, 50, 75, 100, 150, 250, 350, 500, 750, 1000, 2500, 5000, 10000};

/// Ticks of 10 s with 2,000 requests and some noise, the same each time.
class Ticks {
  public:
    explicit Ticks(double requests) {
        for (std::size_t i = 0; i < kTicks; ++i) {
            const double noise = 1 + 0.05 * std::sin(2.4 * static_cast<double>(i));
            auto& buckets = buckets_[i];
            for (std::size_t b = 0; b <= kEdges.size(); ++b) {
                const double away = (static_cast<double>(b) - 5 * noise) / 2;
                buckets.push_back(std::floor(requests / 5 * std::exp(-away * away / 2)));
            }
            const double all = std::accumulate(buckets.begin(), buckets.end(), 0.0);
            parts_[i].assign(10, {all / 10, std::floor(all / 3000 * noise)});
            ticks_[i].dt = 10;
            ticks_[i].all = {all, std::floor(all / 300 * noise)};
            ticks_[i].buckets = buckets;
            ticks_[i].parts = parts_[i];
        }
    }

    const GroupTick& at(std::size_t i, double time) {
        auto& tick = ticks_[i % kTicks];
        tick.at = time;
        return tick;
    }

  private:
    static constexpr std::size_t kTicks = 64;
    std::vector<double> buckets_[kTicks];
    std::vector<Events> parts_[kTicks];
    GroupTick ticks_[kTicks];
};

DeployShape shape_of(double bake, bool control, std::size_t parts) {
    DeployShape shape;
    shape.bake = bake;
    shape.control = control;
    shape.parts = parts;
    shape.edges = kEdges;
    return shape;
}

History history_of(Ticks& ticks) {
    History history(kEdges.size() + 1, 10);
    for (std::size_t i = 0; i < 120; ++i) history.add(ticks.at(i, -1200 + 10 * static_cast<double>(i)));
    return history;
}

void floor_of_a_tick(benchmark::State& state) {
    Ticks fresh(400), reference(2000);
    std::size_t i = 0;
    for (auto _ : state) {
        double sum = 0;
        for (const auto* tick : {&fresh.at(i, 0), &reference.at(i, 0)}) {
            for (const double count : tick->buckets) sum += count;
            for (const Events& part : tick->parts) sum += part.requests + part.errors;
            sum += tick->all.requests + tick->all.errors;
        }
        benchmark::DoNotOptimize(sum);
        ++i;
    }
}

/// All detectors over a bake of so many seconds, again and again.
void whole_tick(benchmark::State& state) {
    Ticks fresh(400), reference(2000);
    const auto bake = static_cast<double>(state.range(0));
    const bool control = state.range(1) != 0;
    const auto ready = [&] {
        DeployTest test(shape_of(bake, control, 10));
        for (std::size_t i = 0; i < 120; ++i) test.before(reference.at(i, -1200 + 10 * static_cast<double>(i)));
        test.begin();
        return test;
    };
    DeployTest test = ready();
    double at = 0;
    std::size_t i = 0;
    for (auto _ : state) {
        if (at >= bake) {
            state.PauseTiming();
            test = ready();
            at = 0;
            state.ResumeTiming();
        }
        at += 10;
        ++i;
        benchmark::DoNotOptimize(test.tick(fresh.at(i, at), control ? &reference.at(i, at) : nullptr));
    }
}

void errors(benchmark::State& state) {
    Ticks fresh(400), reference(2000);
    const auto history = history_of(reference);
    const auto shape = shape_of(1e9, true, 0);
    ErrorTest test(shape, ErrorHistory(history, true, shape.interval), 0.4);
    std::size_t i = 0;
    for (auto _ : state) {
        test.step(fresh.at(i, 0).all, reference.at(i, 0).all, 0.05, 10);
        ++i;
    }
}

void endpoints(benchmark::State& state) {
    Ticks fresh(400), reference(2000);
    const auto history = history_of(reference);
    const auto shape = shape_of(1e9, true, 10);
    PartTest test(shape, ErrorHistory(history, true, shape.interval), 0.1);
    std::size_t i = 0;
    for (auto _ : state) {
        test.step(fresh.at(i, 0).parts, reference.at(i, 0).parts, 0.05, 10);
        ++i;
    }
}

void latency(benchmark::State& state) {
    Ticks fresh(400), reference(2000);
    const auto history = history_of(reference);
    const auto shape = shape_of(1e9, state.range(0) != 0, 0);
    LatencyTest test(shape, LatencyModel(shape, history), 0.33);
    LatencyTest::Cells cells{}, beside{};
    double at = 0;
    std::size_t i = 0;
    for (auto _ : state) {
        test.model().fill(fresh.at(i, at).buckets, cells);
        test.model().fill(reference.at(i, at).buckets, beside);
        test.step(at += 10, 10, cells, beside);
        ++i;
    }
}

void level(benchmark::State& state) {
    std::vector<Level> before;
    for (int i = 0; i < 120; ++i) before.push_back({100 + 5 * std::sin(2.4 * i), 90 + 5 * std::sin(1.7 * i)});
    LevelTest test(shape_of(1e9, true, 0), before);
    std::size_t i = 0;
    for (auto _ : state) {
        test.step(before[i % before.size()], 10);
        ++i;
    }
}

BENCHMARK(floor_of_a_tick)->Name("floor");
BENCHMARK(errors)->Name("errors");
BENCHMARK(endpoints)->Name("endpoints");
BENCHMARK(latency)->Name("latency")->Arg(1)->Arg(0);
BENCHMARK(level)->Name("level");
BENCHMARK(whole_tick)->Name("all")->Args({900, 1})->Args({7200, 1})->Args({900, 0});

}  // namespace

BENCHMARK_MAIN();
