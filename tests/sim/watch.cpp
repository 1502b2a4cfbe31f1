// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/watch.h"

#include <array>
#include <cmath>
#include <limits>

#include "core/well_known.h"

namespace revertd::sim {

namespace {

constexpr std::array<double, 6> kEdges{0.05, 0.1, 0.25, 0.5, 1, std::numeric_limits<double>::infinity()};

struct Failure {
    Verdict verdict;
    const char* words;
};

Failure failure_of(Metrics metrics) {
    switch (metrics) {
        case Metrics::Empty:
            return {Verdict::NoData, "empty answer"};
        case Metrics::Garbage:
            return {Verdict::Error, "line 1: not a sample"};
        case Metrics::Truncated:
            return {Verdict::Error, "closed before the answer was whole"};
        case Metrics::Unavailable:
            return {Verdict::Error, "status 503"};
        case Metrics::Refused:
            return {Verdict::Error, "connection refused"};
        case Metrics::NoName:
            return {Verdict::Error, "the name has no address"};
        case Metrics::Hang:
            return {Verdict::Error, "timeout"};
        case Metrics::Stale:
            return {Verdict::Stale, "the newest sample is 1m old, at most 10s is allowed"};
        case Metrics::Warnings:
            return {Verdict::Partial, "the answer has warnings: remote read: some data is missing"};
        case Metrics::Fine:
        case Metrics::NotANumber:
        case Metrics::TwoSeries:
        case Metrics::Gone:
            return {Verdict::Ok, ""};
    }
    return {Verdict::Ok, ""};
}

const Behaviour& behaviour(const Outside& outside) {
    static const Behaviour kGood;
    const auto it = outside.versions.find(outside.platform.version);
    return it == outside.versions.end() ? kGood : it->second;
}

}  // namespace

World::Watch::Watch(std::shared_ptr<const ServiceSettings> settings_)
    : settings(std::move(settings_)), judge(settings) {
    series_.resize(settings->metrics.size());
    for (TargetIndex target = 0; target < series_.size(); ++target) make_series(target);
}

/// A control group may have targets of its own.
bool World::Watch::concerns(TargetIndex target, std::uint32_t signal) const {
    if (!settings->control_from) return true;
    return (target >= *settings->control_from) == settings->signals[signal].is_control;
}

void World::Watch::make_series(TargetIndex target) {
    std::uint64_t identity = 1;
    const auto add = [&](std::uint32_t signal, SeriesRole role, bool second) {
        role.signal = signal;
        const SeriesId id = second ? 0 : judge.add_series(target, identity++, role);
        series_[target].push_back({signal, role, id, 0, second});
    };
    for (std::uint32_t index = 0; index < settings->signals.size(); ++index) {
        if (settings->signals[index].source == Signal::Source::Prometheus || !concerns(target, index)) continue;
        if (is_of_process(settings->signals[index])) continue;  // pages of the simulation tell of requests only
        switch (settings->signals[index].kind) {
            case Signal::Kind::Ratio:
                add(index, {index, false, 0}, false);
                add(index, {index, true, 0}, false);
                break;
            case Signal::Kind::Quantile:
                for (const double edge : kEdges) add(index, {index, false, edge}, false);
                break;
            case Signal::Kind::Gauge:
            case Signal::Kind::Rate:
                add(index, {index, false, 0}, false);
                if (settings->signals[index].aggregate == Signal::Aggregate::Single)
                    add(index, {index, false, 0}, true);
                break;
        }
    }
}

void World::Watch::ask(const Outside& outside, Time now) {
    const bool down = !behaviour(outside).healthy || outside.platform.nothing;
    for (TargetIndex target = 0; target < settings->health.size(); ++target) {
        const auto own = outside.target_down.find(target);
        const bool target_down = down || (own != outside.target_down.end() && own->second);
        const Health one = outside.health_blind ? Health::Blind : target_down ? Health::Down : Health::Up;
        judge.health(target,
                     {one, one == Health::Up     ? ""
                           : one == Health::Down ? "503"
                                                 : "the name has no address"},
                     now);
    }
    if (last_ != Time{} && now > last_) grow(outside, now - last_);
    last_ = now;
    for (TargetIndex target = 0; target < series_.size(); ++target) answer(target, outside, now);
    for (std::uint32_t signal = 0; signal < settings->signals.size(); ++signal)
        if (settings->signals[signal].source == Signal::Source::Prometheus) query(signal, outside, now);
}

/// What a Prometheus would say: rates over the last four intervals, as if they had been the same all the time.
void World::Watch::query(std::uint32_t index, const Outside& outside, Time now) {
    const Signal& signal = settings->signals[index];
    const Behaviour& is = signal.is_control ? outside.control : behaviour(outside);
    const bool refused = signal.is_control && outside.control_blind;
    const Failure failure = failure_of(refused ? Metrics::Refused : outside.metrics);
    std::vector<QueryCell> cells;
    if (signal.kind == Signal::Kind::Ratio)
        cells = {{outside.requests, false, 0}, {outside.requests * is.errors, true, 0}};
    if (signal.kind == Signal::Kind::Quantile)
        for (const double edge : kEdges) cells.push_back({is.latency <= edge ? outside.requests : 0, false, edge});
    const auto gauge = outside.gauges.find(signal.name);
    if (signal.kind == Signal::Kind::Gauge) cells = {{gauge == outside.gauges.end() ? 1 : gauge->second, false, 0}};
    if (outside.metrics == Metrics::NotANumber) cells.front().value = std::numeric_limits<double>::quiet_NaN();
    if (outside.metrics == Metrics::TwoSeries && signal.kind == Signal::Kind::Gauge) cells.push_back(cells.front());
    if (failure.verdict != Verdict::Ok || outside.metrics == Metrics::Gone) cells.clear();
    const Duration span = signal.promql.empty() ? 4 * settings->interval : signal.reach;
    judge.query(index, {failure.verdict, cells, {}, span, failure.words}, now);
}

void World::Watch::grow(const Outside& outside, Duration elapsed) {
    const double requests = outside.requests * seconds(elapsed);
    for (auto& target : series_) {
        for (Series& s : target) {
            const Signal& signal = settings->signals[s.signal];
            const Behaviour& now = signal.is_control ? outside.control : behaviour(outside);
            if (signal.kind == Signal::Kind::Ratio) s.value += requests * (s.role.bad ? now.errors : 1);
            if (signal.kind == Signal::Kind::Quantile && now.latency <= s.role.le) s.value += requests;
            const auto gauge = outside.gauges.find(signal.name);
            const double value = gauge == outside.gauges.end() ? 1 : gauge->second;
            if (signal.kind == Signal::Kind::Gauge) s.value = value;
            if (signal.kind == Signal::Kind::Rate) s.value += value * seconds(elapsed);
        }
    }
}

void World::Watch::answer(TargetIndex target, const Outside& outside, Time now) {
    const auto blind = outside.target_blind.find(target);
    const bool refused = blind != outside.target_blind.end() && blind->second;
    const bool control = settings->control_from && target >= *settings->control_from && outside.control_blind;
    const Failure failure = failure_of(refused || control ? Metrics::Refused : outside.metrics);
    values_.clear();
    if (failure.verdict == Verdict::Ok && outside.metrics != Metrics::Gone) {
        for (Series& s : series_[target]) {
            const Signal& signal = settings->signals[s.signal];
            if (signal.kind == Signal::Kind::Quantile && !outside.latency_exported) continue;
            if (s.second && outside.metrics != Metrics::TwoSeries) continue;
            if (s.second && s.id == 0) s.id = judge.add_series(target, 1'000'000 + s.signal, s.role);
            const bool nan = outside.metrics == Metrics::NotANumber;
            values_.push_back({s.id, nan ? std::numeric_limits<double>::quiet_NaN() : s.value});
        }
    }
    judge.scrape(target, {failure.verdict, values_, failure.words}, now);
}

}  // namespace revertd::sim
