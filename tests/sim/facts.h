// SPDX-License-Identifier: Apache-2.0
// What the invariants know: a small model of their own, from records, events, answers and the outside. It shares no
// code with the Engine's state, so that a mistake there is not repeated here.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/event.h"

namespace revertd::sim {

struct IncidentFacts {
    std::string service, deploy, rule;
    Severity severity = Severity::None;
    bool ordered = false, forced = false, triggered = false, paged = false, closed = false;
    std::string ordered_to;
    std::optional<Decided> decided;
    // the approval that is being sought
    std::string role, digest;
    int quorum = 0;
    std::set<std::string> given;
    bool waived = false;
    std::optional<Time> first_intent;
    int attempt_started = 0;  ///< the last attempt of which a step was started
    IncidentState state = IncidentState::Deciding;
};

struct RuleFacts {
    Verdict verdict = Verdict::Insufficient;
    Severity severity = Severity::None;
    bool holds = false;               ///< also on the edge: ok, and not yet clear (S25)
    std::optional<Time> last_breach;  ///< up to now, while the verdict is Breach
};

struct ServiceFacts {
    std::set<std::string> good, bad;
    std::map<std::string, RuleFacts> rules;  ///< by text, as reports that were fed said
    std::string restored;                    ///< put there by an own step, and not deployed since
    bool rolled_back = false, halted = false;
    std::optional<Time> platform_read;  ///< by a question of the Engine
    std::string platform_said;          ///< what really ran then; empty: nothing
};

struct DeployFacts {
    std::string service, version, by;
    std::uint32_t by_uid = 0;
    bool by_known = false, open = true;
};

struct Facts {
    std::map<std::string, IncidentFacts> incidents;
    std::map<std::string, ServiceFacts> services;
    std::map<std::string, DeployFacts> deploys;
    std::map<std::string, Intent> intents;                ///< durable ones, by key
    std::map<std::string, int> starts;                    ///< by incident, attempt and step
    std::vector<std::pair<Time, std::string>> rollbacks;  ///< first intents, with the service
    std::map<std::string, Time> untold;                   ///< incidents of which people must hear, and since when
    std::set<std::string> halts_on_their_way;             ///< answered, not durable yet; "" is all
    bool halted = false, observe_only = false;
    std::vector<std::pair<Time, std::string>> crashes;  ///< with the input that each was busy with
    bool quarantined = false;                           ///< three of them within five minutes

    /// A record is durable.
    void note(const Record& record);
    /// A person was answered without an error.
    void note(const Command& command);
    /// The Judge has reported. `texts`: its rules.
    void note(const event::Judged& judged, const ServiceSettings& settings, Time now);
    /// A step was started.
    void note(const effect::RunStep& step);

  private:
    struct Fold;
};

}  // namespace revertd::sim
