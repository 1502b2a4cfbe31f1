// SPDX-License-Identifier: Apache-2.0
// CPU of reading one /metrics body of 1,000 series (91 KB), beside its floors in the same run: finding the lines only,
// and copying the bytes. `cold`: first sight of every series; `warm`: the layout holds; `moved`: the lines come in
// another order each time.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "daemon/sources/scrape.h"

namespace {

using namespace revertd;

constexpr int kHandlers = 56;

/// A web service in Go: counters by code and handler, a histogram by handler, the runtime's gauges.
std::vector<std::string> lines_of_service() {
    std::vector<std::string> lines;
    const auto add = [&](const std::string& series, double value) {
        lines.push_back(series + ' ' + std::to_string(value) + '\n');
    };
    const auto count = [&](const std::string& series, int value) {
        lines.push_back(series + ' ' + std::to_string(value) + '\n');
    };
    for (int i = 0; i < 42; ++i) add("go_memstats_gauge_" + std::to_string(i) + "_bytes", 1.9e6 + i * 1.37);
    for (const char* name : {"app_queue_depth", "app_workers", "app_pool_in_use", "process_open_fds"}) add(name, 17.5);
    for (int h = 0; h < kHandlers; ++h) {
        const std::string base = "{handler=\"/api/v1/resource" + std::to_string(h) + "\",method=\"GET\"";
        for (const char* le : {"0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"}) {
            count("http_request_duration_seconds_bucket" + base + ",le=\"" + le + "\"}", 123'456 + h);
        }
        add("http_request_duration_seconds_sum" + base + "}", 4567.25 + h);
        count("http_request_duration_seconds_count" + base + "}", 234'567 + h);
    }
    for (int h = 0; h < kHandlers; ++h) {
        const std::string rest = "\",handler=\"/api/v1/resource" + std::to_string(h) + "\",method=\"GET\"}";
        for (const char* code : {"200", "404", "500"})
            count("http_requests_total{code=\"" + (code + rest), 345'678 + h);
    }
    return lines;
}

std::string join(const std::vector<std::string>& lines) {
    std::string body =
        "# HELP http_requests_total Requests served, by status code.\n# TYPE http_requests_total counter\n";
    for (const std::string& line : lines) body += line;
    return body;
}

Signal gauge(const std::string& metric) {
    Signal signal;
    signal.name = signal.selector.metric = metric;
    return signal;
}

/// Five families: 172 of the 1,000 lines are wanted, or 844 with the histogram's buckets.
std::vector<Signal> five_families(bool with_buckets) {
    Signal errors = gauge("http_requests_total");
    errors.kind = Signal::Kind::Ratio;
    errors.bad = {{"code", Matcher::Op::Regex, "5.."}};
    Signal latency = gauge("http_request_duration_seconds");
    latency.kind = Signal::Kind::Quantile;
    std::vector<Signal> signals{errors, gauge("app_queue_depth"), gauge("app_workers"), gauge("app_pool_in_use")};
    signals.push_back(with_buckets ? latency : gauge("process_open_fds"));
    return signals;
}

class Ids final : public ScrapeListener {
  public:
    void name_signal(std::uint32_t, const Selector&) override {}

    SeriesId add_series(TargetIndex, std::uint64_t, const SeriesRole&) override { return next_++; }

    void scrape(TargetIndex, const ScrapeResult& result, Time) override {
        next_ = 0;
        values += result.values.size();
    }

    std::size_t values = 0;

  private:
    SeriesId next_ = 0;
};

void read(ScrapeTarget& target, const std::string& body) {
    target.head(200, "text/plain; version=0.0.4", body.size());
    target.body({body.data(), body.size()});
    target.done(FetchError::None, Time{});
}

void finish(benchmark::State& state, const std::string& body, std::size_t values) {
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
    state.counters["wanted"] = static_cast<double>(values) / static_cast<double>(state.iterations());
}

void warm(benchmark::State& state) {
    const std::string body = join(lines_of_service());
    SeriesSelector selector = std::move(*SeriesSelector::make(five_families(state.range(0) != 0)));
    Ids ids;
    ScrapePool pool(1);
    ScrapeTarget target(0, {pool, selector, ids});
    read(target, body);
    ids.values = 0;
    for (auto _ : state) read(target, body);
    finish(state, body, ids.values);
}

void cold(benchmark::State& state) {
    const std::string body = join(lines_of_service());
    SeriesSelector selector = std::move(*SeriesSelector::make(five_families(state.range(0) != 0)));
    Ids ids;
    ScrapePool pool(1);
    for (auto _ : state) {
        ScrapeTarget target(0, {pool, selector, ids});
        read(target, body);
    }
    finish(state, body, ids.values);
}

void moved(benchmark::State& state) {
    std::vector<std::string> lines = lines_of_service();
    const std::string forwards = join(lines);
    std::reverse(lines.begin(), lines.end());
    const std::string backwards = join(lines);
    SeriesSelector selector = std::move(*SeriesSelector::make(five_families(state.range(0) != 0)));
    Ids ids;
    ScrapePool pool(1);
    ScrapeTarget target(0, {pool, selector, ids});
    bool turn = false;
    for (auto _ : state) read(target, (turn = !turn) ? forwards : backwards);
    finish(state, forwards, ids.values);
}

void floor_find_lines(benchmark::State& state) {
    const std::string body = join(lines_of_service());
    for (auto _ : state) {
        std::size_t lines = 0;
        for (const char* p = body.data(); p != body.data() + body.size(); ++lines) {
            p = static_cast<const char*>(
                    std::memchr(p, '\n', static_cast<std::size_t>(body.data() + body.size() - p))) +
                1;
        }
        benchmark::DoNotOptimize(lines);
    }
    finish(state, body, 0);
}

void floor_copy(benchmark::State& state) {
    const std::string body = join(lines_of_service());
    std::string copy(body.size(), '\0');
    for (auto _ : state) {
        std::memcpy(copy.data(), body.data(), body.size());
        benchmark::DoNotOptimize(copy.data());
    }
    finish(state, body, 0);
}

BENCHMARK(floor_copy);
BENCHMARK(floor_find_lines);
BENCHMARK(warm)->ArgName("buckets")->Arg(0)->Arg(1);
BENCHMARK(moved)->ArgName("buckets")->Arg(0)->Arg(1);
BENCHMARK(cold)->ArgName("buckets")->Arg(0)->Arg(1);

}  // namespace

BENCHMARK_MAIN();
