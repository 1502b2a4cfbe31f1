// SPDX-License-Identifier: Apache-2.0
#include "core/state.h"

#include <algorithm>

#include "core/narrate.h"
#include "core/policy.h"

namespace revertd {

namespace {

constexpr std::size_t kLedgerEntries = 200;    // a service's versions; older ones are not targets any more
constexpr std::size_t kTimelineEntries = 500;  // an incident that says more than this is read in the journal
constexpr std::size_t kCrashesKept = 20;       // more than what a quarantine takes
constexpr std::size_t kClosedKept = 500;       // closed deployments and incidents in memory; reports keep the rest

template <class Map>
auto* find(Map& map, const std::string& key) {
    const auto it = map.find(key);
    return it == map.end() ? nullptr : &it->second;
}

void note(LedgerEntry entry, std::vector<LedgerEntry>& ledger) {
    std::erase_if(ledger, [&](const LedgerEntry& old) { return old.version == entry.version; });
    if (entry.standing != Standing::Unknown) ledger.push_back(std::move(entry));
    if (ledger.size() > kLedgerEntries) ledger.erase(ledger.begin());
}

void tell(Incident& incident, const Record& record) {
    std::string words = narrate(record.fact);
    if (words.empty() || incident.timeline.size() >= kTimelineEntries) return;
    incident.timeline.push_back({record.wall, name_of(record.fact), std::move(words)});
}

/// Forgets the oldest closed one when there are too many; ids grow with time only for those made here, so by opening.
template <class Map>
void prune(Map& map) {
    if (map.size() <= kClosedKept) return;
    auto oldest = map.end();
    for (auto it = map.begin(); it != map.end(); ++it)
        if (!it->second.open() && (oldest == map.end() || it->second.opened_at() < oldest->second.opened_at()))
            oldest = it;
    if (oldest != map.end()) map.erase(oldest);
}

}  // namespace

Standing ServiceState::standing(const std::string& version) const {
    for (const LedgerEntry& entry : ledger)
        if (entry.version == version) return entry.standing;
    return Standing::Unknown;
}

const std::vector<PlannedStep>& Incident::steps() const {
    static const std::vector<PlannedStep> kNone;
    return exhausted ? exhausted->steps : decided ? decided->steps : kNone;
}

std::string ServiceState::until_adopted() const {
    if (adopting_words.empty()) return adopting + " is watched for one bake";
    return adopting + " passes a bake; the last one did not: " + adopting_words;
}

bool Incident::acted() const {
    return std::any_of(attempts.begin(), attempts.end(),
                       [](const Attempted& a) { return a.outcome != StepOutcome::NotStarted; });
}

/// One overload a fact; `r` is the record around it.
struct State::Fold {
    State& s;
    const Record& r;

    static void end_adoption(ServiceState& service) {
        service.adopting_since.reset();
        service.adopting.clear(), service.adopting_words.clear();
    }

    /// Of a rule as it was last told.
    [[nodiscard]] std::string where_of(const std::string& service, const std::string& rule) const {
        for (const auto& [index, now] : s.services[service].rules)
            if (now.text == rule) return now.where;
        return {};
    }

    Incident* incident_of(const std::string& id) const {
        Incident* incident = find(s.incidents, id);
        if (incident != nullptr) tell(*incident, r);
        return incident;
    }

    /// Kept with the incident: what holds now says nothing of it once another version runs.
    void found(Incident& incident, const RuleNow& rule) const {
        const auto same = [&](const FoundRule& f) { return f.rule == rule.text; };
        auto at = std::find_if(incident.findings.begin(), incident.findings.end(), same);
        if (at == incident.findings.end()) at = incident.findings.insert(at, FoundRule{});
        *at = {
            rule.text,   rule.words,    rule.where, rule.value, rule.limit, rule.baseline, r.wall - (r.at - rule.since),
            rule.places, rule.limit_why};
    }

    void operator()(const ConfigLoaded& f) const { s.config = f.config; }

    void operator()(const VersionSeen& f) const { s.services[f.service].live = f.version; }

    void operator()(const StandingChanged& f) const {
        ServiceState& service = s.services[f.service];
        note({f.version, f.standing, f.why, f.by, r.at, r.wall, f.digest}, service.ledger);
        if (service.adopting == f.version && f.standing == Standing::Good) end_adoption(service);
    }

    void operator()(const AdoptionStarted& f) const {
        ServiceState& service = s.services[f.service];
        service.adopting = f.version, service.adopting_words = f.words;
        service.adopting_since.reset();
        if (!f.version.empty()) service.adopting_since = r.at;
    }

    void operator()(const GuardOpened& f) const {
        Deployment d;
        d.id = f.deploy, d.service = f.service, d.version = f.version, d.from = f.from, d.by = f.by;
        d.migration = f.migration, d.opened_by = f.opened_by, d.config = f.config, d.by_uid = f.by_uid;
        d.by_known = f.by_known, d.meta = f.meta, d.started = f.started, d.started_wall = r.wall - (r.at - f.started);
        d.opened_seq = r.seq;
        if (s.lookup_) d.settings = s.lookup_(f.config, f.service);
        ServiceState& service = s.services[f.service];
        service.older = service.guard;
        service.guard = f.deploy;
        end_adoption(service);
        s.deployments[f.deploy] = std::move(d);
        prune(s.deployments);
    }

    void operator()(const GuardNamed& f) const {
        Deployment* d = find(s.deployments, f.deploy);
        if (d == nullptr) return;
        if (!f.alias.empty()) d->aliases.push_back(f.alias);
        if (d->by_known) return;  // whoever opened it stays the deployer, who does not approve (S28)
        if (!f.by.empty()) d->by = f.by;
        if (f.by_known) d->by_uid = f.by_uid, d->by_known = true;
    }

    void operator()(const FirstSeen& f) const {
        Deployment* d = find(s.deployments, f.deploy);
        if (d == nullptr) return;
        d->first_seen = f.seen;
        d->first_seen_wall = r.wall - (r.at - f.seen);
        d->state = DeployState::Baking;
        ServiceState& service = s.services[d->service];
        service.live = d->version;
        service.rules.clear();  // runs and windows start anew there (S10)
    }

    void operator()(const Settled& f) const {
        if (Deployment* d = find(s.deployments, f.deploy)) d->settled = r.at;
    }

    void operator()(const RolloutFinished& f) const {
        if (Deployment* d = find(s.deployments, f.deploy)) d->finish = r.at;
    }

    void operator()(const BrokenBefore& f) const {
        if (Deployment* d = find(s.deployments, f.deploy)) d->broken_before = f.rule;
    }

    void operator()(const BakeExtended& f) const {
        if (Deployment* d = find(s.deployments, f.deploy)) d->extended = f.until, d->extended_rule = f.rule;
    }

    void operator()(const PowerKnown& f) const {
        if (Deployment* d = find(s.deployments, f.deploy)) d->power = f.words;
    }

    void operator()(const BakeShortened& f) const {
        if (Deployment* d = find(s.deployments, f.deploy)) d->shortened = f.until;
    }

    void operator()(const BlindPaged& f) const {
        if (Deployment* d = find(s.deployments, f.deploy)) d->blind_paged = true;
    }

    void operator()(const TargetNamed& f) const {
        if (Deployment* d = find(s.deployments, f.deploy)) d->named[f.index] = {f.resolver, f.version};
    }

    void operator()(const SteadyChanged& f) const {
        auto& steady = s.services[f.service].steady;
        if (!f.holds)
            steady.erase(f.rule);
        else
            steady[f.rule] = {f.severity, f.value, f.limit, f.baseline, f.since, r.wall - (r.at - f.since), f.words};
    }

    void operator()(const GuardClosed& f) const {
        Deployment* d = find(s.deployments, f.deploy);
        if (d == nullptr) return;
        d->state = f.state, d->exit_code = f.exit_code, d->reason = f.reason, d->words = f.words;
        d->finished = r.at, d->finished_wall = r.wall, d->excluded = f.excluded;
        ServiceState& service = s.services[d->service];
        if (service.guard == f.deploy) service.guard = std::exchange(service.older, {});
        if (service.older == f.deploy) service.older.clear();
        if (Incident* incident = find(s.incidents, d->incident)) tell(*incident, r);
    }

    void operator()(const RuleChanged& f) const {
        ServiceState& service = s.services[f.service];
        RuleNow& rule = service.rules[f.rule];
        // A crash may have lost when a breach ended: of an earlier run only its report is known.
        if (rule.verdict == Verdict::Breach && f.verdict != Verdict::Breach)
            rule.last_breach = rule.changed < s.started ? rule.changed : f.holds ? r.at : std::min(r.at, f.since);
        rule.text = f.text, rule.severity = f.severity, rule.verdict = f.verdict, rule.holds = f.holds;
        rule.value = f.value, rule.limit = f.limit, rule.baseline = f.baseline, rule.requests = f.requests;
        rule.since = f.since, rule.changed = r.at, rule.words = f.words, rule.evidence = f.evidence;
        rule.limit_why = f.limit_why;
        if (!f.where.empty()) rule.where = f.where, rule.places = f.places;
        rule.never_there = f.never_there;
        rule.control_blind = f.control_blind;
        if (Deployment* d = find(s.deployments, service.guard); d != nullptr && f.holds && d->first_seen) {
            if (f.severity == Severity::P2) d->p2_held = true;
            if (f.severity == Severity::P3) d->p3_held = true;
            if (f.severity == Severity::P2 || f.severity == Severity::P3) d->evidence_words = f.words;
        }
        if (Incident* incident = find(s.incidents, service.incident)) {
            if (incident->rule == f.text && !f.where.empty() && !incident->verifying_since) incident->where = f.where;
            tell(*incident, r);
            if (rule.holds && !incident->verifying_since) found(*incident, rule);
        }
    }

    void operator()(const HealthChanged& f) const {
        ServiceState& service = s.services[f.service];
        service.health = f.health, service.health_since = r.at, service.health_words = f.words;
    }

    void operator()(const IncidentOpened& f) const {
        Incident incident;
        incident.id = f.incident, incident.service = f.service, incident.deploy = f.deploy, incident.from = f.from;
        incident.rule = f.rule, incident.words = f.words, incident.severity = f.severity, incident.reason = f.reason;
        incident.ordered = f.ordered, incident.by = f.by, incident.opened = r.at, incident.opened_wall = r.wall;
        incident.opened_seq = r.seq;
        incident.where = where_of(f.service, f.rule);
        incident.moved = r.at, incident.state = IncidentState::Deciding;
        tell(incident, r);
        for (const auto& [index, rule] : s.services[f.service].rules)
            if (rule.holds) found(incident, rule);
        s.services[f.service].incident = f.incident;
        if (Deployment* d = find(s.deployments, f.deploy)) {
            d->incident = f.incident;
            if (d->open()) d->state = DeployState::Incident;
        }
        s.incidents[f.incident] = std::move(incident);
        prune(s.incidents);
    }

    void operator()(const SeverityRaised& f) const {
        Incident* i = incident_of(f.incident);
        if (i == nullptr) return;
        i->severity = f.severity, i->rule = f.rule, i->words = f.words;
        if (std::string where = where_of(i->service, f.rule); !where.empty()) i->where = std::move(where);
    }

    void operator()(const Ordered& f) const {
        Incident* i = incident_of(f.incident);
        if (i == nullptr) return;
        i->ordered = true, i->force = f.force, i->ordered_to = f.to, i->by = f.by;
        i->hold_until.reset(), i->decided.reset(), i->approval.reset(), i->exhausted.reset();
        i->taken_by.clear(), i->taken_why.clear();
        i->state = IncidentState::Deciding, i->stage = Stage::None, i->moved = r.at, i->step = 0;
        if (!i->attempts.empty()) i->attempt = i->first_attempt = i->attempts.back().intent.attempt + 1;
    }

    void operator()(const Decided& f) const {
        Incident* i = incident_of(f.incident);
        if (i == nullptr) return;
        i->decided = f, i->decided_seq = r.seq, i->to = f.to, i->from = f.from;
        i->state = IncidentState::Deciding, i->stage = Stage::None, i->gate = Reason::None, i->moved = r.at;
    }

    void operator()(const ApprovalAsked& f) const {
        Incident* i = incident_of(f.incident);
        if (i == nullptr) return;
        i->approval = Approval{f.role, f.digest, f.quorum, r.at, f.until, {}, false, 0};
        i->state = IncidentState::AwaitingApproval, i->moved = r.at;
    }

    void operator()(const ApprovalGiven& f) const {
        Incident* i = incident_of(f.incident);
        if (i != nullptr && i->approval) i->approval->given.push_back({f.by, r.wall, f.reason});
    }

    void operator()(const ApprovalVoided& f) const {
        Incident* i = incident_of(f.incident);
        if (i == nullptr || i->acted()) return;  // what was begun is brought to its end
        i->approval.reset(), i->decided.reset();
        i->state = IncidentState::Deciding, i->stage = Stage::None,
        i->moved = r.at;  // also out of a question to the platform
    }

    void operator()(const WaitEnded& f) const {
        Incident* i = incident_of(f.incident);
        if (i == nullptr || !i->approval) return;
        i->approval->waived = f.act, i->approval->until = f.until, ++i->approval->escalations;
    }

    void operator()(const Answered& f) const {
        Incident* i = incident_of(f.incident);
        if (i == nullptr) return;
        i->answers.push_back({f.by, r.wall, f.reason, f.answer});
        const std::string who = f.by + (f.reason.empty() ? "" : ": " + f.reason);
        if (f.answer == "deny") i->denied[i->severity] = who, i->approval.reset(), i->decided.reset();
        if (f.answer == "hold") i->hold_until = f.until, i->hold_why = who, i->approval.reset(), i->decided.reset();
        if (f.answer == "take") i->taken_by = f.by, i->taken_why = f.reason, i->approval.reset(), i->decided.reset();
        if (f.answer == "ack") i->acked_by = f.by;
        i->answered = i->answered || f.answer != "label";
        if (f.answer == "label") i->label = f.reason;
    }

    void operator()(const IncidentMoved& f) const {
        Incident* i = incident_of(f.incident);
        if (i == nullptr) return;
        i->state = f.state, i->stage = f.stage, i->gate = f.gate, i->gate_words = f.words, i->moved = r.at;
        if (f.state == IncidentState::Recovered) i->recovered = r.at;
        if (f.state == IncidentState::Escalated) i->rung = 0, i->answered = false;  // another question: asked anew
    }

    void operator()(const Intent& f) const {
        Incident* i = incident_of(f.incident);
        if (i == nullptr) return;
        ServiceState& service = s.services[i->service];
        if (!i->has_intent()) {  // a limit counts incidents, never refunded (S35)
            service.intents.push_back(r.at);
            s.intents.push_back(r.at);
            service.last_incident_acted = r.at;
        }
        if (!f.exhausted) service.restored = f.to;
        i->attempts.push_back({f, r.seq, r.at, r.wall, std::nullopt, 0, {}, {}});
        i->state = IncidentState::Acting, i->stage = Stage::Intending, i->moved = r.at;
    }

    void operator()(const Outcome& f) const {
        Incident* i = incident_of(f.incident);
        if (i == nullptr || i->attempts.empty() || i->attempts.back().intent.key != f.key) return;
        Attempted& attempt = i->attempts.back();
        attempt.outcome = f.outcome, attempt.exit = f.exit, attempt.words = f.words,
        attempt.output_tail = f.output_tail;
        const int steps = static_cast<int>(i->steps().size());
        i->step = attempt.intent.index;
        if (f.outcome == StepOutcome::Done && attempt.intent.index < steps) ++i->step;
    }

    void operator()(const AttemptBegun& f) const {
        if (Incident* i = incident_of(f.incident)) i->attempt = f.attempt, i->step = f.index;
    }

    void operator()(const Exhausted& f) const {
        Incident* i = incident_of(f.incident);
        if (i == nullptr) return;
        i->exhausted = f, ++i->attempt, i->step = 0;
        i->state = IncidentState::Acting, i->stage = Stage::None, i->moved = r.at;
    }

    void operator()(const Confirmed& f) const { incident_of(f.incident); }

    void operator()(const VerificationStarted& f) const {
        Incident* i = incident_of(f.incident);
        if (i == nullptr) return;
        i->verifying_since = f.since, i->state = IncidentState::Verifying, i->stage = Stage::None, i->moved = r.at;
        ServiceState& service = s.services[i->service];
        service.live = i->to;
        service.rules.clear();  // the restored version is judged on its own samples
    }

    void operator()(const VerificationEnded& f) const {
        if (Incident* i = incident_of(f.incident)) i->verification_words = f.words;
    }

    void operator()(const IncidentClosed& f) const {
        Incident* i = incident_of(f.incident);
        if (i == nullptr) return;
        i->closed = r.at, i->closed_wall = r.wall, i->state = IncidentState::Closed, i->stage = Stage::None;
        ServiceState& service = s.services[i->service];
        if (service.incident == f.incident) service.incident.clear();
        if (Deployment* d = find(s.deployments, i->deploy);
            d != nullptr && d->open() && d->state == DeployState::Incident)
            d->state = DeployState::Baking;
    }

    void operator()(const Halted& f) const {
        (f.service.empty() ? s.halted : s.services[f.service].halted) = true;
        std::string& by = f.service.empty() ? s.halted_by : s.services[f.service].halted_by;
        by = f.by + (f.reason.empty() ? "" : ": " + f.reason);
    }

    void operator()(const Resumed& f) const {
        if (f.service.empty())
            s.halted = false, s.quarantined.clear(), s.crashes.clear();  // a person has seen to it
        else
            s.services[f.service].halted = false;
    }

    void operator()(const Frozen& f) const {
        (f.service.empty() ? s.frozen : s.services[f.service].frozen) = true;
        std::string& by = f.service.empty() ? s.frozen_by : s.services[f.service].frozen_by;
        by = f.by + (f.reason.empty() ? "" : ": " + f.reason);
    }

    void operator()(const Unfrozen& f) const { (f.service.empty() ? s.frozen : s.services[f.service].frozen) = false; }

    void operator()(const LadderClimbed& f) const {
        Incident* i = incident_of(f.incident);
        if (i != nullptr) i->rung = f.rung + 1, i->rung_since = r.at;
    }

    void operator()(const Reminded& f) const {
        if (Incident* i = incident_of(f.incident)) i->reminded[f.what] = r.at;
    }

    void operator()(const ObserveOnlySet& f) const { s.observe_only = f.words; }

    void operator()(const Started&) const {
        s.started = r.at;
        s.observe_only.clear();  // a person has accepted the journal, or it is whole
    }

    void operator()(const Suspended&) const { s.started = r.at; }

    void operator()(const Crashed& f) const {
        s.crashes.emplace_back(r.at, f.input);
        if (s.crashes.size() > kCrashesKept) s.crashes.erase(s.crashes.begin());
    }

    void operator()(const Quarantined& f) const { s.quarantined[f.input] = f.words; }

    void operator()(const StateAccepted&) const {}

    void operator()(const Pruned&) const {}

    void operator()(const Paged& f) const {
        incident_of(f.incident);
        if (f.about == kJournal) s.journal_paged = f.kind != "resolve";
    }
};

State::State(SettingsLookup lookup) : lookup_(std::move(lookup)) {}

void State::apply(const Record& record) {
    seq = record.seq;
    last = record.at;
    std::visit(Fold{*this, record}, record.fact);
}

std::string State::observes_only() const {
    if (!observe_only.empty()) return observe_only;
    return quarantined.empty() ? std::string{} : quarantined.begin()->second;
}

const Deployment* State::deployment(const std::string& id) const {
    return find(deployments, id);
}

const Incident* State::incident(const std::string& id) const {
    return find(incidents, id);
}

const ServiceState* State::service(const std::string& name) const {
    return find(services, name);
}

const Deployment* State::find_deployment(const std::string& word) const {
    if (const Deployment* d = deployment(word)) return d;
    const Deployment* newest = nullptr;
    for (const auto& [id, d] : deployments) {
        const bool named = d.service == word || std::find(d.aliases.begin(), d.aliases.end(), word) != d.aliases.end();
        if (named && (newest == nullptr || newest->started < d.started)) newest = &d;
    }
    return newest;
}

}  // namespace revertd
