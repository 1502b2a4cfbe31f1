// SPDX-License-Identifier: Apache-2.0
// The facts of the journal. State is a fold over them (core/state.h) and nothing else changes it, so restart = replay.
// `fields` names every member once: journal, hash and audit are written from it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/clock.h"
#include "core/places.h"
#include "core/record_words.h"
#include "core/trace.h"
#include "core/verdict.h"

namespace revertd {

struct ConfigLoaded {
    std::string config;                ///< hash; the text stands in the journal's table of configurations
    std::vector<std::string> removed;  ///< services that are no longer there

    REVERTD_RECORD("config.loaded") { f("config", r.config), f("removed", r.removed); }
};

struct VersionSeen {  ///< the version that a service is taken to run outside of guards
    std::string service, version, words;

    REVERTD_RECORD("version.seen") { f("service", r.service), f("version", r.version), f("words", r.words); }
};

struct StandingChanged {
    std::string service, version;
    Standing standing = Standing::Unknown;
    std::string why, by;
    std::string digest = {};  ///< of the artifact, where somebody told it

    REVERTD_RECORD("ledger.changed") {
        f("service", r.service), f("version", r.version), f("standing", r.standing), f("why", r.why), f("by", r.by);
        f("digest", r.digest);
    }
};

struct AdoptionStarted {  ///< S1: the version that runs at installation is watched for one bake
    std::string service, version;
    std::string words = {};  ///< once more: why the bake before it did not pass

    REVERTD_RECORD("adoption.started") { f("service", r.service), f("version", r.version), f("words", r.words); }
};

struct GuardOpened {
    std::string deploy, service, version, from, by, migration, opened_by, config;
    std::uint32_t by_uid = 0;
    bool by_known = false;  ///< by_uid is the peer that opened it: the deployer, who never approves
    Time started{};
    Meta meta;

    REVERTD_RECORD("guard.opened") {
        f("deploy", r.deploy), f("service", r.service), f("version", r.version), f("from", r.from), f("by", r.by);
        f("migration", r.migration), f("opened_by", r.opened_by), f("config", r.config), f("by_uid", r.by_uid);
        f("by_known", r.by_known), f("started", r.started), f("meta", r.meta);
    }
};

struct GuardNamed {  ///< `start` and probe of one version are one guard: a second name of it
    std::string deploy, alias, by;
    std::uint32_t by_uid = 0;
    bool by_known = false;

    REVERTD_RECORD("guard.named") {
        f("deploy", r.deploy), f("alias", r.alias), f("by", r.by), f("by_uid", r.by_uid), f("by_known", r.by_known);
    }
};

struct FirstSeen {
    std::string deploy;
    Time seen{};

    REVERTD_RECORD("guard.first_seen") { f("deploy", r.deploy), f("seen", r.seen); }
};

struct Settled {
    std::string deploy;

    REVERTD_RECORD("guard.settled") { f("deploy", r.deploy); }
};

struct RolloutFinished {  ///< the deploy tool said so
    std::string deploy;

    REVERTD_RECORD("guard.finished") { f("deploy", r.deploy); }
};

struct BrokenBefore {
    std::string deploy, rule;

    REVERTD_RECORD("guard.broken_before") { f("deploy", r.deploy), f("rule", r.rule); }
};

struct BakeExtended {  ///< S26: a rule breached at the end is judged on for at most its `for`
    std::string deploy, rule;
    Time until{};

    REVERTD_RECORD("guard.extended") { f("deploy", r.deploy), f("rule", r.rule), f("until", r.until); }
};

struct PowerKnown {  ///< what can be found within this bake, and what cannot
    std::string deploy;
    std::vector<std::string> words;

    REVERTD_RECORD("guard.power") { f("deploy", r.deploy), f("words", r.words); }
};

struct BakeShortened {  ///< S11: enough is excluded, `bake: { until excluded }`
    std::string deploy, words;
    Time until{};

    REVERTD_RECORD("guard.shortened") { f("deploy", r.deploy), f("words", r.words), f("until", r.until); }
};

struct BlindPaged {
    std::string deploy;

    REVERTD_RECORD("guard.blind") { f("deploy", r.deploy); }
};

struct TargetNamed {  ///< S4: what a resolver says was good before this deploy; empty: none
    std::string deploy, resolver, version, words;
    int index = 0;  ///< of the list of resolvers

    REVERTD_RECORD("target.named") {
        f("deploy", r.deploy), f("resolver", r.resolver), f("version", r.version), f("words", r.words);
        f("index", r.index);
    }
};

struct GuardClosed {
    std::string deploy;
    DeployState state = DeployState::Aborted;
    int exit_code = 0;
    Reason reason = Reason::None;
    std::string words;
    std::vector<std::string> excluded = {};  ///< at a pass: what is ruled out

    REVERTD_RECORD("guard.closed") {
        f("deploy", r.deploy), f("state", r.state), f("exit_code", r.exit_code), f("reason", r.reason),
            f("words", r.words), f("excluded", r.excluded);
    }
};

struct RuleChanged {
    std::string service;
    std::uint32_t rule = 0;
    std::string text;
    Severity severity = Severity::None;
    Verdict verdict = Verdict::Insufficient;
    bool holds = false;
    double value = 0, limit = 0, baseline = 0, requests = 0;
    Time since{};
    bool never_there =
        false;  ///< of the default guard, and its signal is not in what the targets answer: left out (S26)
    bool control_blind = false;  ///< breached, and the control group cannot be seen (S44)
    std::string words, evidence;
    std::string where = {};  ///< breached: where the damage is
    std::vector<PlaceShare> places = {};
    std::vector<TracePoint> trace = {};  ///< it holds: how its signal went
    std::string limit_why = {};          ///< the limit is not the usual one; empty: it is

    REVERTD_RECORD("rule.changed") {
        f("service", r.service), f("rule", r.rule), f("text", r.text), f("severity", r.severity),
            f("verdict", r.verdict);
        f("holds", r.holds), f("value", r.value), f("limit", r.limit), f("baseline", r.baseline);
        f("requests", r.requests), f("since", r.since), f("never_there", r.never_there), f("words", r.words);
        f("evidence", r.evidence), f("control_blind", r.control_blind), f("where", r.where), f("places", r.places);
        f("trace", r.trace), f("limit_why", r.limit_why);
    }
};

struct SteadyChanged {  ///< S14: a rule that began or ceased to hold outside of guards, where `steady: page` is set
    std::string service, rule, words;
    Severity severity = Severity::None;
    bool holds = false;
    double value = 0, limit = 0, baseline = 0;
    Time since{};

    REVERTD_RECORD("steady.changed") {
        f("service", r.service), f("rule", r.rule), f("words", r.words), f("severity", r.severity);
        f("holds", r.holds), f("value", r.value), f("limit", r.limit), f("baseline", r.baseline), f("since", r.since);
    }
};

struct HealthChanged {
    std::string service;
    Health health = Health::Unknown;
    std::string words;

    REVERTD_RECORD("health.changed") { f("service", r.service), f("health", r.health), f("words", r.words); }
};

struct IncidentOpened {
    std::string incident, service, deploy, from, rule, words;
    Severity severity = Severity::None;
    Reason reason = Reason::RuleHeld;
    bool ordered = false;  ///< by a person: passes limits, cooldown and approval (S35)
    std::string by;

    REVERTD_RECORD("incident.opened") {
        f("incident", r.incident), f("service", r.service), f("deploy", r.deploy), f("from", r.from), f("rule", r.rule);
        f("words", r.words), f("severity", r.severity), f("reason", r.reason), f("ordered", r.ordered), f("by", r.by);
    }
};

struct SeverityRaised {
    std::string incident, rule, words;
    Severity severity = Severity::None;

    REVERTD_RECORD("incident.raised") {
        f("incident", r.incident), f("rule", r.rule), f("words", r.words), f("severity", r.severity);
    }
};

struct Ordered {  ///< `rollback start` on an open incident
    std::string incident, to, by, words;
    bool force = false;

    REVERTD_RECORD("incident.ordered") {
        f("incident", r.incident), f("to", r.to), f("by", r.by), f("words", r.words), f("force", r.force);
    }
};

struct Decided {
    std::string incident, from, to, digest, evidence, config, words;
    bool ask = false;
    std::vector<std::string> ask_because;
    std::vector<PlannedStep> steps;

    REVERTD_RECORD("incident.decided") {
        f("incident", r.incident), f("from", r.from), f("to", r.to), f("digest", r.digest), f("evidence", r.evidence);
        f("config", r.config), f("words", r.words), f("ask", r.ask), f("ask_because", r.ask_because),
            f("steps", r.steps);
    }
};

struct ApprovalAsked {
    std::string incident, role, digest;
    int quorum = 1;
    Time until{};

    REVERTD_RECORD("approval.asked") {
        f("incident", r.incident), f("role", r.role), f("digest", r.digest), f("quorum", r.quorum), f("until", r.until);
    }
};

struct ApprovalGiven {
    std::string incident, by, reason, digest;

    REVERTD_RECORD("approval.given") {
        f("incident", r.incident), f("by", r.by), f("reason", r.reason), f("digest", r.digest);
    }
};

struct ApprovalVoided {
    std::string incident, words;

    REVERTD_RECORD("approval.voided") { f("incident", r.incident), f("words", r.words); }
};

struct WaitEnded {  ///< nobody answered (S30)
    std::string incident, words;
    bool act = false;  ///< the written policy `no_answer: rollback`
    Time until{};      ///< the next wait, when escalated

    REVERTD_RECORD("approval.wait_ended") {
        f("incident", r.incident), f("words", r.words), f("act", r.act), f("until", r.until);
    }
};

struct Answered {  ///< deny, hold, take, ack, label: an answer of a person that is no approval
    std::string incident, answer, by, reason;
    Time until{};  ///< hold

    REVERTD_RECORD("incident.answered") {
        f("incident", r.incident), f("answer", r.answer), f("by", r.by), f("reason", r.reason), f("until", r.until);
    }
};

struct IncidentMoved {
    std::string incident;
    IncidentState state = IncidentState::Watching;
    Stage stage = Stage::None;
    Reason gate = Reason::None;  ///< what holds, when held
    std::string words;

    REVERTD_RECORD("incident.moved") {
        f("incident", r.incident), f("state", r.state), f("stage", r.stage), f("gate", r.gate), f("words", r.words);
    }
};

struct Intent {
    std::string incident, key, step, digest, from, to;
    int attempt = 1, index = 0;
    Time deadline{};
    bool exhausted = false;  ///< of `on_exhausted`: it changes no version

    REVERTD_RECORD("action.intent") {
        f("incident", r.incident), f("key", r.key), f("step", r.step), f("digest", r.digest), f("from", r.from);
        f("to", r.to), f("attempt", r.attempt), f("index", r.index), f("deadline", r.deadline);
        f("exhausted", r.exhausted);
    }
};

struct Outcome {
    std::string incident, key, words, output_tail;
    StepOutcome outcome = StepOutcome::Unknown;
    int exit = 0;

    REVERTD_RECORD("action.outcome") {
        f("incident", r.incident), f("key", r.key), f("words", r.words), f("output_tail", r.output_tail);
        f("outcome", r.outcome), f("exit", r.exit);
    }
};

struct AttemptBegun {  ///< a second attempt, which starts where the first one failed (S31, S34)
    std::string incident, words;
    int attempt = 1, index = 0;

    REVERTD_RECORD("action.attempt") {
        f("incident", r.incident), f("words", r.words), f("attempt", r.attempt), f("index", r.index);
    }
};

struct Exhausted {  ///< S34: the last attempt has failed; what is left are the steps of `on_exhausted`
    std::string incident, words;
    std::vector<PlannedStep> steps;

    REVERTD_RECORD("action.exhausted") { f("incident", r.incident), f("words", r.words), f("steps", r.steps); }
};

struct Confirmed {  ///< the platform shows the target (or cannot be asked: by signals alone)
    std::string incident, words;
    int index = 0;

    REVERTD_RECORD("action.confirmed") { f("incident", r.incident), f("words", r.words), f("index", r.index); }
};

struct VerificationStarted {
    std::string incident;
    Time since{};

    REVERTD_RECORD("verification.started") { f("incident", r.incident), f("since", r.since); }
};

struct VerificationEnded {
    std::string incident, words;
    bool recovered = false;

    REVERTD_RECORD("verification.ended") {
        f("incident", r.incident), f("words", r.words), f("recovered", r.recovered);
    }
};

struct IncidentClosed {
    std::string incident, words;
    Reason reason = Reason::None;

    REVERTD_RECORD("incident.closed") { f("incident", r.incident), f("words", r.words), f("reason", r.reason); }
};

struct Halted {
    std::string service, by, reason;  ///< empty service: everything

    REVERTD_RECORD("halted") { f("service", r.service), f("by", r.by), f("reason", r.reason); }
};

struct Resumed {
    std::string service, by, reason;

    REVERTD_RECORD("resumed") { f("service", r.service), f("by", r.by), f("reason", r.reason); }
};

struct ObserveOnlySet {
    std::string words;

    REVERTD_RECORD("observe_only") { f("words", r.words); }
};

struct Frozen {                       ///< closes the gate for deploys (and never restrains a rollback)
    std::string service, by, reason;  ///< empty service: everything

    REVERTD_RECORD("frozen") { f("service", r.service), f("by", r.by), f("reason", r.reason); }
};

struct Unfrozen {
    std::string service, by, reason;

    REVERTD_RECORD("unfrozen") { f("service", r.service), f("by", r.by), f("reason", r.reason); }
};

struct LadderClimbed {  ///< the next people are told, because nobody has answered (S30)
    std::string incident, to, words;
    int rung = 0;  ///< of the ladder, from 0

    REVERTD_RECORD("incident.escalated") {
        f("incident", r.incident), f("to", r.to), f("words", r.words), f("rung", r.rung);
    }
};

struct Reminded {  ///< what was promised for a time has come due: `sla`, `assess`, or the next `update`
    std::string incident, what, words;

    REVERTD_RECORD("incident.reminded") { f("incident", r.incident), f("what", r.what), f("words", r.words); }
};

struct Started {              ///< a start of the daemon, after the fold
    std::string words, boot;  ///< id of the boot of the machine
    Duration offset{};        ///< of the timeline to CLOCK_BOOTTIME: the same for a boot (S40)

    REVERTD_RECORD("started") { f("words", r.words), f("boot", r.boot), f("offset", r.offset); }
};

struct Suspended {  ///< the machine slept, or somebody stopped the process: nobody looked for so long (S40)
    Duration lasted{};

    REVERTD_RECORD("suspended") { f("lasted", r.lasted); }
};

struct Crashed {  ///< the run before ended while it was busy with this input (S39)
    std::string input;

    REVERTD_RECORD("crashed") { f("input", r.input); }
};

struct Quarantined {  ///< an input that has crashed the daemon too often: it is not taken any more, and nothing acts
    std::string input, words;

    REVERTD_RECORD("quarantined") { f("input", r.input), f("words", r.words); }
};

struct Pruned {  ///< what was said of deploys that are long over was taken out; the hashes of it stay in the chain
    std::string by;
    std::string digest;                 ///< over number and hash of every record that is blank now
    std::uint64_t blank = 0, more = 0;  ///< so many are, and so many became so

    REVERTD_RECORD("journal.pruned") { f("by", r.by), f("digest", r.digest), f("blank", r.blank), f("more", r.more); }
};

struct StateAccepted {  ///< a person read what was wrong with the journal and let the daemon go on from what is left
    std::string by, reason;

    REVERTD_RECORD("state.accepted") { f("by", r.by), f("reason", r.reason); }
};

/// A message for people; delivered at least once by the outbox, never delaying anything.
struct Paged {
    std::string service, deploy, incident, level, kind, summary, details;
    std::string to = {};     ///< a role, a person or `mail ADDRESS`, beside the channels that everybody reads
    Meta facts = {};         ///< severity, versions, owner, runbook: what a reader wants at a glance
    bool issue = false;      ///< its severity opens an issue
    std::string about = {};  ///< without incident and deployment: what later pages about the same are known by

    REVERTD_RECORD("paged") {
        f("service", r.service), f("deploy", r.deploy), f("incident", r.incident), f("level", r.level);
        f("kind", r.kind), f("summary", r.summary), f("details", r.details), f("to", r.to), f("facts", r.facts);
        f("issue", r.issue), f("about", r.about);
    }
};

#undef REVERTD_RECORD

using Fact =
    std::variant<ConfigLoaded, VersionSeen, StandingChanged, AdoptionStarted, GuardOpened, GuardNamed, FirstSeen,
                 Settled, RolloutFinished, BrokenBefore, BakeExtended, PowerKnown, BakeShortened, BlindPaged,
                 GuardClosed, RuleChanged, HealthChanged, IncidentOpened, SeverityRaised, Ordered, Decided,
                 ApprovalAsked, ApprovalGiven, ApprovalVoided, WaitEnded, Answered, IncidentMoved, Intent, Outcome,
                 AttemptBegun, Confirmed, VerificationStarted, VerificationEnded, IncidentClosed, Halted, Resumed,
                 ObserveOnlySet, Started, StateAccepted, Paged, Frozen, Unfrozen, LadderClimbed, Reminded,
                 SteadyChanged, TargetNamed, Exhausted, Crashed, Quarantined, Pruned, Suspended>;

/// One record of the journal: a fact, when it was noted, and its place.
struct Record {
    std::uint64_t seq = 0;
    Time at{};
    WallTime wall{};
    Fact fact;
};

[[nodiscard]] const char* name_of(const Fact& fact);

}  // namespace revertd
