// SPDX-License-Identifier: Apache-2.0
// Signals that a Prometheus adds up: its answers as slots, and how far back they look (S10, S20, S21, S23).
#include <algorithm>
#include <cmath>

#include "core/judge_state.h"

namespace revertd {

void Judge::State::take_query(std::size_t signal, const QueryResult& result, Time at) {
    if (signal >= signals.size() || !signals[signal].queried) return;
    QueryState& query = signals[signal].query;
    oldest = std::min(oldest, at);
    query.answer = result.verdict;
    query.cause = result.verdict == Verdict::Ok ? Cause::None : Cause::Unanswered;
    query.present = false;
    constexpr std::size_t kReason = 160;  // a line on a phone
    query.reason.assign(result.reason.substr(0, kReason));
    if (result.verdict == Verdict::Ok) take_cells(signal, result);
}

/// All or nothing: a number that is none spoils the whole answer.
void Judge::State::take_cells(std::size_t index, const QueryResult& result) {
    SignalState& signal = signals[index];
    QueryState& query = signal.query;
    const Signal::Kind kind = settings->signals[index].kind;
    query.known = true;
    query.span = std::clamp<Duration>(result.span, Duration::zero(), kLongestSpan);
    const auto fail = [&query](Verdict verdict, Cause cause) {
        query.answer = verdict;
        query.cause = cause;
    };
    const auto total = [&](const QueryCell& cell) { return kind != Signal::Kind::Ratio || !cell.bad; };
    take_starts(index, result);
    query.present = std::ranges::any_of(result.values, total);
    if (!query.present) return fail(Verdict::NoData, signal.seen ? Cause::Vanished : Cause::NeverSeen);
    signal.seen = true;
    for (const QueryCell& cell : result.values) {
        if (std::isnan(cell.value)) return fail(Verdict::NoData, Cause::NotANumber);
        if (std::isinf(cell.value) || (signal.counter && cell.value < 0))
            return fail(Verdict::Ambiguous, Cause::Infinite);
    }
    if (kind == Signal::Kind::Gauge && result.values.size() > 1) return fail(Verdict::Ambiguous, Cause::SeveralSeries);
    const double slot = seconds(settings->interval);
    for (const QueryCell& cell : result.values) {
        if (kind == Signal::Kind::Gauge) {
            signal.window.add_gauge(cell.value);
            continue;
        }
        const auto place = kind == Signal::Kind::Quantile ? signal.window.bucket(cell.le)
                                                          : std::optional(static_cast<std::uint16_t>(cell.bad));
        if (place)
            signal.window.add(*place, cell.value * slot);
        else
            signal.too_many = true;
    }
    if (kind == Signal::Kind::Rate) signal.window.add(SignalWindow::kSeconds, slot);
    for (const EndpointCell& cell : result.endpoints)
        if (std::isfinite(cell.value) && cell.value > 0)
            endpoints.gained(index, cell.endpoint, cell.bad, cell.value * slot);
}

/// Answers overlap: each tells of the same start again until its span is over.
void Judge::State::take_starts(std::size_t index, const QueryResult& result) {
    SignalState& signal = signals[index];
    if (phase.kind == JudgePhase::Kind::Good || !(result.restarted > 0)) return;
    if (signal.query.starts < kExcused) signal.restarted = result.restarted;
    const auto slots = std::max<std::size_t>(1, slots_in(signal.query.span, settings->interval));
    signal.query.starts += result.restarted / static_cast<double>(slots);
}

EndpointIndex Judge::State::name_endpoint(std::string_view name) {
    const std::string kept(name.substr(0, EndpointCounts::kLongest));
    const auto known = std::ranges::find(asked_endpoints, kept);
    if (known != asked_endpoints.end()) return static_cast<EndpointIndex>(known - asked_endpoints.begin() + 1);
    if (asked_endpoints.size() >= EndpointCounts::kMost) return 0;
    asked_endpoints.push_back(kept);
    return static_cast<EndpointIndex>(asked_endpoints.size());
}

/// All signals of the service have the same entries, since those of a control group are compared with them.
void Judge::State::endpoints_before(std::size_t index, std::span<const EndpointCell> cells) {
    if (index >= signals.size() || !signals[index].queried || !endpoints.watching()) return;
    std::vector<PlaceCounts> before(asked_endpoints.size());
    for (const EndpointCell& cell : cells) {
        if (cell.endpoint == 0 || cell.endpoint > before.size() || !std::isfinite(cell.value)) continue;
        PlaceCounts& counts = before[cell.endpoint - 1U];
        (cell.bad ? counts.bad : counts.requests) += std::max(0.0, cell.value);
    }
    endpoints.learn(index, std::move(before));
    signals[index].query.endpoints = true;
    for (std::size_t other = 0; other < signals.size(); ++other)
        if (signals[other].query.endpoints) endpoints.widen(other, asked_endpoints.size());
}

SignalStatus Judge::State::status_of_query(std::size_t index) const {
    const SignalState& signal = signals[index];
    SignalStatus status;
    status.verdict = signal.query.answer.value_or(Verdict::NoData);
    status.cause = signal.query.answer ? signal.query.cause : Cause::Unanswered;
    if (signal.too_many) {
        status.verdict = Verdict::Ambiguous;
        status.cause = Cause::TooManySeries;
    }
    status.judged = status.verdict == Verdict::Ok ? 1 : 0;
    status.blind = 1 - status.judged;
    return status;
}

Evaluation Judge::State::evaluate_absent_query(const SignalState& signal) const {
    Evaluation evaluation;
    evaluation.verdict = Verdict::Insufficient;
    evaluation.cause = Cause::NeverSeen;
    if (!signal.seen) return evaluation;
    const QueryState& query = signal.query;
    const bool gone = query.answer == Verdict::NoData && query.cause == Cause::Vanished;
    evaluation.verdict = query.present ? Verdict::Ok : gone ? Verdict::Breach : signal.status.verdict;
    evaluation.cause = query.present || gone ? Cause::None : Cause::Unanswered;
    return evaluation;
}

SlotIndex Judge::State::first_slot(const SignalState& signal, const Border& border) const {
    if (!signal.queried) return signal.counter ? border.difference : border.moment;
    if (border.moment == Border::kAhead) return Border::kAhead;
    return border.moment + static_cast<SlotIndex>(slots_in(signal.query.span, settings->interval));
}

std::size_t Judge::State::window_slots(std::size_t rule) const {
    const SignalState& signal = signals[settings->rules[rule].signal];
    const std::size_t window = rules[rule].window;
    if (!signal.queried) return window;
    const std::size_t reach = std::max<std::size_t>(1, slots_in(signal.query.span, settings->interval));
    return window > reach ? window - reach + 1 : 1;
}

/// A rate of the last minute says something about all requests of that minute, not about those of the slot that asked.
double Judge::State::overlap_of(std::size_t rule) const {
    const SignalState& signal = signals[settings->rules[rule].signal];
    if (!signal.queried) return 1;
    const double reach = static_cast<double>(std::max<std::size_t>(1, slots_in(signal.query.span, settings->interval)));
    const double slots = settings->rules[rule].in_a_row > 0 ? 1 : static_cast<double>(window_slots(rule));
    return (slots + reach - 1) / slots;
}

Duration Judge::State::apart(const Rule& rule) const {
    const bool of_query = rule.kind == Rule::Kind::Threshold && signals[rule.signal].queried;
    // Half an interval less, because answers jitter.
    return of_query ? signals[rule.signal].query.span - settings->interval / 2 : Duration{};
}

std::string Judge::State::query_words(const SignalState& signal, Cause cause) const {
    switch (cause) {
        case Cause::NotANumber:
            return "the query's value is not a number";
        case Cause::Infinite:
            return "the query's value is infinite or a rate below 0";
        case Cause::SeveralSeries:
            return "the query gives several series where one is expected: narrow it or aggregate";
        case Cause::TooManySeries:
            return "the query gives too many buckets";
        case Cause::Vanished:
            return "the query finds no series any more";
        case Cause::NeverSeen:
            return signal.query.reason.empty() ? "the query has never found a series" : signal.query.reason;
        case Cause::None:
        case Cause::WarmUp:
        case Cause::FirstSample:
        case Cause::FewRequests:
        case Cause::NoRequests:
        case Cause::NoBaseline:
        case Cause::ZeroBaseline:
        case Cause::Unanswered:
        case Cause::Health:
        case Cause::Detector:
        case Cause::Parts:
        case Cause::Control:
        case Cause::Shared:
        case Cause::Refuted:
            break;
    }
    return signal.query.reason.empty() ? "Prometheus did not answer in time" : signal.query.reason;
}

void Judge::State::fill_baseline(std::size_t index, std::span<const HistoryRow> rows) {
    if (index >= signals.size() || !signals[index].queried) return;
    SignalState& signal = signals[index];
    const bool may_grow = phase.kind == JudgePhase::Kind::Good && !frozen;
    if (!may_grow || signal.window.baseline.seen() > 0) return;
    const Signal::Kind kind = settings->signals[index].kind;
    std::vector<double> cells;
    for (const HistoryRow& row : rows) {
        const bool good = !row.values.empty() && std::ranges::all_of(row.values, [&](const QueryCell& cell) {
            return std::isfinite(cell.value) && (!signal.counter || cell.value >= 0);
        });
        const auto slots = static_cast<std::uint64_t>(std::max<Duration::rep>(1, row.length / settings->interval));
        if (kind == Signal::Kind::Quantile)
            for (const QueryCell& cell : row.values) (void)signal.window.bucket(cell.le);
        cells.assign(signal.window.slot().size(), 0.0);
        for (const QueryCell& cell : row.values) {
            if (kind == Signal::Kind::Gauge) {
                cells[0] = cell.value * settings->signals[index].to_base;
                cells[1] = 1;
                continue;
            }
            const auto place = kind == Signal::Kind::Quantile ? signal.window.bucket(cell.le)
                                                              : std::optional(static_cast<std::uint16_t>(cell.bad));
            if (place) cells[*place] += cell.value * seconds(settings->interval);
        }
        if (kind == Signal::Kind::Rate) cells[SignalWindow::kSeconds] = seconds(settings->interval);
        for (std::uint64_t slot = 0; slot < slots; ++slot) {
            const Time at = row.end - static_cast<Duration::rep>(slots - slot - 1) * settings->interval;
            good ? signal.window.baseline.add(cells, at) : signal.window.baseline.skip(1, at);
        }
    }
}

}  // namespace revertd
