// SPDX-License-Identifier: Apache-2.0
// What comes into the Engine and what it asks of the outside, as data.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/judge.h"
#include "core/record.h"
#include "core/result.h"
#include "core/settings.h"

namespace revertd {

/// Who sent a command: the peer of the unix socket (SO_PEERCRED) or the daemon itself.
struct Peer {
    std::uint32_t uid = 0;
    std::string user;
    std::vector<std::string> groups;
    bool internal = false;  ///< the HALT file, a policy

    [[nodiscard]] bool root() const { return uid == 0; }
};

/// What the platform, or the key `current`, says runs.
struct Observation {
    enum class Kind : std::uint8_t { Version, Nothing, NoAnswer };
    Kind kind = Kind::NoAnswer;
    std::string version;
    bool settled = true;
    std::string tried = {};  ///< where nothing runs: what was started last, and did not stay up
    std::string words = {};  ///< why there is no answer
    Time read{};
};

// -- commands of people and tools; every one is answered by a Reply
namespace command {

struct DeployStart {
    std::string id, service, version, from, by, migration;
    Meta meta;
};

struct DeployFinish {
    std::string deploy;
    bool failed = false;
};

struct DeployAbort {
    std::string deploy, reason;
};

struct Approve {
    std::string incident, reason;
};

struct Deny {
    std::string incident, reason;
};

struct Hold {
    std::string incident, reason;
    Duration period{};
};

struct Take {
    std::string incident;
    std::string reason = {};
};

struct Acknowledge {
    std::string incident;
    std::string reason = {};
};

struct Label {
    std::string incident, label;  ///< false-alarm | true | not-the-deploy
};

struct Trigger {
    std::string service, reason;
    Severity severity = Severity::P0;
};

struct RollbackStart {
    std::string service, to, reason;
    bool force = false;
};

struct Halt {
    std::string service;
    bool abort = false;
    std::string reason = {};
};

struct Resume {
    std::string service;
    std::string reason = {};
};

struct Freeze {
    std::string service, reason;
    bool on = true;
};

/// What is to be taken out of the journal has been found, and goes with the record that this becomes.
struct Prune {
    std::string digest;
    std::uint64_t blank = 0, more = 0;
};

struct MarkVersion {
    std::string service, version, reason;
    Standing standing = Standing::Good;  ///< Unknown: unmark, forgive
};

}  // namespace command

using Command = std::variant<command::DeployStart, command::DeployFinish, command::DeployAbort, command::Approve,
                             command::Deny, command::Hold, command::Take, command::Acknowledge, command::Label,
                             command::Trigger, command::RollbackStart, command::Halt, command::Resume,
                             command::MarkVersion, command::Freeze, command::Prune>;

namespace event {

/// After the fold: what is outstanding is asked for again. Which boot of the machine this is, and where the timeline
/// stands to its CLOCK_BOOTTIME, is kept for the next start (S40).
struct Start {
    std::string boot;
    Duration offset{};
    std::string in_progress = {};  ///< the input that the run before was busy with when it crashed (S39)
    bool journal_failed = false;   ///< the run before has paged that, and the journal could not take the page (S43)
};

/// Nothing was asked and nothing decided for so long. What was known before says nothing of now, as after a restart.
struct Suspended {
    Duration lasted{};
};

struct Tick {};  ///< a deadline of Engine::next_deadline has come

struct Durable {
    std::uint64_t seq = 0;
};

struct JournalFailed {
    std::string words;
};

struct Configured {
    std::shared_ptr<const Settings> settings;
};

/// What the guard of a service can find, computed once it is open.
struct PowerFound {
    std::string service, deploy;
    std::vector<std::string> words;
};

struct Judged {
    std::string service;
    JudgeReport report;
    std::string evidence;  ///< hash of the flight record written before this event
};

/// A periodic read (token 0) or the answer to an Observe effect.
struct Observed {
    std::string service;
    std::uint64_t token = 0;
    Observation observation;
};

/// The answer to a Resolve effect.
struct Resolved {
    std::string deploy;
    int index = 0;
    Observation named;
};

struct Summarised {
    std::string deploy;  ///< or the service, while it is adopted
    std::vector<RuleSummary> rules;
};

struct StepEnded {
    std::string key;
    StepOutcome outcome = StepOutcome::Unknown;
    int exit = 0;
    std::string words, output_tail;
};

/// F94: a state directory that was lost, or put back from a backup, looks whole by itself. The runner's receipts stand
/// outside of it: it has said whether the journal knows of all that it did.
struct Witnessed {
    std::string against;  ///< why nothing may be started yet; empty: the journal knows
};

/// What the runner's receipt says of a key.
struct ReceiptRead {
    enum class State : std::uint8_t { None, Running, Ended, NoAnswer };
    std::string key;
    State state = State::NoAnswer;
    StepEnded ended;  ///< when Ended
};

struct Asked {
    Peer peer;
    Command command;
    std::uint64_t reply_to = 0;
};

}  // namespace event

using Event = std::variant<event::Start, event::Suspended, event::Tick, event::Durable, event::JournalFailed,
                           event::Configured, event::PowerFound, event::Judged, event::Observed, event::Resolved,
                           event::Summarised, event::StepEnded, event::ReceiptRead, event::Witnessed, event::Asked>;

namespace effect {

/// Ask the recipe what runs; the answer is an event::Observed with this token.
struct Observe {
    std::string service;
    std::uint64_t token = 0;
    int entry = 0;  ///< of the list of recipes
};

/// Start one step. Emitted only by the step() that receives Durable of its intent (invariant 2).
struct RunStep {
    std::string service, deploy, incident, key, from, to;
    std::string config;
    Severity severity = Severity::None;
    int attempt = 1, index = 0;
    Duration deadline{};
    std::string digest;
    bool exhausted = false;  ///< of `on_exhausted`
    int place = 0;           ///< among all steps of the configuration
};

/// Ask a resolver which version is good; the answer is an event::Resolved.
struct Resolve {
    std::string service, deploy;
    int index = 0;  ///< of the list of resolvers of the pinned settings
};

struct AskRunner {
    std::string key;
};

struct AskWitness {};  ///< the answer is an event::Witnessed

struct StopStep {
    std::string key;
};

struct SetPhase {
    std::string service;
    JudgePhase phase;
    std::optional<Time> freeze_baseline;
};

struct Summarise {
    std::string service, deploy;
};

struct Reply {
    std::uint64_t to = 0;
    std::optional<Error> error;
    std::string id;        ///< deployment or incident
    bool created = false;  ///< 201 rather than 200
    Duration retry_after{};
};

}  // namespace effect

using Effect = std::variant<effect::Observe, effect::Resolve, effect::RunStep, effect::AskRunner, effect::AskWitness,
                            effect::StopStep, effect::SetPhase, effect::Summarise, effect::Reply>;

/// What one step brought about: first append the records, then carry out the effects.
struct Output {
    std::vector<Record> records;
    std::vector<Effect> effects;
};

}  // namespace revertd
