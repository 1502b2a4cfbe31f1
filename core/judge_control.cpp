// SPDX-License-Identifier: Apache-2.0
// The control group (S44): the same signals over what was not deployed, in the same windows.
#include <algorithm>
#include <cmath>

#include "core/judge_state.h"
#include "core/words.h"

namespace revertd {
namespace {

constexpr double kWorse = 1.5;  // S44: what a rule must be worse than the control group by

bool worse_than(Rule::Op op, double value, double control) {
    const bool upward = op == Rule::Op::Greater || op == Rule::Op::GreaterEqual;
    // For values below zero a factor says nothing about direction.
    if (control < 0) return upward ? value > control : value < control;
    return upward ? value > 0 && value >= kWorse * control : value * kWorse <= control;
}

}  // namespace

bool Judge::State::concerns(TargetIndex target, std::size_t signal) const {
    if (!settings->control_from) return true;
    return (target >= *settings->control_from) == settings->signals[signal].is_control;
}

std::size_t Judge::State::targets_of(std::size_t signal) const {
    std::size_t count = 0;
    for (TargetIndex target = 0; target < targets.size(); ++target) count += concerns(target, signal) ? 1 : 0;
    return count;
}

/// What a factor is taken of: for ratios no error in N requests is less than one in N, not nothing.
double Judge::State::control_unit(const Signal& signal, const SignalWindow::Value& value) const {
    if (!value.value) return kUnknown;
    const bool ratio = signal.kind == Signal::Kind::Ratio && value.requests > 0;
    return ratio ? std::max(*value.value, 1 / value.requests) : *value.value;
}

void Judge::State::set_control_limit(std::size_t rule_index, SlotIndex slot, Evaluation& evaluation) {
    const Rule& rule = settings->rules[rule_index];
    const Signal& signal = settings->signals[rule.signal];
    evaluation.verdict = Verdict::Insufficient;
    evaluation.cause = Cause::Control;
    evaluation.control_cause = Cause::NeverSeen;
    if (!signal.control) return;
    const Measured control = measure(*signal.control, rule_index, slot);
    evaluation.verdict = control.verdict;
    evaluation.control_cause = control.cause;
    if (control.verdict != Verdict::Ok) return;
    evaluation.baseline = *control.value.value;
    const double unit = control_unit(signal, control.value);
    if (!(unit > 0)) {
        evaluation.verdict = Verdict::Insufficient;
        evaluation.cause = Cause::ZeroBaseline;
        return;
    }
    evaluation.cause = Cause::None;
    set_bounds(rule, unit, evaluation);
}

void Judge::State::compare_with_control(std::size_t rule_index, SlotIndex slot, Evaluation& evaluation) {
    const Rule& rule = settings->rules[rule_index];
    const Signal& signal = settings->signals[rule.signal];
    if (!signal.control) return;
    const Measured control = measure(*signal.control, rule_index, slot);
    if (control.verdict != Verdict::Ok) {
        evaluation.control_blind = true;
        evaluation.control_cause = control.cause;
        return;
    }
    evaluation.control = *control.value.value;
    if (worse_than(rule.op, evaluation.value, evaluation.control)) return;
    evaluation.verdict = Verdict::Insufficient;
    evaluation.cause = Cause::Shared;
}

std::string Judge::State::control_words(std::size_t rule_index) const {
    const Rule& rule = settings->rules[rule_index];
    const Signal& signal = settings->signals[rule.signal];
    const Evaluation& now = rules[rule_index].now;
    if (!signal.control) return {};
    if (now.cause == Cause::Shared)
        return value_words(now.value, signal.unit) + " is beyond " + value_words(now.limit, signal.unit) +
               ", but the control group has " + value_words(now.control, signal.unit) + ", not 1.5 times worse";
    if (now.cause != Cause::Control && !now.control_blind)
        return std::isfinite(now.control) ? "; the control group has " + value_words(now.control, signal.unit) : "";
    const SignalStatus& status = signals[*signal.control].status;
    const bool blind = status.verdict != Verdict::Ok;
    const std::string why = blind                                     ? blind_words(*signal.control, status.cause)
                            : now.control_cause == Cause::FewRequests ? "too few requests"
                                                                      : "nothing happened in the window";
    return now.control_blind ? "; the control group cannot be seen: " + why : "control group: " + why;
}

}  // namespace revertd
