// SPDX-License-Identifier: Apache-2.0
// Everything the Engine knows. It changes in `apply` only, so live state and replayed state are the same (I11).
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/record.h"
#include "core/settings.h"

namespace revertd {

struct RuleNow {
    std::string text;
    Severity severity = Severity::None;
    Verdict verdict = Verdict::Insufficient;
    bool holds = false;
    double value = 0, limit = 0, baseline = 0, requests = 0;
    Time since{};                     ///< begin of the verdict; of the breach when it holds
    Time changed{};                   ///< when this was reported
    std::optional<Time> last_breach;  ///< last instant known to be breached, when it is not now
    bool never_there = false;
    bool control_blind = false;  ///< it asks, whatever its severity (S44)
    std::string words, evidence, limit_why;
    std::string where;               ///< the damage is, as it was last known
    std::vector<PlaceShare> places;  ///< the same in numbers
};

struct LedgerEntry {
    std::string version;
    Standing standing = Standing::Unknown;
    std::string why, by;
    Time at{};
    WallTime wall{};
    std::string digest = {};  ///< of the artifact, if known
};

/// S14: a rule that holds outside of guards, as people were told.
struct SteadyNow {
    Severity severity = Severity::None;
    double value = 0, limit = 0, baseline = 0;
    Time since{};
    WallTime since_wall{};
    std::string words;
};

/// S4: what a resolver says was good before a deploy.
struct NamedTarget {
    std::string resolver, version;
};

/// What a person said, and why.
struct Given {
    std::string by;
    WallTime at{};
    std::string reason;
    std::string answer = {};  ///< deny, hold, take, ack, label
};

/// A rule that spoke against a version, with the numbers of the last time that it was told while it held.
struct FoundRule {
    std::string rule, words, where;
    double value = 0, limit = 0, baseline = 0;
    WallTime since{};
    std::vector<PlaceShare> places;
    std::string limit_why = {};
};

struct TimelineEntry {
    WallTime wall{};
    std::string what, words;
};

struct Deployment {
    std::string id, service, version, from, by, migration, opened_by, config;
    std::vector<std::string> aliases;
    std::uint32_t by_uid = 0;
    bool by_known = false;
    Meta meta;
    std::shared_ptr<const ServiceSettings> settings;  ///< pinned (S41); null if its configuration is lost
    DeployState state = DeployState::Rolling;
    std::optional<int> exit_code;
    Reason reason = Reason::None;
    std::string words;
    Time started{};
    std::uint64_t opened_seq = 0;  ///< of the record that opened it: nothing before concerns it
    WallTime started_wall{}, finished_wall{}, first_seen_wall{};
    std::optional<Time> first_seen, settled, finish, extended, shortened, finished;
    std::vector<std::string> power;     ///< what can be found within this bake
    std::vector<std::string> excluded;  ///< at a pass: what is ruled out
    std::string extended_rule;
    std::string broken_before;         ///< the rule that held while the old version ran (S9)
    std::string incident;              ///< the last one
    std::map<int, NamedTarget> named;  ///< by resolver, in their order
    bool blind_paged = false;
    bool p2_held = false, p3_held = false;
    std::string evidence_words;  ///< what held, for reports of P2 and P3

    [[nodiscard]] bool open() const { return !finished; }

    [[nodiscard]] Time opened_at() const { return started; }
};

struct Attempted {
    Intent intent;
    std::uint64_t seq = 0;  ///< of the intent
    Time at{};
    WallTime wall{};
    std::optional<StepOutcome> outcome;
    int exit = 0;
    std::string words, output_tail;
};

struct Approval {
    std::string role, digest;
    int quorum = 1;
    Time asked{}, until{};
    std::vector<Given> given;
    bool waived = false;  ///< `no_answer: rollback` came to its end
    std::size_t escalations = 0;
};

struct Incident {
    std::string id, service, deploy, from, to, rule, words;
    std::string where;  ///< the damage is, as far as it is known
    Severity severity = Severity::None;
    Reason reason = Reason::RuleHeld;
    bool ordered = false, force = false;
    std::string ordered_to;  ///< the target that a person named
    std::string by;
    IncidentState state = IncidentState::Watching;
    Stage stage = Stage::None;
    Reason gate = Reason::None;
    std::string gate_words;
    Time opened{}, moved{};
    std::uint64_t opened_seq = 0;
    WallTime opened_wall{}, closed_wall{};
    std::optional<Time> closed, recovered;
    std::optional<Decided> decided;
    std::uint64_t decided_seq = 0;
    std::optional<Approval> approval;
    std::map<Severity, std::string> denied;  ///< by whom, and why
    std::optional<Time> hold_until;
    std::string taken_by, acked_by, label;
    std::string hold_why, taken_why;
    std::vector<Given> answers;       ///< in order; approvals are with the approval
    std::vector<FoundRule> findings;  ///< one a rule, the deciding one among them
    std::optional<Exhausted> exhausted;
    std::vector<Attempted> attempts;  ///< every intent, in order
    int attempt = 1, step = 0;        ///< the next one to make
    int first_attempt = 1;            ///< an order of a person begins anew
    std::optional<Time> verifying_since, verification_deadline;
    std::string verification_words;
    int rung = 0;                          ///< of the ladder: how many have been told
    bool answered = false;                 ///< somebody has it: the ladder stands still
    Time rung_since{};                     ///< since when the last of them knows
    std::map<std::string, Time> reminded;  ///< what came due, and when it was said
    std::vector<TimelineEntry> timeline;

    [[nodiscard]] bool open() const { return !closed; }

    [[nodiscard]] Time opened_at() const { return opened; }

    [[nodiscard]] bool acting() const { return state == IncidentState::Acting; }

    [[nodiscard]] bool has_intent() const { return !attempts.empty(); }

    /// What is being done: the plan that was decided, or what is left after its last attempt.
    [[nodiscard]] const std::vector<PlannedStep>& steps() const;

    /// Something was, or may have been, started outside.
    [[nodiscard]] bool acted() const;
};

struct ServiceState {
    std::string name;
    std::string live;                    ///< the version it is taken to run, outside of guards
    std::string restored;                ///< target of the last own intent: never guarded (S6)
    std::vector<LedgerEntry> ledger;     ///< newest last; one entry a version
    std::optional<Time> adopting_since;  ///< S1
    std::string adopting;
    std::string adopting_words;  ///< why the bake before did not pass; empty: there was none
    bool halted = false;
    std::string halted_by;
    bool frozen = false;  ///< by a person; hours are settings
    std::string frozen_by;
    std::map<std::uint32_t, RuleNow> rules;
    std::map<std::string, SteadyNow> steady;  ///< by rule
    Health health = Health::Unknown;
    Time health_since{};
    std::string health_words;
    std::string guard, older;   ///< open deployments: the newest, and one on hold by it (S8)
    std::string incident;       ///< the open one
    std::vector<Time> intents;  ///< first intents of incidents, for the limits (S35)
    std::optional<Time> last_incident_acted;

    [[nodiscard]] Standing standing(const std::string& version) const;

    /// While there is an adoption: "v1 is watched for one bake", "v1 passes a bake; the last one did not: …"
    [[nodiscard]] std::string until_adopted() const;
};

using SettingsLookup =
    std::function<std::shared_ptr<const ServiceSettings>(const std::string& config, const std::string& service)>;

class State {
  public:
    /// Pinned settings are found by the hash of their configuration.
    explicit State(SettingsLookup lookup = {});

    /// The only way that state changes. Facts about unknown ids are ignored: a journal may have been pruned.
    void apply(const Record& record);

    std::map<std::string, ServiceState> services;
    std::map<std::string, Deployment> deployments;
    std::map<std::string, Incident> incidents;
    bool halted = false;
    std::string halted_by;
    bool frozen = false;
    std::string frozen_by;
    bool journal_paged = false;  ///< that it failed (S43), and not yet that it is whole again
    std::string observe_only;    ///< words; empty: acting is allowed, unless something is quarantined
    std::vector<std::pair<Time, std::string>> crashes;  ///< the last ones, with their inputs
    std::map<std::string, std::string> quarantined;     ///< inputs, and why
    std::vector<Time> intents;                          ///< of all services
    std::uint64_t seq = 0;                              ///< of the last record
    Time last{};                                        ///< its time
    Time started{};                                     ///< of the daemon, or of its looking anew after a suspension
    std::string config;

    /// Why nothing acts (S39, S43); empty: acting is allowed.
    [[nodiscard]] std::string observes_only() const;
    [[nodiscard]] const Deployment* deployment(const std::string& id) const;
    [[nodiscard]] const Incident* incident(const std::string& id) const;
    [[nodiscard]] const ServiceState* service(const std::string& name) const;
    /// By id, alias, or (the newest of) a service.
    [[nodiscard]] const Deployment* find_deployment(const std::string& word) const;

    /// A text of the whole state, equal for equal states: what tests and the simulator compare.
    [[nodiscard]] std::string fingerprint() const;

  private:
    SettingsLookup lookup_;
    struct Fold;
};

}  // namespace revertd
