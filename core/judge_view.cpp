// SPDX-License-Identifier: Apache-2.0
// What status, pass and report ask the Judge; nothing here changes what it has judged.
#include <algorithm>
#include <cmath>

#include "core/judge_state.h"

namespace revertd {

void Judge::State::compute_whole_bake(std::size_t rule_index, RuleSummary& summary) {
    const Rule& rule = settings->rules[rule_index];
    if (rule.kind == Rule::Kind::Combined) {
        for (const std::uint32_t part : rule.parts) {
            RuleSummary own = rules[part].summary;
            compute_whole_bake(part, own);
            summary.whole_bake_value += own.whole_bake_breach ? 1 : 0;
        }
        summary.whole_bake_breach = summary.whole_bake_value >= rule.need;
        return;
    }
    if (rule.kind != Rule::Kind::Threshold || rule.signal >= signals.size()) return;
    if (summary.insufficient == 0 || summary.ok + summary.breach > 0) return;
    const SignalWindow::Value value = signals[rule.signal].window.of_bake();
    if (!value.value) return;
    Evaluation evaluation;
    const auto control = settings->signals[rule.signal].control;
    const bool of_control = rule.relative != Rule::Relative::Absolute && rule.reference == Rule::Reference::Control;
    if (of_control && control)
        set_bounds(rule, control_unit(settings->signals[rule.signal], signals[*control].window.of_bake()), evaluation);
    else if (!of_control)
        set_limit(rule, evaluation);
    summary.whole_bake_value = *value.value;
    summary.whole_bake_breach = std::isfinite(evaluation.limit) && beyond(rule.op, *value.value, evaluation.limit);
}

std::vector<RuleSummary> Judge::summarise() const {
    std::vector<RuleSummary> summaries;
    for (std::size_t rule = 0; rule < state_->rules.size(); ++rule) {
        if (is_rollout_rule(state_->settings->rules[rule])) continue;
        RuleSummary summary = state_->rules[rule].summary;
        summary.never_there = state_->never_there(state_->settings->rules[rule]);
        state_->compute_whole_bake(rule, summary);
        if (summary.last != Verdict::Ok) summary.words = state_->words_of(rule);
        if (state_->rules[rule].detector) summary.excluded = state_->rules[rule].detector->excluded_words();
        summaries.push_back(summary);
    }
    return summaries;
}

SignalView Judge::State::view_of(std::size_t signal) {
    const Signal& config = settings->signals[signal];
    SignalView view;
    view.name = config.name;
    view.metric = signals[signal].found;
    view.unit = config.unit;
    view.verdict = signals[signal].status.verdict;
    view.value = signals[signal].window.of_window(grid.last(), grid.last()).value.value_or(kUnknown);
    for (std::size_t rule = 0; rule < rules.size(); ++rule) {
        const bool of_this =
            settings->rules[rule].kind == Rule::Kind::Threshold && settings->rules[rule].signal == signal;
        if (!of_this || std::isnan(rules[rule].now.value)) continue;
        view.value = rules[rule].now.value;
        break;
    }
    SignalWindow::Value baseline;
    view.baseline = baseline_known(signal, baseline) ? *baseline.value : kUnknown;
    return view;
}

std::vector<TracePoint> Judge::State::trace_of(std::size_t rule_index) {
    const Rule& rule = settings->rules[rule_index];
    if (!is_of_signal(rule) || rule.signal >= signals.size()) return {};
    std::vector<TracePoint> points = signals[rule.signal].window.baseline_points();
    const std::vector<TracePoint> since = signals[rule.signal].trace.points();
    points.insert(points.end(), since.begin(), since.end());
    return points;
}

JudgeView Judge::view() const {
    State& state = *state_;
    JudgeView view;
    view.targets = static_cast<std::uint32_t>(state.health.size());
    for (const HealthState& target : state.health)
        if (target.last == Health::Up) ++view.up;
    for (std::size_t signal = 0; signal < state.signals.size(); ++signal)
        if (!state.settings->signals[signal].is_control) view.signals.push_back(state.view_of(signal));
    for (std::size_t rule = 0; rule < state.rules.size(); ++rule)
        if (!is_rollout_rule(state.settings->rules[rule]) && !state.is_missed_by_nobody(rule))
            view.rules.push_back(state.change_of(rule));
    view.baseline_words = state.baseline_words();
    return view;
}

std::vector<std::unique_ptr<PowerStudy>> Judge::power() const {
    std::vector<std::unique_ptr<PowerStudy>> studies;
    for (const RuleState& rule : state_->rules) {
        auto study = rule.detector ? rule.detector->power() : nullptr;
        if (study) studies.push_back(std::move(study));
    }
    return studies;
}

bool Judge::knows_power() const {
    return std::ranges::all_of(state_->rules,
                               [](const RuleState& r) { return !r.detector || r.detector->knows_power(); });
}

JudgeCounts Judge::counts() const {
    JudgeCounts counts;
    for (const RuleState& rule : state_->rules) counts.rules.push_back(rule.evaluations);
    for (const SignalState& signal : state_->signals) counts.signals.push_back(signal.last_ok);
    return counts;
}

}  // namespace revertd
