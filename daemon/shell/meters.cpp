// SPDX-License-Identifier: Apache-2.0
#include "daemon/shell/meters.h"

namespace revertd {
namespace {

/// A closed set, by the exit code that a CI job sees.
const char* outcome_words(int exit_code) {
    switch (exit_code) {
        case 0:
            return "healthy";
        case 10:
            return "rolled_back";
        case 11:
            return "failed";
        case 12:
            return "not_rolled_back";
        case 13:
            return "superseded";
        case 14:
            return "inconclusive";
        default:
            return "aborted";
    }
}

bool was_approved(const Incident& incident) {
    return incident.approval && !incident.approval->given.empty();
}

const char* mode_of(const Incident& incident) {
    if (incident.ordered) return "manual";
    return was_approved(incident) ? "approved" : "auto";
}

/// The answer that makes the approval whole.
bool completes(const ApprovalGiven& fact, const Approval& approval) {
    const auto quorum = static_cast<std::size_t>(approval.quorum);
    return approval.given.size() >= quorum && approval.given[quorum - 1].by == fact.by;
}

/// The sample that decided was judged when its rule was last reported; an incident without a rule decided as it opened.
Time decided_at(const Incident& incident, const State& state) {
    const ServiceState* service = state.service(incident.service);
    if (service == nullptr) return incident.opened;
    for (const auto& [index, rule] : service->rules)
        if (rule.text == incident.rule && rule.severity == incident.severity && rule.holds) return rule.changed;
    return incident.opened;
}

}  // namespace

Meters::Meters()
    : scrapes({0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5}),
      reactions({0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60}),
      rollbacks({1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200, 3600}),
      approval_waits({5, 15, 30, 60, 120, 300, 600, 1800, 3600}),
      commits({0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5}),
      lags({0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5}) {}

void Meters::take(const Record& record, const State& state) {
    if (const auto* closed_guard = std::get_if<GuardClosed>(&record.fact)) closed(*closed_guard, state);
    if (const auto* intent = std::get_if<Intent>(&record.fact)) intended(*intent, state);
    if (const auto* outcome = std::get_if<Outcome>(&record.fact)) ended(*outcome, state);
    if (const auto* given = std::get_if<ApprovalGiven>(&record.fact)) {
        const Incident* incident = state.incident(given->incident);
        if (incident != nullptr && incident->approval && completes(*given, *incident->approval))
            approval_waits.observe(record.at - incident->approval->asked);
    }
    if (const auto* started = std::get_if<VerificationStarted>(&record.fact)) {
        const Incident* incident = state.incident(started->incident);
        if (incident != nullptr && incident->has_intent()) rollbacks.observe(record.at - incident->attempts.front().at);
    }
}

void Meters::closed(const GuardClosed& fact, const State& state) {
    const Deployment* deployment = state.deployment(fact.deploy);
    if (deployment != nullptr) ++services_[deployment->service].deploys[outcome_words(fact.exit_code)];
}

/// An incident is one rollback, however many steps and attempts it takes.
void Meters::intended(const Intent& fact, const State& state) {
    const Incident* incident = state.incident(fact.incident);
    if (incident == nullptr || !incident->has_intent() || incident->attempts.front().intent.key != fact.key) return;
    ++services_[incident->service].rollbacks[{incident->severity, mode_of(*incident)}];
}

void Meters::ended(const Outcome& fact, const State& state) {
    const Incident* incident = state.incident(fact.incident);
    if (incident == nullptr || fact.outcome != StepOutcome::Failed) return;
    for (const Attempted& attempt : incident->attempts)
        if (attempt.intent.key == fact.key) ++services_[incident->service].failed_steps[attempt.intent.step];
}

void Meters::step_started(const std::string& id, const State& state, Time now) {
    const Incident* incident = state.incident(id);
    if (incident == nullptr || incident->attempts.size() != 1) return;
    if (incident->ordered || incident->approval) return;  // that time is a person's
    reactions.observe(now - decided_at(*incident, state));
}

void Meters::reloaded(bool done, WallTime now) {
    last_reload_done = done;
    if (done) last_reload = now;
}

void Meters::beat(WallTime now, Duration lag) {
    last_beat = now;
    lags.observe(lag);
}

void Meters::keep(const Settings& settings) {
    std::erase_if(services_, [&](const auto& entry) { return settings.find(entry.first) == nullptr; });
}

}  // namespace revertd
