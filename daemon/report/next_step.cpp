// SPDX-License-Identifier: Apache-2.0
#include "daemon/report/next_step.h"

namespace revertd {
namespace {

/// The bake has ended without a verdict.
std::string after_bake(const Deployment& d) {
    if (d.state != DeployState::Inconclusive) return {};
    return "nobody has called it bad, and nothing acts: see what could not be judged; if " + d.version +
           " is well, revertctl good mark " + d.service + " " + d.version + " --reason ...";
}

}  // namespace

std::string next_step(const ReportInput& in) {
    const Incident* i = in.incident;
    if (i == nullptr) return in.deployment != nullptr ? after_bake(*in.deployment) : std::string();
    const std::string take = "revertctl take " + i->id + " says that a person has it";
    switch (i->state) {
        case IncidentState::AwaitingApproval:
            return "revertctl approve " + i->id + " goes back to " + i->to + "; deny " + i->id + " keeps " + i->from +
                   "; hold " + i->id + " --for 10m if a fix is on its way";
        case IncidentState::Acting:
            return "nothing: the rollback to " + i->to + " runs";
        case IncidentState::Verifying:
            return "nothing yet: " + i->to + " runs, and is watched for whether it helped";
        case IncidentState::Recovered:
            if (i->attempts.empty()) break;
            return "find the cause before " + i->from + " is deployed again: revertctl gate " + i->service + " " +
                   i->from + " says no until revertctl bad forgive " + i->service + " " + i->from;
        case IncidentState::NotRecovered:
        case IncidentState::Escalated:
            return "a person is needed: revertd does not act again by itself; " + take;
        case IncidentState::Held:
            return "see what holds the rollback; " + take;
        case IncidentState::Watching:
        case IncidentState::Deciding:
        case IncidentState::Closed:
            break;
    }
    return {};
}

}  // namespace revertd
