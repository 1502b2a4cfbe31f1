// SPDX-License-Identifier: Apache-2.0
// Who is told when nobody answers (S30), and what was promised for a time: the ladder, sla, assess, updates.
#include <algorithm>

#include "core/engine.h"
#include "core/engine_run.h"
#include "core/policy.h"

namespace revertd {

namespace {

constexpr const char* kSla = "sla";
constexpr const char* kAssess = "assess";
constexpr const char* kUpdate = "update";

/// Its bad version may still run, or nobody has said yet what came of it.
bool is_unsettled(const Incident& i) {
    return i.open() && !i.recovered;
}

bool is_assessed(const Incident& i) {
    return i.answered || !i.acked_by.empty() || (i.approval && !i.approval->given.empty()) || i.acted();
}

Time last_update(const Incident& i) {
    const auto told = i.reminded.find(kUpdate);
    return told == i.reminded.end() ? i.opened : told->second;
}

std::string standing_of(const Incident& i) {
    const std::string state(to_string(i.state));
    return i.gate_words.empty() ? state : state + " (" + i.gate_words + ")";
}

void add(Meta& facts, const char* name, const std::string& value) {
    if (!value.empty()) facts.emplace_back(name, value);
}

}  // namespace

bool waits_for_people(const Incident& i) {
    if (!i.open() || i.answered) return false;
    switch (i.state) {
        case IncidentState::AwaitingApproval:
            return i.approval && !i.approval->waived && static_cast<int>(i.approval->given.size()) < i.approval->quorum;
        case IncidentState::Held:
            return i.gate != Reason::Denied && i.gate != Reason::Taken && i.gate != Reason::HoldFix &&
                   i.gate != Reason::Halted;
        case IncidentState::Watching:  // it never rolls back by itself, and it is bad enough to wake somebody
            return !worse(Severity::P1, i.severity);
        case IncidentState::Escalated:
        case IncidentState::NotRecovered:
            return true;
        case IncidentState::Deciding:
        case IncidentState::Acting:
        case IncidentState::Verifying:
        case IncidentState::Recovered:
        case IncidentState::Closed:
            return false;
    }
    return false;
}

std::vector<Time> reminders_due(const Incident& i, const ServiceSettings& settings) {
    std::vector<Time> due;
    const auto rung = static_cast<std::size_t>(i.rung);
    if (waits_for_people(i) && rung > 0 && rung < settings.ladder.size())
        due.push_back(i.rung_since + settings.ladder[rung - 1].after);
    if (!is_unsettled(i) || i.severity == Severity::None) return due;
    const SeverityPolicy& policy = settings.policy(i.severity);
    if (policy.sla > Duration{} && !i.reminded.contains(kSla)) due.push_back(i.opened + policy.sla);
    if (policy.assess > Duration{} && !i.reminded.contains(kAssess)) due.push_back(i.opened + policy.assess);
    if (policy.updates > Duration{}) due.push_back(last_update(i) + policy.updates);
    return due;
}

Meta facts_of(const ServiceSettings& settings) {
    Meta facts;
    add(facts, "owner", settings.owner);
    add(facts, "environment", settings.environment);
    add(facts, "class", settings.impact_class);
    add(facts, "runbook", settings.runbook);
    return facts;
}

void describe(const Incident& i, const ServiceSettings* settings, Paged& page) {
    if (i.severity != Severity::None) add(page.facts, "severity", std::string(to_string(i.severity)));
    add(page.facts, "from", i.from);
    add(page.facts, "to", i.to);
    add(page.facts, "rule", i.rule);
    add(page.facts, "where", i.where);
    if (settings == nullptr) return;
    for (auto& fact : facts_of(*settings)) page.facts.push_back(std::move(fact));
    if (i.severity == Severity::None) return;
    const SeverityPolicy& policy = settings->policy(i.severity);
    page.issue = policy.issue;
    if (page.kind == "resolve" && policy.review > Duration{}) add(page.facts, "review within", to_words(policy.review));
    const bool first = page.kind == "trigger" || page.kind == "ask";
    if (first && page.to.empty() && !settings->ladder.empty()) page.to = settings->ladder.front().to;
}

bool Engine::advance_reminders(const std::string& name) {
    const Incident* i = state_.incident(service(name).incident);
    const ServiceSettings* settings = i == nullptr ? nullptr : settings_of_incident(*i);
    if (settings == nullptr) return false;
    const auto rung = static_cast<std::size_t>(i->rung);
    if (waits_for_people(*i) && rung == 0 && !settings->ladder.empty()) {
        // The page that asks has gone to them: the first rung only begins its time.
        note(LadderClimbed{i->id, settings->ladder.front().to, "they are the first", 0});
        return true;
    }
    if (waits_for_people(*i) && rung > 0 && rung < settings->ladder.size() &&
        now_.at >= i->rung_since + settings->ladder[rung - 1].after)
        return climb(*i, settings->ladder, "no answer for " + to_words(settings->ladder[rung - 1].after));
    if (i->severity == Severity::None || !is_unsettled(*i)) return false;
    return remind(*i, settings->policy(i->severity));
}

bool Engine::climb(const Incident& i, const std::vector<Rung>& ladder, const std::string& why) {
    const auto rung = static_cast<std::size_t>(i.rung);
    if (rung >= ladder.size() || !waits_for_people(i)) return false;
    const std::string to = ladder[rung].to;
    note(LadderClimbed{i.id, to, why, i.rung});
    const bool asks = i.state == IncidentState::AwaitingApproval;
    page(i, asks ? "ask" : "update",
         i.service + " " + i.from + ": " + (asks ? "still waits for an approval" : "still " + standing_of(i)) + ", " +
             why + ". " + i.words,
         to);
    return true;
}

bool Engine::remind(const Incident& i, const SeverityPolicy& policy) {
    const Duration age = now_.at - i.opened;
    const std::string name = i.service + " " + i.from;
    const auto due = [&](const char* what, Duration promised) {
        return promised > Duration{} && age >= promised && !i.reminded.contains(what);
    };
    if (due(kSla, policy.sla)) {
        const std::string words = "not restored within " + to_words(policy.sla) + " (sla)";
        note(Reminded{i.id, kSla, words});
        page(i, "update", name + ": " + words + ", " + standing_of(i));
        return true;
    }
    if (due(kAssess, policy.assess)) {
        const std::string words =
            is_assessed(i) ? "assessed in time" : "nobody has assessed it within " + to_words(policy.assess);
        note(Reminded{i.id, kAssess, words});
        if (!is_assessed(i)) page(i, "update", name + ": " + words + ". " + i.words);
        return true;
    }
    if (policy.updates == Duration{} || now_.at < last_update(i) + policy.updates) return false;
    note(Reminded{i.id, kUpdate, "still " + standing_of(i)});
    page(i, "update",
         name + ": still " + standing_of(i) + " after " + to_words(age) + ", next update in " +
             to_words(policy.updates) + ". " + i.words);
    return true;
}

}  // namespace revertd
