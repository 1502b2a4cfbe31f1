// SPDX-License-Identifier: Apache-2.0
// One sentence per rule, with the numbers: what pages, reports and `explain` print.
#include <algorithm>
#include <cmath>

#include "core/judge_state.h"
#include "core/words.h"

namespace revertd {
namespace {

std::string period_words(const Rule& rule) {
    if (rule.in_a_row > 0) return " " + std::to_string(rule.in_a_row) + " in a row";
    if (rule.of > 0) return " " + std::to_string(rule.n) + " of " + std::to_string(rule.of);
    return rule.hold > Duration::zero() ? " for " + to_words(rule.hold) : "";
}

/// "its reason" at its end, if there is one.
std::string with_reason(const std::string& words, const std::string& reason) {
    return reason.empty() ? words : words + ": " + reason;
}

}  // namespace

std::string Judge::State::health_words() const {
    const HealthCount count = count_health(&HealthState::last);
    std::string words = std::to_string(count.up) + " of " + plural(health.size(), "target") + " up";
    if (count.down > 0) words += ", " + std::to_string(count.down) + " down";
    const std::size_t unseen = health.size() - count.up - count.down;
    if (unseen > 0) words += ", " + std::to_string(unseen) + " cannot be seen";
    std::string reasons;
    for (const HealthState& target : health)
        if (target.last != Health::Up && !target.reason.empty() && reasons.find(target.reason) == std::string::npos)
            reasons += (reasons.empty() ? "" : "; ") + target.reason;
    return reasons.empty() ? words : words + " (" + reasons + ")";
}

std::string Judge::State::value_words_of(std::size_t rule_index) const {
    const Rule& rule = settings->rules[rule_index];
    const Signal& signal = settings->signals[rule.signal];
    const Evaluation& now = rules[rule_index].now;
    std::string words = signal.name + " " + value_words(now.value, signal.unit);
    if (std::isfinite(now.requests)) words += " of " + count_words(now.requests) + " requests";
    if (std::isfinite(now.baseline)) {
        const bool control = rule.reference == Rule::Reference::Control && rule.relative != Rule::Relative::Absolute;
        const std::string before =
            value_words(now.baseline, signal.unit) + (control ? " of the control group" : " before");
        words += ", " + (now.baseline > 0 ? factor_words(now.value / now.baseline) + " the " : "") + before;
    }
    words += "; limit " + value_words(now.limit, signal.unit) + period_words(rule) + control_words(rule_index);
    const SignalStatus& status = signals[rule.signal].status;
    if (status.down > 0)
        words += "; " + std::to_string(status.down) + " of " + plural(targets.size(), "target") + " down and left out";
    return words;
}

std::string Judge::State::blind_words(std::size_t signal, Cause cause) const {
    if (signals[signal].queried) return query_words(signals[signal], cause);
    const SignalStatus& status = signals[signal].status;
    switch (cause) {
        case Cause::NotANumber:
            return "the value is not a number";
        case Cause::Infinite:
            return "the value is infinite or a counter below 0";
        case Cause::SeveralSeries:
            return "several series where one is expected: narrow the selector or aggregate";
        case Cause::TooManySeries:
            return "too many series or buckets: narrow the selector";
        case Cause::Vanished:
            return "a target answers without it (has its name changed?), " + settings->metrics[status.culprit];
        case Cause::Unanswered:
            break;
        case Cause::None:
        case Cause::WarmUp:
        case Cause::FirstSample:
        case Cause::FewRequests:
        case Cause::NoRequests:
        case Cause::NoBaseline:
        case Cause::ZeroBaseline:
        case Cause::NeverSeen:
        case Cause::Health:
        case Cause::Detector:
        case Cause::Parts:
        case Cause::Control:
        case Cause::Shared:
        case Cause::Refuted:
            return settings->signals[signal].well_known
                       ? "no target shows a series of a well-known name: name yours under `signals`"
                       : "no target has shown it";
    }
    if (status.blind == 0) return "all targets are down";
    const TargetState& culprit = targets[status.culprit];
    const std::string who = std::to_string(status.blind) + " of " + plural(targets.size(), "target") +
                            " did not answer, " + settings->metrics[status.culprit];
    return with_reason(who, culprit.reason);
}

std::string Judge::State::insufficient_words(std::size_t rule_index) const {
    const Rule& rule = settings->rules[rule_index];
    const Evaluation& now = rules[rule_index].now;
    switch (now.cause) {
        case Cause::WarmUp:
            return "does not count during warm-up";
        case Cause::FirstSample:
            return "first sample, a difference needs two";
        case Cause::FewRequests: {
            const auto slots = static_cast<int>(rules[rule_index].count);
            return count_words(now.counted) + " requests in " + to_words(slots * settings->interval) + ", " +
                   count_words(settings->min_requests) + " needed";
        }
        case Cause::NoRequests:
            return "nothing happened in the window";
        case Cause::NoBaseline:
            return baseline_words();
        case Cause::ZeroBaseline:
            return rule.reference == Rule::Reference::Control ? "the control group has 0: a factor of that says nothing"
                                                              : "it was 0 before: a factor of that says nothing";
        case Cause::Health:
            return "no health target";
        case Cause::Detector:
            return rules[rule_index].detector->words();
        case Cause::Control:
        case Cause::Shared:
            return control_words(rule_index);
        case Cause::Refuted:
        case Cause::None:
        case Cause::Parts:
        case Cause::NeverSeen:
        case Cause::Vanished:
        case Cause::NotANumber:
        case Cause::Infinite:
        case Cause::SeveralSeries:
        case Cause::TooManySeries:
        case Cause::Unanswered:
            break;
    }
    return blind_words(rule.signal, now.cause);
}

/// The sentences of the parts that have the verdict, or of all when it is ok.
std::string Judge::State::combined_words(std::size_t rule_index) const {
    const Rule& rule = settings->rules[rule_index];
    const Evaluation& now = rules[rule_index].now;
    const auto said = [&](std::uint32_t part) {
        const Verdict verdict = rules[part].now.verdict;
        const bool tips = is_blind(now.verdict) && is_blind(verdict);
        return verdict == now.verdict || tips;
    };
    std::string words;
    for (const std::uint32_t part : rule.parts)
        if (said(part)) words += (words.empty() ? "" : ", and ") + words_of(part);
    if (now.verdict != Verdict::Breach || rule.parts.size() < 2) return words;
    std::uint32_t breached = 0;
    for (const std::uint32_t part : rule.parts) breached += said(part) ? 1 : 0;
    return words + " (" + std::to_string(breached) + " of " + std::to_string(rule.parts.size()) + ", " +
           std::to_string(rule.need) + " needed)";
}

std::string Judge::State::words_of(std::size_t rule_index) const {
    const Rule& rule = settings->rules[rule_index];
    const Evaluation& now = rules[rule_index].now;
    if (rule.kind == Rule::Kind::Combined) return combined_words(rule_index);
    const bool of_health = rule.kind == Rule::Kind::HealthDown || rule.kind == Rule::Kind::HealthFails;
    if (of_health && now.cause != Cause::WarmUp && !health.empty()) return "health: " + health_words();
    if (of_health || rule.signal >= signals.size())
        return rule.text + ": " + (health.empty() ? "no target" : "does not count yet");
    const std::string& name = settings->signals[rule.signal].name;
    if (rule.kind == Rule::Kind::Detector && now.cause == Cause::Detector)
        return name + " " + rules[rule_index].detector->words() + period_words(rule);
    if (now.verdict == Verdict::Insufficient) return name + ": " + insufficient_words(rule_index);
    if (is_blind(now.verdict) && now.cause == Cause::Control) return name + ": " + control_words(rule_index);
    if (is_blind(now.verdict)) return name + ": " + blind_words(rule.signal, now.cause);
    if (now.cause == Cause::Refuted)
        return (std::isfinite(now.value) ? value_words_of(rule_index) + "; not confirmed: " : name + " ") +
               rules[*rule.confirmed_by].detector->words();
    if (rule.kind == Rule::Kind::Threshold) return value_words_of(rule_index);
    return name +
           (now.verdict == Verdict::Breach ? " is absent, it was there before" + period_words(rule) : " is there");
}

RuleChange Judge::State::change_of(std::size_t rule_index) const {
    const RuleState& state = rules[rule_index];
    RuleChange change;
    change.rule = static_cast<std::uint32_t>(rule_index);
    change.verdict = state.now.verdict;
    change.holds = state.holds;
    change.value = state.now.value;
    change.limit = state.now.limit;
    change.baseline = state.now.baseline;
    change.requests = state.now.requests;
    change.since = state.holds ? state.held_since : state.verdict_since;
    change.never_there = never_there(settings->rules[rule_index]);
    change.control_blind = state.now.control_blind && state.now.verdict == Verdict::Breach;
    if (state.detector && state.now.cause == Cause::Detector && std::isfinite(state.now.limit))
        change.limit_why = state.detector->limit_why();
    change.words = state.words_before.empty() ? words_of(rule_index) : state.words_before;
    return change;
}

std::string Judge::State::baseline_words() const {
    std::uint32_t seen = 0;
    double requests = kUnknown;
    for (const SignalState& signal : signals) seen = std::max(seen, signal.window.baseline.seen());
    const std::string words =
        to_words(seen * settings->interval) + " of " + to_words(settings->baseline) + " seen before";
    const bool half = std::ranges::any_of(signals, [](const SignalState& s) { return s.window.baseline.sufficient(); });
    if (!half) return "no baseline, " + words + ", half is needed";
    for (const SignalState& signal : signals)
        if (signal.window.counts_requests()) requests = std::fmax(requests, signal.window.baseline_requests());
    if (!(requests < settings->min_requests)) return "baseline: " + words;
    return "no baseline, " + count_words(requests) + " requests before, " + count_words(settings->min_requests) +
           " needed";
}

}  // namespace revertd
