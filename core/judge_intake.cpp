// SPDX-License-Identifier: Apache-2.0
// Answers of targets become sums: what a counter gained since the target's last good answer (S19).
#include <algorithm>
#include <cmath>

#include "core/judge_state.h"

namespace revertd {

namespace {

constexpr double kSameStart = 1;      // seconds: clocks of containers are corrected while they run
constexpr double kMostGained = 1e30;  // whatever a counter says: a float holds the sums of it

}  // namespace

void Judge::State::take(TargetIndex target, const ScrapeResult& result, Time at) {
    if (target >= targets.size()) return;
    TargetState& state = targets[target];
    oldest = std::min(oldest, at);
    state.answer = result.verdict;
    if (result.verdict == Verdict::Ok) return take_values(target, result.values, at);
    constexpr std::size_t kReason = 160;  // a line on a phone
    state.reason.assign(result.reason.substr(0, kReason));
}

void Judge::State::take_values(TargetIndex target, std::span<const SeriesValue> values, Time at) {
    TargetState& state = targets[target];
    ++state.scrapes;
    state.pooled = state.missed || at - state.last_good > settings->interval + settings->interval / 2;
    for (std::size_t signal = 0; signal < signals.size(); ++signal) {
        Presence& presence = presence_of(target, signal);
        const bool gap = !state.known ||
                         (!settings->signals[signal].starts &&
                          (state.last_good < differences_from || at - state.last_good > signals[signal].longest_gap));
        presence = {
            .totals = 0, .member = presence.member, .told = presence.told, .first = gap && signals[signal].counter};
    }
    CounterSum counters;
    for (const SeriesValue& value : values) {
        if (value.series >= series.size() || series.target(value.series) != target) continue;
        const SeriesTable::Live& live = series.live(value.series);
        if (live.seen == state.scrapes) continue;  // the first of two equal series counts
        take_value(state, presence_of(target, series.row(value.series).signal), value, counters);
    }
    take_shares(target);
    take_resets(target, counters);
    for (std::size_t signal = 0; signal < signals.size(); ++signal) {
        Presence& presence = presence_of(target, signal);
        if (presence.totals == 0) continue;
        presence.member = signals[signal].seen = true;
        const bool rate = settings->signals[signal].kind == Signal::Kind::Rate;
        if (rate && !presence.first) signals[signal].window.add(SignalWindow::kSeconds, seconds(at - state.last_good));
    }
    state.known = true;
    state.last_good = at;
}

void Judge::State::take_value(TargetState& target, Presence& presence, const SeriesValue& given, CounterSum& counters) {
    SeriesTable::Live& live = series.live(given.series);
    const double value = given.value;
    const auto [index, cell] = series.row(given.series);
    SignalState& signal = signals[index];
    const Signal& config = settings->signals[index];
    const bool two_kinds = config.kind == Signal::Kind::Ratio || config.limit;
    if (!two_kinds || cell != SignalWindow::kBad) ++presence.totals;
    if (std::isnan(value)) {
        presence.nan = true;
        return;
    }
    if (std::isinf(value) || (signal.counter && value < 0)) {
        presence.infinite = true;  // a counter below zero is no count either
        return;
    }
    if (signal.counter) {
        const double more = gained(target, presence, live, config, value);
        signal.window.add(cell, more);
        gains.gained(given.series, std::min(more, kMostGained));
        if (endpoints.watching())
            endpoints.gained(index, series.endpoint(given.series), cell == SignalWindow::kBad,
                             std::min(more, kMostGained));
        if (config.starts) {
            presence.told = true;
            live.last = std::max(live.last, value);  // instances behind one address take turns
        } else {
            if (live.seen != 0 && value < live.last) target.last_reset = target.scrapes;
            if (live.seen != 0) counters.before += live.last, counters.now += value;
            live.last = value;
        }
    } else if (config.limit) {
        (cell == SignalWindow::kBad ? presence.limit : presence.filled) += value;
    } else {
        signal.window.add_gauge(value);
    }
    live.seen = target.scrapes;
}

/// What is a share of nothing is not there.
void Judge::State::take_shares(TargetIndex target) {
    for (std::size_t signal = 0; signal < signals.size(); ++signal) {
        Presence& presence = presence_of(target, signal);
        if (!settings->signals[signal].limit || presence.totals == 0) continue;
        if (presence.limit > 0)
            signals[signal].window.add_gauge(presence.filled / presence.limit);
        else
            presence.totals = 0;
    }
}

/// Where a page tells no start of its process, counters that begin anew do: all of them, not one that was taken away.
/// Several instances behind one address look alike, but their counters leap up again, too.
void Judge::State::take_resets(TargetIndex target, const CounterSum& counters) {
    constexpr double kFewest = 20, kFell = 0.5;
    TargetState& state = targets[target];
    const bool fell = counters.before >= kFewest && counters.now < kFell * counters.before;
    if (state.fell_from > 0 && counters.now - counters.before > kFell * state.fell_from) state.takes_turns = true;
    if (fell) state.fell_from = counters.before;
    const bool anew = fell && !state.takes_turns;
    const bool excused = phase.kind != JudgePhase::Kind::Good && state.falls < kExcused;
    if (anew) ++state.falls;
    for (std::size_t index = 0; index < signals.size(); ++index) {
        if (!concerns(target, index)) continue;
        if (anew && excused) signals[index].restarted += 1 / static_cast<double>(targets_of(index));
        Presence& presence = presence_of(target, index);
        const bool counted = counters.before > 0;
        if (!settings->signals[index].starts || !settings->signals[index].well_known || presence.told || !counted)
            continue;
        presence.totals = 1;
        if (anew && !excused) signals[index].window.add(0, 1);
    }
}

double Judge::State::gained(TargetState& target, const Presence& presence, const SeriesTable::Live& live,
                            const Signal& signal, double value) const {
    return signal.starts ? started(target, presence, live, value) : increase(target, presence, live, value);
}

/// A deploy starts every process anew, some of them after it was first seen: the first start of each is the deploy's.
double Judge::State::started(TargetState& target, const Presence& presence, const SeriesTable::Live& live,
                             double value) const {
    if (live.seen == 0 || value <= live.last + kSameStart) return 0;
    const bool of_deploy = phase.kind != JudgePhase::Kind::Good && target.starts < presence.totals;
    ++target.starts;
    return of_deploy ? 0 : 1;
}

double Judge::State::increase(const TargetState& target, const Presence& presence, const SeriesTable::Live& live,
                              double value) const {
    if (presence.first) return 0;
    const bool appeared = live.seen == 0;
    // It was away while the others of its target began anew: its old value belongs to a process that is gone.
    const bool returned = live.seen + 1 < target.scrapes && live.seen < target.last_reset;
    return appeared || returned || value < live.last ? value : value - live.last;
}

}  // namespace revertd
