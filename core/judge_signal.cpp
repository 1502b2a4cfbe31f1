// SPDX-License-Identifier: Apache-2.0
// What can be said of a signal, given which targets answered with what (S16, S17, S19).
#include "core/judge_state.h"

namespace revertd {

HealthCount Judge::State::count_health(Health HealthState::*which) const {
    HealthCount count;
    for (const HealthState& target : health) {
        if (target.*which == Health::Up) ++count.up;
        if (target.*which == Health::Down) ++count.down;
        if (target.*which == Health::Blind) ++count.blind;
    }
    return count;
}

bool Judge::State::is_down(const TargetState& target) const {
    if (!target.health) return false;
    const HealthState& own = health[*target.health];
    // In suspicion metrics may be asked without health: then what was last known counts.
    return (own.sample == Health::Unknown ? own.last : own.sample) == Health::Down;
}

void Judge::State::count_target(SignalStatus& status, std::size_t signal, TargetIndex target) const {
    if (!concerns(target, signal)) return;
    const TargetState& state = targets[target];
    const Presence& presence = presence_of(target, signal);
    const bool answered = state.answer == Verdict::Ok;
    if (!presence.member && state.known) {  // it never had this signal: none of it is missing
        if (answered) ++status.absent;
        return;
    }
    if (answered && presence.totals > 0) {
        ++status.present;
        status.pooled = status.pooled || state.pooled;
        ++(presence.first ? status.first : status.judged);
        return;
    }
    if (answered) ++status.absent;
    if (is_down(state)) {
        ++status.down;
        return;
    }
    if (status.blind++ > 0) return;
    status.culprit = target;
    status.verdict = answered ? Verdict::NoData : state.answer.value_or(Verdict::NoData);
    status.cause = answered ? Cause::Vanished : Cause::Unanswered;
}

SignalStatus Judge::State::status_of(std::size_t signal) const {
    if (signals[signal].queried) return status_of_query(signal);
    SignalStatus status;
    bool nan = false;
    bool infinite = false;
    bool several = false;
    const Signal& config = settings->signals[signal];
    const bool single = config.kind == Signal::Kind::Gauge && config.aggregate == Signal::Aggregate::Single;
    for (TargetIndex target = 0; target < targets.size(); ++target) {
        count_target(status, signal, target);
        if (targets[target].answer != Verdict::Ok || !concerns(target, signal)) continue;
        const Presence& presence = presence_of(target, signal);
        nan = nan || presence.nan;
        infinite = infinite || presence.infinite;
        several = several || (single && presence.totals > 1);
    }
    const auto set = [&status](Verdict verdict, Cause cause) {
        status.verdict = verdict;
        status.cause = cause;
    };
    if (infinite) {
        set(Verdict::Ambiguous, Cause::Infinite);
    } else if (nan) {
        set(Verdict::NoData, Cause::NotANumber);
    } else if (several) {
        set(Verdict::Ambiguous, Cause::SeveralSeries);
    } else if (signals[signal].too_many) {
        set(Verdict::Ambiguous, Cause::TooManySeries);
    } else if (status.blind > 0) {
        if (status.judged + status.first > 0) status.verdict = Verdict::Partial;
    } else if (status.judged > 0) {
        set(Verdict::Ok, Cause::None);
    } else if (status.first > 0) {
        set(Verdict::Insufficient, Cause::FirstSample);
    } else if (status.down > 0) {
        set(Verdict::NoData, Cause::Unanswered);
    }
    return status;
}

void Judge::State::complete_sample(bool whole_slot) {
    for (TargetState& target : targets)
        if (whole_slot && !target.answer) target.reason = "no answer in time";
    for (std::size_t signal = 0; signal < signals.size(); ++signal) {
        SignalState& state = signals[signal];
        if (state.queried && !state.query.answer) {
            if (!whole_slot) continue;  // nobody asked it
            state.query.reason.clear();
        }
        state.status = status_of(signal);
        state.window.complete_sample(state.status.judged + state.status.blind);
    }
}

}  // namespace revertd
