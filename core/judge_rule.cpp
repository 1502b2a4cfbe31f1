// SPDX-License-Identifier: Apache-2.0
// One rule in one slot or sample: exactly one verdict, then whether it holds (S20 to S25).
#include <algorithm>
#include <cmath>

#include "core/judge_state.h"
#include "core/well_known.h"

namespace revertd {
namespace {

Evaluation without_value(Verdict verdict, Cause cause) {
    Evaluation evaluation;
    evaluation.verdict = verdict;
    evaluation.cause = cause;
    return evaluation;
}

}  // namespace

SlotIndex Judge::State::begin_of(const Rule& rule, bool warmed) const {
    const Border& border = warmed ? warm : opened;
    const bool windowed = is_of_signal(rule) && rule.kind != Rule::Kind::Absent;
    return windowed ? first_slot(signals[rule.signal], border) : border.moment;
}

Evaluation Judge::State::evaluate(std::size_t rule_index, SlotIndex slot) {
    const Rule& rule = settings->rules[rule_index];
    if (is_of_signal(rule) && rule.signal >= signals.size()) return without_value(Verdict::Error, Cause::NeverSeen);
    const bool counts = slot >= begin_of(rule, !counts_in_warmup(rule));
    Evaluation found;
    if (rule.kind == Rule::Kind::Detector) found = evaluate_detector(rule_index, slot, counts);  // it learns, too
    if (!counts)
        return without_value(Verdict::Insufficient, counts_in_warmup(rule) ? Cause::FirstSample : Cause::WarmUp);
    if (rule.kind == Rule::Kind::Absent) return evaluate_absent(rule);
    if (rule.kind == Rule::Kind::Detector) return found;
    return is_of_signal(rule) ? evaluate_threshold(rule_index, slot) : evaluate_health();
}

Evaluation Judge::State::evaluate_detector(std::size_t rule_index, SlotIndex slot, bool counts) {
    Detector& detector = *rules[rule_index].detector;
    const std::uint32_t index = settings->rules[rule_index].signal;
    const std::optional<std::uint32_t> control = settings->signals[index].control;
    const bool control_seen = control && signals[*control].status.verdict == Verdict::Ok;
    const bool learns = phase.kind == JudgePhase::Kind::Good && !frozen;
    const bool seen_itself = signals[index].status.verdict == Verdict::Ok;
    // Before a canary is there the control group is all of the service: what of its requests failed, and how slow they
    // were, is the time before the deploy. How much of something a group has is its own.
    const Signal::Kind kind = settings->signals[index].kind;
    const bool a_share = kind == Signal::Kind::Ratio || kind == Signal::Kind::Quantile;
    const bool stands_in = !seen_itself && learns && control_seen && a_share;
    SignalState& signal = signals[stands_in ? *control : index];
    const auto row = [](const SignalWindow& window, std::span<const double> cells, const SignalWindow::Value& value) {
        return SignalRow{cells, value.value.value_or(kUnknown), value.requests, window.bounds()};
    };
    DetectorSlot seen;
    seen.learns = learns;
    seen.counts = counts && !stands_in;
    if (!learns) seen.restarted = std::min(1.0, signal.restarted);
    if (signal.queried) seen.reach = std::max<std::size_t>(1, slots_in(signal.query.span, settings->interval));
    if (!learns) {
        seen.endpoint_names = endpoint_names_of(index);
        seen.endpoints = endpoints_of(index);
        if (control_seen) seen.control_endpoints = endpoints_of(*control);
    }
    if (!seen_itself && !stands_in) {
        if (!is_blind(signal.status.verdict)) {
            detector.miss(0);  // a first sample is none, nothing is missing
        } else if (control_seen) {
            SignalWindow& beside = signals[*control].window;
            const SignalWindow::Value value = beside.of_window(slot, slot);
            seen.control = row(beside, beside.asked(), value);
            detector.miss_beside(seen);
        } else {
            detector.miss(1);
        }
        return without_value(signal.status.verdict, signal.status.cause);
    }
    if (signal.window.baseline.sufficient())
        seen.baseline = row(signal.window, signal.window.baseline.sums(), signal.window.of_baseline());
    const SignalWindow::Value now = signal.window.of_window(slot, slot);
    seen.now = row(signal.window, signal.window.asked(), now);
    seen.bounds = signal.window.bounds();
    if (control_seen) {
        SignalWindow& beside = signals[*control].window;
        const SignalWindow::Value value = stands_in ? now : beside.of_window(slot, slot);
        seen.control = row(beside, beside.asked(), value);
    }
    const Finding finding = detector.judge(seen);
    if (stands_in) return without_value(signals[index].status.verdict, signals[index].status.cause);
    Evaluation evaluation = without_value(finding.verdict, Cause::Detector);
    evaluation.value = finding.value, evaluation.limit = finding.limit, evaluation.baseline = finding.baseline;
    evaluation.requests = now.requests, evaluation.clears = finding.clears;
    if (finding.verdict == Verdict::Breach && !std::isfinite(finding.value)) {
        evaluation.verdict = Verdict::Ambiguous;
        evaluation.cause = Cause::Infinite;
    }
    return evaluation;
}

Evaluation Judge::State::evaluate_health() const {
    const HealthCount count = count_health(&HealthState::sample);
    const std::size_t all = health.size();
    const auto down = [&](std::size_t targets_down) {
        switch (settings->down) {
            case DownPolicy::Any:
                return targets_down > 0;
            case DownPolicy::Half:
                return 2 * targets_down >= all;
            case DownPolicy::All:
                return targets_down == all;
        }
        return false;
    };
    if (all == 0) return without_value(Verdict::Insufficient, Cause::Health);
    Evaluation evaluation = without_value(Verdict::Ok, Cause::None);
    evaluation.value = static_cast<double>(count.down);
    if (down(count.down)) {
        evaluation.verdict = Verdict::Breach;
    } else if (down(all - count.up)) {  // the blind ones could tip it
        evaluation.verdict = count.blind > 0 ? Verdict::Error : Verdict::NoData;
        evaluation.cause = Cause::Health;
    }
    return evaluation;
}

Health Judge::State::service_health(bool whole_slot) const {
    const Verdict verdict = evaluate_health().verdict;
    if (verdict == Verdict::Ok) return Health::Up;
    if (verdict == Verdict::Breach) return Health::Down;
    const bool asked = verdict == Verdict::Error || (whole_slot && verdict == Verdict::NoData);
    return asked ? Health::Blind : Health::Unknown;
}

Evaluation Judge::State::evaluate_absent(const Rule& rule) const {
    const SignalState& signal = signals[rule.signal];
    if (signal.queried) return evaluate_absent_query(signal);
    const SignalStatus& status = signal.status;
    if (status.present > 0) return without_value(Verdict::Ok, Cause::None);
    if (!signal.seen) return without_value(Verdict::Insufficient, Cause::NeverSeen);
    // A target that did not answer may have it still.
    bool unanswered = false;
    for (TargetIndex target = 0; target < targets.size(); ++target)
        if (concerns(target, rule.signal) && targets[target].answer != Verdict::Ok && !is_down(targets[target]))
            unanswered = true;
    if (!unanswered && status.absent > 0) return without_value(Verdict::Breach, Cause::None);
    return without_value(status.absent > 0 ? Verdict::Partial : status.verdict, Cause::Unanswered);
}

bool Judge::State::baseline_known(std::size_t signal, SignalWindow::Value& value) {
    SignalWindow& window = signals[signal].window;
    if (!window.baseline.sufficient()) return false;
    value = window.of_baseline();
    return value.value && !(window.counts_requests() && value.requests < settings->min_requests);
}

void Judge::State::set_limit(const Rule& rule, Evaluation& evaluation) {
    SignalWindow::Value baseline;
    const bool known = baseline_known(rule.signal, baseline);
    if (known) evaluation.baseline = *baseline.value;
    double per_bound = 1;
    if (rule.relative != Rule::Relative::Absolute) {
        per_bound = evaluation.baseline;
        // No error in N requests is a ratio of less than one in N, not of nothing.
        const bool ratio = settings->signals[rule.signal].kind == Signal::Kind::Ratio;
        if (known && ratio) per_bound = std::max(per_bound, 1 / baseline.requests);
        if (!known || !(per_bound > 0)) {
            evaluation.verdict = Verdict::Insufficient;
            evaluation.cause = known ? Cause::ZeroBaseline : Cause::NoBaseline;
            return;
        }
    }
    set_bounds(rule, per_bound, evaluation);
}

void Judge::State::set_bounds(const Rule& rule, double per_bound, Evaluation& evaluation) const {
    evaluation.limit = rule.bound * per_bound;
    evaluation.clear = rule.clear ? *rule.clear * per_bound : default_clear(rule.op, evaluation.limit);
}

Measured Judge::State::measure(std::size_t index, std::size_t rule_index, SlotIndex slot) {
    const Rule& rule = settings->rules[rule_index];
    const RuleState& state = rules[rule_index];
    SignalState& signal = signals[index];
    Measured out{signal.status.verdict, signal.status.cause, {std::nullopt, kUnknown}, kUnknown};
    if (out.verdict != Verdict::Ok) return out;
    const bool samples = rule.in_a_row > 0;
    const SlotIndex begin = begin_of(rule, !counts_in_warmup(rule));
    const auto from = [&](std::size_t slots) { return std::max(begin, slot - static_cast<SlotIndex>(slots) + 1); };
    out.value = samples ? signal.window.of_sample() : signal.window.of_window(from(window_slots(rule_index)), slot);
    const auto insufficient = [&out](Cause cause) {
        out.verdict = Verdict::Insufficient;
        out.cause = cause;
        return out;
    };
    if (signal.window.counts_requests()) {
        out.counted = signal.window.requests(from(state.count), slot, samples);
        if (out.counted < settings->min_requests) return insufficient(Cause::FewRequests);
    }
    if (!out.value.value) return insufficient(Cause::NoRequests);
    if (!std::isfinite(*out.value.value)) {
        out.verdict = Verdict::Ambiguous;
        out.cause = Cause::Infinite;
    }
    return out;
}

Evaluation Judge::State::evaluate_threshold(std::size_t rule_index, SlotIndex slot) {
    const Rule& rule = settings->rules[rule_index];
    const SignalState& signal = signals[rule.signal];
    const bool control = rule.relative != Rule::Relative::Absolute && rule.reference == Rule::Reference::Control;
    const Measured measured = measure(rule.signal, rule_index, slot);
    Evaluation evaluation = without_value(Verdict::Ok, Cause::None);
    if (control)
        set_control_limit(rule_index, slot, evaluation);
    else
        set_limit(rule, evaluation);
    evaluation.value = measured.value.value.value_or(kUnknown);
    evaluation.requests = measured.value.requests * overlap_of(rule_index);
    evaluation.counted = measured.counted;
    if (measured.verdict == Verdict::Ambiguous && measured.cause == Cause::Infinite && !std::isnan(evaluation.value))
        return without_value(Verdict::Ambiguous, Cause::Infinite);
    if (measured.verdict != Verdict::Ok) {
        evaluation.verdict = measured.verdict;
        evaluation.cause = measured.cause;
        return evaluation;
    }
    if (evaluation.verdict != Verdict::Ok) return evaluation;  // nothing to compare with
    if (!beyond(rule.op, evaluation.value, evaluation.limit)) return evaluation;
    // A difference over blind samples is not the difference since the previous one (S23).
    if (rule.in_a_row > 0 && signal.counter && signal.status.pooled) {
        evaluation.verdict = Verdict::Insufficient;
        evaluation.cause = Cause::FirstSample;
        return evaluation;
    }
    evaluation.verdict = Verdict::Breach;
    if (rule.relative == Rule::Relative::Absolute) compare_with_control(rule_index, slot, evaluation);
    return evaluation;
}

bool Judge::State::clears(const Rule& rule, const Evaluation& evaluation) const {
    if (evaluation.verdict != Verdict::Ok) return false;
    if (rule.kind == Rule::Kind::Detector) return evaluation.clears;
    return rule.kind != Rule::Kind::Threshold || cleared(rule.op, evaluation.value, evaluation.clear);
}

/// What its parts allow to say: those that cannot be seen or judged count both ways.
Evaluation Judge::State::evaluate_combined(const Rule& rule, bool holds) const {
    std::uint32_t breached = 0, blind = 0, insufficient = 0;
    Verdict blindness = Verdict::Ok;
    for (const std::uint32_t index : rule.parts) {
        const RuleState& part = rules[index];
        const Verdict verdict = part.now.verdict;
        // While it holds, a part that does not hold itself is no reason to go on.
        if (verdict == Verdict::Breach && (part.holds || !holds)) ++breached;
        if (is_blind(verdict) && blind++ == 0) blindness = verdict;
        if (verdict == Verdict::Insufficient) ++insufficient;
    }
    Evaluation evaluation = without_value(Verdict::Ok, Cause::Parts);
    evaluation.value = breached, evaluation.limit = rule.need;
    if (breached >= rule.need)
        evaluation.verdict = Verdict::Breach;
    else if (breached + blind >= rule.need && blind > 0)
        evaluation.verdict = blindness;
    else if (breached + blind + insufficient >= rule.need)
        evaluation.verdict = Verdict::Insufficient;
    return evaluation;
}

void Judge::State::note_verdict(RuleState& state, const Evaluation& evaluation, Time at) {
    if (evaluation.verdict != state.now.verdict) state.verdict_since = at;
    state.now = evaluation;
    ++state.evaluations[static_cast<std::size_t>(evaluation.verdict)];
    state.words_before.clear();
}

/// It holds while enough of its parts do: each has its own `for`, and its own way to clear.
void Judge::State::step_combined(std::size_t rule_index, Time at) {
    const Rule& rule = settings->rules[rule_index];
    RuleState& state = rules[rule_index];
    std::uint32_t holding = 0;
    Time since{};
    for (const std::uint32_t index : rule.parts) {
        if (!rules[index].holds) continue;
        ++holding;
        since = std::max(since, rules[index].held_since);
    }
    const bool holds = holding >= rule.need;
    note_verdict(state, evaluate_combined(rule, holds), at);
    if (holds && !state.holds) state.held_since = since;
    state.holds = holds;
}

/// Beyond its limit, or with too little traffic to say, but the test says: no worse than before. Once it holds, the
/// limit alone decides when it is over.
bool Judge::State::refuted(std::size_t rule_index, const Evaluation& evaluation) const {
    const Rule& rule = settings->rules[rule_index];
    if (!rule.confirmed_by || rules[rule_index].holds) return false;
    const bool open = evaluation.verdict == Verdict::Breach || evaluation.verdict == Verdict::Insufficient;
    return open && rules[*rule.confirmed_by].now.verdict == Verdict::Ok;
}

void Judge::State::step(std::size_t rule_index, SlotIndex slot, Time at) {
    const Rule& rule = settings->rules[rule_index];
    if (rule.kind == Rule::Kind::Combined) return step_combined(rule_index, at);
    RuleState& state = rules[rule_index];
    Evaluation evaluation = evaluate(rule_index, slot);
    state.run.push(evaluation.verdict, at, apart(rule));
    const bool no_worse = refuted(rule_index, evaluation);
    if (no_worse) evaluation.verdict = Verdict::Ok, evaluation.cause = Cause::Refuted;
    note_verdict(state, evaluation, at);
    if (state.run.complete() && !no_worse) {
        if (!state.holds) state.held_since = state.run.since();
        state.holds = true;
    } else if (state.holds && clears(rule, evaluation)) {
        state.holds = false;
        state.run.clear();
    }
}

bool Judge::State::unanswered(const Rule& rule) const {
    if (!is_of_signal(rule)) {
        const auto verdict = evaluate_health().verdict;
        return verdict == Verdict::NoData;
    }
    if (signals[rule.signal].queried) return !signals[rule.signal].query.answer;
    for (TargetIndex target = 0; target < targets.size(); ++target) {
        const TargetState& state = targets[target];
        if (!concerns(target, rule.signal)) continue;
        const bool matters = !state.known || presence_of(target, rule.signal).member;
        if (matters && !state.answer && !is_down(state)) return true;
    }
    return false;
}

bool Judge::State::never_there(const Rule& rule) const {
    if (!is_of_signal(rule) || signals[rule.signal].seen) return false;
    const SignalState& signal = signals[rule.signal];
    return signal.queried ? signal.query.known : std::ranges::any_of(targets, &TargetState::known);
}

void Judge::State::summarise_slot(std::size_t rule_index, SlotIndex slot) {
    RuleState& state = rules[rule_index];
    if (slot < begin_of(settings->rules[rule_index], true)) return;
    RuleSummary& summary = state.summary;
    const Verdict verdict = state.now.verdict;
    ++summary.slots;
    ++(verdict == Verdict::Ok       ? summary.ok
       : verdict == Verdict::Breach ? summary.breach
       : is_blind(verdict)          ? summary.blind
                                    : summary.insufficient);
    summary.last = verdict;
}

/// The largest of those who can say; infinite while one of them cannot yet.
double Judge::State::excluded() const {
    double most = kUnknown;
    for (std::size_t rule = 0; rule < rules.size(); ++rule) {
        if (!rules[rule].detector || never_there(settings->rules[rule])) continue;
        most = std::fmax(most, rules[rule].detector->excluded());
    }
    return most;
}

bool Judge::State::is_missed_by_nobody(std::size_t rule) const {
    const Rule& config = settings->rules[rule];
    return config.kind == Rule::Kind::Detector && !signals[config.signal].seen &&
           is_of_process(settings->signals[config.signal]);
}

/// While a rollback is verified, its numbers are told again before they are asked for: how far the restored version is
/// from what it was before.
bool Judge::State::proves(std::size_t rule) const {
    if (phase.kind != JudgePhase::Kind::Verifying || !rules[rule].detector) return false;
    return oldest_before + settings->interval >= rules[rule].told_at + settings->verify.clear_for;
}

void Judge::State::tell(JudgeReport& report) {
    for (std::size_t rule = 0; rule < rules.size(); ++rule) {
        RuleState& state = rules[rule];
        if (is_rollout_rule(settings->rules[rule]) || is_missed_by_nobody(rule)) continue;
        const bool nowhere = never_there(settings->rules[rule]);
        const bool same = state.now.verdict == state.told && state.holds == state.told_holds &&
                          nowhere == state.told_never_there && state.now.control_blind == state.told_control_blind &&
                          !state.tell_anew;
        const bool asked_again = !is_of_signal(settings->rules[rule]) || !signals[settings->rules[rule].signal].queried;
        report.suspicious = report.suspicious || (state.run.suspicious() && !state.holds && asked_again);
        if (same && !proves(rule)) continue;
        state.tell_anew = false;
        state.told_at = oldest_before;
        state.told = state.now.verdict;
        state.told_holds = state.holds;
        state.told_never_there = nowhere;
        state.told_control_blind = state.now.control_blind;
        report.changes.push_back(change_of(rule));
        if (state.holds) report.changes.back().trace = trace_of(rule);
    }
}

}  // namespace revertd
