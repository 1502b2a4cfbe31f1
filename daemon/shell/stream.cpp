// SPDX-License-Identifier: Apache-2.0
#include "daemon/shell/stream.h"

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
    {Intent::kName, "action"},
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
    for (const Kind& kind : kKinds)
        if (std::string_view(kind.fact) == name_of(record.fact)) return kind.type;
    return nullptr;
}

}  // namespace

std::optional<StreamEvent> stream_event(const Record& record, const State& state) {
    const char* type = type_of(record);
    if (type == nullptr) return std::nullopt;
    StreamEvent event;
    event.id = record.seq, event.at = record.wall, event.type = type, event.words = narrate(record.fact);
    std::visit([&](const auto& fact) { std::decay_t<decltype(fact)>::fields(fact, Naming{event}); }, record.fact);
    if (const Incident* incident = state.incident(event.incident)) {
        event.service = incident->service;
        if (event.deployment.empty()) event.deployment = incident->deploy;
    }
    if (const Deployment* d = state.deployment(event.deployment)) {
        event.service = d->service;
        if (event.incident.empty()) event.incident = d->incident;
    } else if (const ServiceState* s = state.service(event.service)) {
        event.deployment = s->guard;
    }
    if (const auto* closed = std::get_if<GuardClosed>(&record.fact)) event.exit_code = closed->exit_code;
    return event;
}

}  // namespace revertd
