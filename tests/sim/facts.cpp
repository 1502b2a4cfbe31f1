// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/facts.h"

#include <algorithm>

namespace revertd::sim {

/// One overload for each fact that the model needs; the last one takes the rest.
struct Facts::Fold {
    Facts& facts;
    Time at;

    [[nodiscard]] ServiceFacts& service(const std::string& name) const { return facts.services[name]; }

    void operator()(const StandingChanged& f) const {
        // Only people, and what no other record carries, count for good; anything else can only tighten.
        ServiceFacts& s = service(f.service);
        const bool person = f.by != "revertd";
        const bool first = f.standing == Standing::Declared || f.why.rfind("watched for", 0) == 0;
        if (person && f.standing != Standing::Bad && f.standing != Standing::Declared) s.bad.erase(f.version);
        if (f.standing == Standing::Bad) s.bad.insert(f.version);
        if ((first || (person && f.standing == Standing::Good)) && !s.bad.contains(f.version))
            s.good.insert(f.version);
        else if (f.standing != Standing::Good)
            s.good.erase(f.version);
    }

    void operator()(const GuardOpened& f) const {
        facts.deploys[f.deploy] = {f.service, f.version, f.by, f.by_uid, f.by_known, true};
    }

    void operator()(const GuardNamed& f) const {
        DeployFacts& d = facts.deploys[f.deploy];
        if (!d.by_known && f.by_known) d.by_known = true, d.by_uid = f.by_uid, d.by = f.by;
    }

    void operator()(const GuardClosed& f) const {
        DeployFacts& d = facts.deploys[f.deploy];
        d.open = false;
        if (f.exit_code == 0 && !service(d.service).bad.contains(d.version)) service(d.service).good.insert(d.version);
    }

    void operator()(const IncidentOpened& f) const {
        IncidentFacts i;
        i.service = f.service, i.deploy = f.deploy, i.rule = f.rule, i.severity = f.severity;
        i.triggered = f.reason == Reason::Trigger, i.ordered = f.ordered;
        facts.incidents[f.incident] = i;
        if (!f.ordered) must_tell(f.incident);
    }

    void operator()(const SeverityRaised& f) const {
        IncidentFacts& i = facts.incidents[f.incident];
        i.severity = f.severity, i.rule = f.rule;
    }

    void operator()(const Ordered& f) const {
        IncidentFacts& i = facts.incidents[f.incident];
        i.ordered = true, i.forced = f.force, i.ordered_to = f.to;
    }

    void operator()(const Decided& f) const {
        facts.incidents[f.incident].decided = f;
        facts.incidents[f.incident].state = IncidentState::Deciding;
    }

    void operator()(const ApprovalAsked& f) const {
        IncidentFacts& i = facts.incidents[f.incident];
        i.role = f.role, i.digest = f.digest, i.quorum = f.quorum, i.given.clear(), i.waived = false;
        i.state = IncidentState::AwaitingApproval;
    }

    void operator()(const ApprovalGiven& f) const {
        if (f.digest == facts.incidents[f.incident].digest) facts.incidents[f.incident].given.insert(f.by);
    }

    void forget_approval(const std::string& incident) const {
        IncidentFacts& i = facts.incidents[incident];
        i.quorum = 0, i.given.clear(), i.waived = false;
    }

    void operator()(const ApprovalVoided& f) const { forget_approval(f.incident); }

    void operator()(const Answered& f) const {
        if (f.answer == "deny" || f.answer == "hold" || f.answer == "take") forget_approval(f.incident);
    }

    void operator()(const WaitEnded& f) const { facts.incidents[f.incident].waived = f.act; }

    void operator()(const IncidentMoved& f) const {
        facts.incidents[f.incident].state = f.state;
        // Whoever has denied, taken or held it knows.
        const bool answered = f.gate == Reason::Denied || f.gate == Reason::Taken || f.gate == Reason::HoldFix;
        if (f.state == IncidentState::Held && !answered) must_tell(f.incident);
    }

    void must_tell(const std::string& incident) const { facts.untold.try_emplace(incident, at); }

    void operator()(const IncidentClosed& f) const {
        facts.incidents[f.incident].closed = true;
        facts.incidents[f.incident].state = IncidentState::Closed;
    }

    void operator()(const Intent& f) const {
        facts.intents[f.key] = f;
        IncidentFacts& i = facts.incidents[f.incident];
        i.state = IncidentState::Acting;
        if (i.first_intent) return;
        i.first_intent = at;
        facts.rollbacks.emplace_back(at, i.service);
    }

    void operator()(const VerificationStarted& f) const {
        IncidentFacts& i = facts.incidents[f.incident];
        i.state = IncidentState::Verifying;
        if (!i.decided) return;
        service(i.service).bad.insert(i.decided->from);
        service(i.service).good.erase(i.decided->from);
    }

    void operator()(const VerificationEnded& f) const {
        must_tell(f.incident);
        IncidentFacts& i = facts.incidents[f.incident];
        if (!f.recovered && i.decided) service(i.service).bad.erase(i.decided->from);  // suspect, and no longer good
    }

    void operator()(const Halted& f) const {
        if (facts.halts_on_their_way.erase(f.service) == 0) return;
        if (f.service.empty())
            facts.halted = true;
        else
            service(f.service).halted = true;
    }

    void operator()(const Crashed& f) const {
        facts.crashes.emplace_back(at, f.input);
        const auto same = std::count_if(facts.crashes.begin(), facts.crashes.end(), [&](const auto& crash) {
            return crash.second == f.input && at - crash.first <= 5min;
        });
        facts.quarantined = facts.quarantined || same >= 3;
    }

    void operator()(const Resumed& f) const {
        if (f.service.empty()) facts.crashes.clear(), facts.quarantined = false;
    }

    void operator()(const Paged& f) const {
        if (!f.incident.empty()) facts.incidents[f.incident].paged = true;
        facts.untold.erase(f.incident);
    }

    template <class Other>
    void operator()(const Other&) const {}
};

void Facts::note(const Record& record) {
    std::visit(Fold{*this, record.at}, record.fact);
}

void Facts::note(const Command& command) {
    if (const auto* start = std::get_if<command::DeployStart>(&command)) {
        ServiceFacts& s = services[start->service];
        if (s.restored == start->version) s.restored.clear();
    } else if (const auto* halt = std::get_if<command::Halt>(&command)) {
        halts_on_their_way.insert(halt->service);
    } else if (const auto* resume = std::get_if<command::Resume>(&command)) {
        halts_on_their_way.erase(resume->service);
        if (resume->service.empty())
            halted = false;
        else
            services[resume->service].halted = false;
    }
}

void Facts::note(const event::Judged& judged, const ServiceSettings& settings, Time now) {
    for (const RuleChange& change : judged.report.changes) {
        if (change.rule >= settings.rules.size()) continue;
        const Rule& rule = settings.rules[change.rule];
        RuleFacts& r = services[judged.service].rules[rule.text];
        if (r.verdict == Verdict::Breach || change.verdict == Verdict::Breach) r.last_breach = now;
        r.verdict = change.verdict, r.severity = rule.severity, r.holds = change.holds;
    }
}

void Facts::note(const effect::RunStep& step) {
    ++starts[step.incident + " attempt " + std::to_string(step.attempt) + " step " + std::to_string(step.index)];
    incidents[step.incident].attempt_started = step.attempt;
    services[step.service].restored = step.to, services[step.service].rolled_back = true;
}

}  // namespace revertd::sim
