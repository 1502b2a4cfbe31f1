// SPDX-License-Identifier: Apache-2.0
#include "daemon/shell/stream.h"

#include <algorithm>

#include "core/narrate.h"

namespace revertd {

namespace {

struct Kind {
    const char* fact;
    const char* type;
};

/// Which facts people and tools follow, and under which name (interface, section 8).
constexpr Kind kKinds[] = {
    {GuardOpened::kName, "guard.opened"},
    {FirstSeen::kName, "guard.phase"},
    {Settled::kName, "guard.phase"},
    {RolloutFinished::kName, "guard.phase"},
    {BakeExtended::kName, "guard.phase"},
    {BrokenBefore::kName, "guard.phase"},
    {GuardClosed::kName, "guard.closed"},
    {IncidentOpened::kName, "incident.opened"},
    {SeverityRaised::kName, "incident.state"},
    {Exhausted::kName, "action"},
    {TargetNamed::kName, "guard.phase"},
    {Decided::kName, "incident.state"},
    {IncidentMoved::kName, "incident.state"},
    {Answered::kName, "incident.state"},
    {VerificationStarted::kName, "incident.state"},
    {VerificationEnded::kName, "incident.state"},
    {IncidentClosed::kName, "incident.state"},
    {ApprovalAsked::kName, "approval"},
    {ApprovalGiven::kName, "approval"},
    {ApprovalVoided::kName, "approval"},
    {WaitEnded::kName, "approval"},
    {LadderClimbed::kName, "approval"},
    {Intent::kName, "action"},
    {PowerKnown::kName, "guard.phase"},
    {BakeShortened::kName, "guard.phase"},
    {Outcome::kName, "action"},
    {AttemptBegun::kName, "action"},
    {Confirmed::kName, "action"},
    {Paged::kName, "notify"},
};

/// Service, deployment and incident of a fact, as far as it names them.
struct Naming {
    StreamEvent& event;

    template <class T>
    void operator()(const char* name, const T& value) const {
        if constexpr (std::is_same_v<T, std::string>) {
            const std::string_view member(name);
            if (member == "service") event.service = value;
            if (member == "deploy") event.deployment = value;
            if (member == "incident") event.incident = value;
        }
    }
};

const char* type_of(const Record& record) {
    if (const auto* rule = std::get_if<RuleChanged>(&record.fact)) {
        if (rule->holds) return "rule.breached";
        return rule->verdict == Verdict::Ok ? "rule.cleared" : nullptr;
    }
    if (const auto* steady = std::get_if<SteadyChanged>(&record.fact))
        return steady->holds ? "rule.breached" : "rule.cleared";
    for (const Kind& kind : kKinds)
        if (std::string_view(kind.fact) == name_of(record.fact)) return kind.type;
    return nullptr;
}

}  // namespace

EventNames::EventNames(const State& state, const std::string* service) {
    for (const auto& [id, deployment] : state.deployments)
        if (service == nullptr || deployment.service == *service) guards_[deployment.service].push_back(&deployment);
    for (const auto& [id, incident] : state.incidents)
        if (service == nullptr || incident.service == *service) incidents_[incident.deploy].push_back(&incident);
    const auto older = [](const auto* a, const auto* b) { return a->opened_seq < b->opened_seq; };
    for (auto& [name, deployments] : guards_) std::sort(deployments.begin(), deployments.end(), older);
    for (auto& [name, incidents] : incidents_) std::sort(incidents.begin(), incidents.end(), older);
}

std::string EventNames::guard(const std::string& service, Time instant) const {
    const auto found = guards_.find(service);
    if (found == guards_.end()) return {};
    for (auto it = found->second.rbegin(); it != found->second.rend(); ++it) {
        const Deployment& deployment = **it;
        if (deployment.started > instant) continue;
        return !deployment.finished || *deployment.finished >= instant ? deployment.id : std::string{};
    }
    return {};
}

std::string EventNames::incident(const std::string& deployment, std::uint64_t seq) const {
    const auto found = incidents_.find(deployment);
    if (found == incidents_.end()) return {};
    const auto known = [seq](const Incident* incident) { return incident->opened_seq <= seq; };
    const auto newest = std::find_if(found->second.rbegin(), found->second.rend(), known);
    return newest == found->second.rend() ? std::string{} : (*newest)->id;
}

std::optional<StreamEvent> stream_event(const Record& record, const State& state, const EventNames* names) {
    const char* type = type_of(record);
    if (type == nullptr) return std::nullopt;
    StreamEvent event;
    event.id = record.seq, event.at = record.wall, event.type = type, event.words = narrate(record.fact);
    std::visit([&](const auto& fact) { std::decay_t<decltype(fact)>::fields(fact, Naming{event}); }, record.fact);
    if (const Incident* incident = state.incident(event.incident)) {
        event.service = incident->service;
        if (event.deployment.empty()) event.deployment = incident->deploy;
    }
    const Deployment* deployment = state.deployment(event.deployment);
    if (deployment != nullptr) event.service = deployment->service;
    std::optional<EventNames> own;
    if (names == nullptr) names = &own.emplace(state, &event.service);
    if (deployment == nullptr)
        event.deployment = names->guard(event.service, record.at);
    else if (event.incident.empty())
        event.incident = names->incident(deployment->id, record.seq);
    if (const auto* closed = std::get_if<GuardClosed>(&record.fact)) event.exit_code = closed->exit_code;
    return event;
}

}  // namespace revertd
