// SPDX-License-Identifier: Apache-2.0
#include "core/gates.h"

#include <algorithm>
#include <array>

#include "core/policy.h"
#include "core/target.h"

namespace revertd {

namespace {

std::optional<Held> observe_only(const GateInput& in) {
    const std::string why = in.state.observes_only();
    if (why.empty()) return std::nullopt;
    return Held{Reason::ObserveOnly, "observing only: " + why};
}

/// F94: nothing starts before the runner has said what it did.
std::optional<Held> runner(const GateInput& in) {
    if (in.runner_silent.empty()) return std::nullopt;
    return Held{Reason::RunnerSilent, in.runner_silent};
}

std::optional<Held> halted(const GateInput& in) {
    if (in.state.halted) return Held{Reason::Halted, "halted by " + in.state.halted_by};
    if (in.service.halted) return Held{Reason::Halted, in.service.name + " is halted by " + in.service.halted_by};
    return std::nullopt;
}

std::optional<Held> taken(const GateInput& in) {
    if (in.incident.taken_by.empty()) return std::nullopt;
    const std::string& why = in.incident.taken_why;
    return Held{Reason::Taken, in.incident.taken_by + " has taken it" + (why.empty() ? "" : ": " + why)};
}

std::optional<Held> forward_fix(const GateInput& in) {
    if (!in.incident.hold_until || *in.incident.hold_until <= in.now || in.incident.severity == Severity::P0)
        return std::nullopt;
    return Held{Reason::HoldFix, "a forward fix is coming (" + in.incident.hold_why + "), held for " +
                                     to_words(*in.incident.hold_until - in.now) + " more"};
}

std::optional<Held> denied(const GateInput& in) {
    const auto denied = in.incident.denied.find(in.incident.severity);
    if (in.incident.ordered || denied == in.incident.denied.end()) return std::nullopt;
    return Held{Reason::Denied,
                std::string(to_string(in.incident.severity)) + " was denied for this deploy by " + denied->second};
}

/// S8: while a newer deploy rolls out, the older guard waits; its P0 acts.
std::optional<Held> newer_deploy(const GateInput& in) {
    const bool older = in.deployment != nullptr && in.service.older == in.deployment->id;
    if (!older || in.incident.severity == Severity::P0 || in.incident.ordered) return std::nullopt;
    return Held{Reason::Deploying, "deploy " + in.service.guard + " of " + in.service.name + " is rolling out"};
}

std::size_t recent(const std::vector<Time>& times, Time now, Duration window) {
    return static_cast<std::size_t>(
        std::count_if(times.begin(), times.end(), [&](Time t) { return now - t < window; }));
}

/// An incident is counted once, with its first intent: it never waits for its own count (S35).
bool exempt_from_limits(const GateInput& in) {
    return in.incident.ordered || in.incident.has_intent();
}

/// A step was started, or may have been. An intent that is durable and still waits for these gates was not.
bool has_begun(const Incident& incident) {
    return std::any_of(incident.attempts.begin(), incident.attempts.end(), [&](const Attempted& a) {
        const bool waits = !a.outcome && incident.stage == Stage::Intending;
        return !waits && a.outcome != StepOutcome::NotStarted;
    });
}

std::optional<Held> service_limit(const GateInput& in) {
    const RateLimit& limit = in.limits.per_service;
    if (exempt_from_limits(in) || limit.count == 0) return std::nullopt;
    if (recent(in.service.intents, in.now, limit.per) < static_cast<std::size_t>(limit.count)) return std::nullopt;
    return Held{Reason::ServiceLimit, "limit of " + std::to_string(limit.count) + " rollback(s) per " +
                                          to_words(limit.per) + " of " + in.service.name + " is used up"};
}

std::optional<Held> overall_limit(const GateInput& in) {
    if (exempt_from_limits(in) || in.overall.count == 0) return std::nullopt;
    if (recent(in.state.intents, in.now, in.overall.per) < static_cast<std::size_t>(in.overall.count))
        return std::nullopt;
    return Held{Reason::OverallLimit, "limit of " + std::to_string(in.overall.count) + " rollbacks per " +
                                          to_words(in.overall.per) + " of all services is used up"};
}

std::optional<Held> cooldown(const GateInput& in) {
    if (exempt_from_limits(in) || !in.service.last_incident_acted) return std::nullopt;
    const Duration age = in.now - *in.service.last_incident_acted;
    if (age >= in.limits.cooldown) return std::nullopt;
    const bool approved = in.incident.approval && !in.incident.approval->given.empty();
    if (approved) return std::nullopt;  // "by itself": a person who approves decides
    return Held{Reason::Cooldown, "the last rollback of " + in.service.name + " was " + to_words(age) +
                                      " ago, cooldown " + to_words(in.limits.cooldown)};
}

/// The ledger as it is now: a decision does not outlive the standing of its target.
std::optional<Held> target(const GateInput& in) {
    const std::string& to = in.incident.to;
    if (to.empty()) return Held{Reason::NoTarget, "no good version to go back to"};
    if (to == in.incident.from) return Held{Reason::BadTarget, "target " + to + " is the version that was judged"};
    const Standing standing = in.service.standing(to);
    const bool named = in.incident.ordered && in.incident.ordered_to == to;
    if (is_target(standing) || (named && in.incident.force)) return std::nullopt;
    return Held{Reason::BadTarget, "target " + to + " is " + std::string(to_string(standing))};
}

std::optional<Held> fresh(const GateInput& in) {
    if (in.incident.ordered || in.incident.reason == Reason::Trigger || has_begun(in.incident)) return std::nullopt;
    const ServiceSettings* settings = in.deployment == nullptr ? nullptr : in.deployment->settings.get();
    const Freshness f = freshness(in.service, in.incident, settings, in.now, in.state.started);
    if (f.stale_since_restart) return Held{Reason::RestartPending, "not judged again yet since revertd came back"};
    if (f.blind) return Held{Reason::Blind, f.words};
    if (!f.breached_lately) return Held{Reason::Stale, f.words};
    return std::nullopt;
}

}  // namespace

std::optional<Held> check_gates(const GateInput& input) {
    using Gate = std::optional<Held> (*)(const GateInput&);
    // The order is that of what a person would say first; what needs correlation, migrations and hours joins here.
    static constexpr std::array<Gate, 12> kGates{observe_only,  runner,      halted,       taken,
                                                 denied,        forward_fix, newer_deploy, service_limit,
                                                 overall_limit, cooldown,    target,       fresh};
    for (const Gate gate : kGates)
        if (auto held = gate(input)) return held;
    return std::nullopt;
}

std::optional<Held> check_last_gates(const GateInput& input) {
    for (const auto gate : {observe_only, halted, taken})
        if (auto held = gate(input)) return held;
    return std::nullopt;
}

Duration hold_of(const ServiceSettings* settings, const std::string& rule) {
    if (settings == nullptr) return {};
    for (const Rule& r : settings->rules)
        if (r.text == rule) return r.hold;
    return {};
}

Freshness freshness(const ServiceState& service, const Incident& incident, const ServiceSettings* settings, Time now,
                    Time started) {
    Freshness out;
    bool any = false, all_clear = true;
    for (const auto& [index, rule] : service.rules) {
        if (worse(incident.severity, rule.severity) || rule.severity == Severity::None) continue;
        const bool decided = rule.text == incident.rule;
        if (!decided && !rule.holds) continue;  // others count only while they hold
        any = true;
        const Duration window = std::max(hold_of(settings, rule.text), kFreshAtLeast);
        if (rule.changed < started && index != kDeployFailed) out.stale_since_restart = true;
        const bool on_the_edge = rule.holds && rule.verdict == Verdict::Ok;
        if (rule.verdict == Verdict::Breach || on_the_edge || (rule.last_breach && now - *rule.last_breach < window))
            out.breached_lately = true;
        out.holds = out.holds || (rule.holds && rule.verdict == Verdict::Breach);
        if (is_blind(rule.verdict)) {
            out.blind = out.blind || decided;
            if (decided)
                out.words = rule.text + " cannot be seen for " + to_words(now - rule.since) + ": " + rule.words;
        }
        const bool clear =
            rule.verdict == Verdict::Ok && !rule.holds && now - rule.since >= window;  // S25: not on the edge
        all_clear = all_clear && clear;
    }
    out.cleared = any && all_clear && !out.stale_since_restart;
    if (out.words.empty()) out.words = incident.rule + " is not breached any more";
    return out;
}

bool sees_again_soon(const State& state, const Incident& incident, const ServiceSettings* settings, Time now) {
    const bool held =
        incident.state == IncidentState::Held &&
        (incident.gate == Reason::RestartPending || incident.gate == Reason::Blind || incident.gate == Reason::Stale);
    return held && now < state.started + std::max(hold_of(settings, incident.rule), kFreshAtLeast);
}

}  // namespace revertd
