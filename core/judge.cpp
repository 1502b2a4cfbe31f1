// SPDX-License-Identifier: Apache-2.0
#include "core/judge.h"

#include <algorithm>
#include <cmath>

#include "core/judge_state.h"
#include "core/judge_targets.h"
#include "core/well_known.h"

namespace revertd {
namespace {

/// S20: as written, or a quarter of `for`, at least one interval, at most 1 m.
Duration window_of(const Rule& rule, Duration interval) {
    constexpr Duration kLongest = 1min;
    return rule.over ? *rule.over : std::max(interval, std::min(rule.hold / 4, kLongest));
}

/// What min_requests is counted over.
Duration count_of(const Rule& rule, Duration interval) {
    return rule.hold > Duration::zero() ? rule.hold : window_of(rule, interval);
}

RuleState rule_state(const Rule& rule, const ServiceSettings& settings) {
    const Duration interval = settings.interval;
    RuleState state(RuleRun(rule, interval));
    if (rule.detector != nullptr && rule.signal < settings.signals.size())
        state.detector = rule.detector->make({settings, rule, settings.signals[rule.signal]});
    state.window = std::max<std::size_t>(1, slots_in(window_of(rule, interval), interval));
    state.count = std::max<std::size_t>(1, slots_in(count_of(rule, interval), interval));
    return state;
}

SignalState signal_state(const ServiceSettings& settings, std::uint32_t index, const std::vector<RuleState>& rules) {
    const Signal& signal = settings.signals[index];
    SignalWindow::Lengths lengths;
    lengths.baseline = slots_in(settings.baseline, settings.interval);
    std::optional<std::size_t> shortest;
    for (std::size_t rule = 0; rule < rules.size(); ++rule) {
        if (settings.rules[rule].kind != Rule::Kind::Threshold) continue;
        const std::uint32_t judged = settings.rules[rule].signal;
        if (judged != index && settings.signals[judged].control != index) continue;
        shortest = std::min(shortest.value_or(rules[rule].window), rules[rule].window);
        if (signal.kind == Signal::Kind::Gauge) continue;  // its last value is all that counts
        lengths.window = std::max(lengths.window, rules[rule].window);
        lengths.count = std::max(lengths.count, rules[rule].count);
    }
    if (is_of_process(signal) && !shortest) lengths.baseline = 1;  // no test of them asks for it
    SignalState state{
        .window = SignalWindow(signal, lengths), .status = {}, .found = signal.selector.metric, .query = {}};
    // What a counter gained while it could not be seen belongs to the slot that sees it again, if the blind stretch is
    // no longer than the shortest window; else it would stand there for more than the rule asks about. Half an interval
    // more, because answers jitter.
    state.longest_gap = static_cast<int>(shortest.value_or(1) + 1) * settings.interval + settings.interval / 2;
    state.counter = signal.kind != Signal::Kind::Gauge;
    state.queried = signal.source == Signal::Source::Prometheus;
    return state;
}

}  // namespace

Judge::State::State(std::shared_ptr<const ServiceSettings> settings_, IdentityPool* pool)
    : settings(std::move(settings_)),
      grid(settings->interval),
      health(settings->health.size()),
      targets(settings->metrics.size()),
      presences(targets.size() * settings->signals.size()),
      series(pool) {
    for (const Rule& rule : settings->rules) rules.push_back(rule_state(rule, *settings));
    for (std::uint32_t signal = 0; signal < settings->signals.size(); ++signal)
        signals.push_back(signal_state(*settings, signal, rules));
    for (std::size_t target = 0; target < targets.size(); ++target)
        targets[target].health = own_health(*settings, target);
    for (std::uint32_t rule = 0; rule < rules.size(); ++rule) rules[rule].summary.rule = rule;
}

void Judge::State::restart_runs() {
    differences_from = phase.since;
    opened = warm = Border{};
    for (TargetState& target : targets) target.starts = target.falls = 0;
    for (SignalState& signal : signals) signal.restarted = signal.query.starts = 0;
    for (RuleState& rule : rules) {
        rule.run.clear();
        rule.holds = false;
        rule.tell_anew = true;
        if (rule.detector) rule.detector->begin();
    }
}

void Judge::State::restart_summary() {
    for (RuleState& rule : rules) rule.summary = {.rule = rule.summary.rule};
    for (SignalState& signal : signals) signal.window.restart_bake();
}

void Judge::State::miss(std::uint64_t slots, Time at) {
    for (std::size_t rule = 0; rule < rules.size(); ++rule) {
        rules[rule].run.miss(slots);
        if (rules[rule].detector) rules[rule].detector->miss(slots);
        if (begin_of(settings->rules[rule], true) > grid.last()) continue;
        rules[rule].summary.slots += slots;
        rules[rule].summary.blind += slots;
    }
    if (phase.kind != JudgePhase::Kind::Good || frozen) return;
    for (SignalState& signal : signals) signal.window.baseline.skip(slots, at);
}

void Judge::State::pass_borders(SlotIndex slot, Time at) {
    const Time first = std::min(oldest, at);
    const auto pass = [&](Border& border, Time instant) {
        if (border.moment == Border::kAhead && first >= instant) border.moment = slot;
        if (border.difference == Border::kAhead && oldest_before >= instant) border.difference = slot;
    };
    pass(opened, phase.since);
    pass(warm, std::max(phase.since, phase.warmup_until));
    oldest_before = first;
    oldest = Time::max();
}

void Judge::State::judge_sample(SlotIndex slot, Time at, bool whole_slot) {
    complete_sample(whole_slot);
    for (std::size_t rule = 0; rule < rules.size(); ++rule) {
        const Rule& config = settings->rules[rule];
        if (config.in_a_row > 0 && !is_rollout_rule(config) && (whole_slot || !unanswered(config)))
            step(rule, slot, at);
    }
    if (whole_slot) return;  // the end of the slot judges them
    const auto counts_samples = [&](std::uint32_t part) { return settings->rules[part].in_a_row > 0; };
    for (std::size_t rule = 0; rule < rules.size(); ++rule)
        if (std::ranges::any_of(settings->rules[rule].parts, counts_samples)) step_combined(rule, at);
}

void Judge::State::merge_sample() {
    for (SignalState& signal : signals) signal.window.end_sample();
}

void Judge::State::forget_answers(bool whole_slot) {
    for (HealthState& target : health) {
        if (whole_slot || target.sample != Health::Unknown) target.last = target.sample;
        target.sample = Health::Unknown;
    }
    for (TargetState& target : targets) {
        if (whole_slot || target.answer) target.missed = target.answer != Verdict::Ok;
        target.answer.reset();
    }
    for (SignalState& signal : signals) {
        signal.query.answer.reset();
        signal.query.present = false;
    }
}

void Judge::State::end_slot(SlotIndex slot, Time at) {
    for (SignalState& signal : signals) {
        if (slot >= first_slot(signal, warm)) signal.window.add_to_bake();
        if (phase.kind == JudgePhase::Kind::Good && !frozen) {
            if (signal.status.verdict == Verdict::Ok)
                signal.window.baseline.add(signal.window.slot(), at);
            else
                signal.window.baseline.skip(1, at);
        }
        if (signal.status.verdict == Verdict::Ok) signal.last_ok = at;
        signal.window.end_slot(slot);
        if (!signal.trace.running()) continue;
        const bool seen = signal.status.verdict == Verdict::Ok;
        const SignalWindow::Value now = seen ? signal.window.of_window(slot, slot) : SignalWindow::Value{};
        signal.trace.add(at, now.value.value_or(kUnknown), std::isnan(now.requests) ? 1 : now.requests);
    }
    const auto step_all = [&](bool tests) {  // tests first: other rules ask them
        for (std::size_t rule = 0; rule < rules.size(); ++rule) {
            const Rule& config = settings->rules[rule];
            if (is_rollout_rule(config) || (config.kind == Rule::Kind::Detector) != tests) continue;
            if (config.in_a_row == 0) step(rule, slot, at);
            summarise_slot(rule, slot);
        }
    };
    step_all(true);
    step_all(false);
    for (SignalState& signal : signals)
        if (signal.status.verdict == Verdict::Ok) signal.restarted = 0;
    end_gains();
    endpoints.end_slot();
    series.release_index();
}

JudgeReport Judge::State::finish(bool whole_slot) {
    JudgeReport report;
    report.health = service_health(whole_slot);
    forget_answers(whole_slot);
    if (report.health != Health::Up && report.health != Health::Unknown) report.health_words = health_words();
    tell(report);
    const bool asked = settings->until_excluded > 0 && phase.kind == JudgePhase::Kind::Baking;
    if (whole_slot && asked) report.excluded = excluded();
    return report;
}

Judge::Judge(std::shared_ptr<const ServiceSettings> settings, IdentityPool* pool)
    : state_(std::make_unique<State>(std::move(settings), pool)) {}

Judge::~Judge() = default;
Judge::Judge(Judge&&) noexcept = default;
Judge& Judge::operator=(Judge&&) noexcept = default;

void Judge::name_signal(std::uint32_t signal, const Selector& found) {
    if (signal < state_->signals.size()) state_->signals[signal].found = found.metric;
}

SeriesId Judge::add_series(TargetIndex target, std::uint64_t identity_hash, const SeriesRole& role) {
    State& state = *state_;
    if (target >= state.targets.size() || role.signal >= state.signals.size()) return kNoSeries;
    SignalState& signal = state.signals[role.signal];
    const bool quantile = state.settings->signals[role.signal].kind == Signal::Kind::Quantile;
    const auto cell = quantile ? signal.window.bucket(role.le) : std::optional(static_cast<std::uint16_t>(role.bad));
    const auto id =
        cell ? state.series.add(identity_hash, {target, static_cast<std::uint16_t>(role.signal), *cell, role.endpoint})
             : std::nullopt;
    if (!id) signal.too_many = true;
    if (id && signal.counter) state.gains.add_series(*id);
    return id.value_or(kNoSeries);
}

void Judge::health(TargetIndex target, const HealthResult& result, Time at) {
    if (target >= state_->health.size()) return;
    HealthState& health = state_->health[target];
    health.sample = result.health;
    constexpr std::size_t kReason = 160;  // a line on a phone
    if (result.health != Health::Up) health.reason.assign(result.reason.substr(0, kReason));
    if (result.health != Health::Unknown) state_->oldest = std::min(state_->oldest, at);
}

void Judge::scrape(TargetIndex target, const ScrapeResult& result, Time at) {
    state_->take(target, result, at);
}

void Judge::query(std::uint32_t signal, const QueryResult& result, Time at) {
    state_->take_query(signal, result, at);
}

EndpointIndex Judge::name_endpoint(std::string_view name) {
    return state_->name_endpoint(name);
}

void Judge::endpoints_before(std::uint32_t signal, std::span<const EndpointCell> cells) {
    state_->endpoints_before(signal, cells);
}

JudgeReport Judge::close_slot(Time at) {
    State& state = *state_;
    const SlotIndex before = state.grid.last();
    const SlotIndex slot = state.grid.next(at);
    if (before >= 0 && slot > before + 1) state.miss(static_cast<std::uint64_t>(slot - before - 1), at);
    state.grid.close(at);
    state.pass_borders(slot, at);
    state.forget_warmup(slot);
    state.judge_sample(slot, at, true);
    state.merge_sample();
    state.end_slot(slot, at);
    return state.finish(true);
}

JudgeReport Judge::close_sample(Time at) {
    State& state = *state_;
    state.judge_sample(state.grid.next(at), at, false);
    state.merge_sample();
    return state.finish(false);
}

void Judge::set_phase(const JudgePhase& phase) {
    State& state = *state_;
    const bool starts = phase.kind == JudgePhase::Kind::Baking || phase.kind == JudgePhase::Kind::Verifying;
    const bool same = state.phase.kind == phase.kind && state.phase.since == phase.since;
    state.phase = phase;
    state.watch(phase.kind != JudgePhase::Kind::Good);
    if (starts && !same) state.gains.restart();
    if (starts && !same) state.restart_runs();
    // A good version has a beginning only while it is being adopted: then its slots are counted, too (S1).
    if (!same && (starts || phase.since != Time{})) state.restart_summary();
    if (phase.kind == JudgePhase::Kind::Good) state.frozen = false;
}

void Judge::fill_baseline(std::uint32_t signal, std::span<const HistoryRow> rows) {
    state_->fill_baseline(signal, rows);
}

void Judge::tell_anew() {
    for (RuleState& rule : state_->rules) rule.tell_anew = true;
}

void Judge::freeze_baseline(Time at) {
    state_->frozen = true;
    for (SignalState& signal : state_->signals) signal.window.baseline.freeze(at);
}

}  // namespace revertd
