// SPDX-License-Identifier: Apache-2.0
// What people and tools may say, and what is answered. Each command is refused in words or becomes facts.
#include <algorithm>

#include "core/authority.h"
#include "core/engine.h"
#include "core/engine_run.h"
#include "core/known_services.h"
#include "core/policy.h"
#include "core/version.h"

namespace revertd {

namespace {

effect::Reply refuse(ErrorCode code, std::string message, std::string hint = {}) {
    effect::Reply reply;
    reply.error = Error{code, std::move(message), std::move(hint)};
    return reply;
}

effect::Reply done(std::string id, bool created = false) {
    effect::Reply reply;
    reply.id = std::move(id);
    reply.created = created;
    return reply;
}

std::string name_of(const Peer& peer) {
    return peer.user.empty() ? "uid " + std::to_string(peer.uid) : peer.user;
}

std::string with_reason(const std::string& who, const std::string& reason) {
    return reason.empty() ? who : who + ": " + reason;
}

/// A name that is not configured, with those that are.
effect::Reply no_service(const Settings* settings, const std::string& name) {
    return refuse(ErrorCode::NotFound, "no service " + name, known_services(settings, name));
}

effect::Reply no_deployment(const std::string& id) {
    return refuse(ErrorCode::NotFound, "no deployment " + id, "revertctl deploy list shows them");
}

effect::Reply no_incident(const std::string& id) {
    return refuse(ErrorCode::NotFound, "no incident " + id, "revertctl incident list shows them");
}

/// For the others: what somebody answered who thought it worth a reason.
std::string said(const Incident& i, const std::string& answer, const std::string& who, const std::string& reason) {
    return i.service + " " + i.from + ": " + answer + " by " + with_reason(who, reason);
}

}  // namespace

// -- deployments

effect::Reply Engine::obey(const command::DeployStart& c, const Peer& peer) {
    if (!settings_of(c.service)) return no_service(settings_.get(), c.service);
    if (!valid_version(c.version))
        return refuse(ErrorCode::Invalid, "version is not valid", "[A-Za-z0-9][A-Za-z0-9._+:@/-]{0,127}");
    if (!c.from.empty() && !valid_version(c.from))
        return refuse(ErrorCode::Invalid, "from is not a valid version", "[A-Za-z0-9][A-Za-z0-9._+:@/-]{0,127}");
    if (!c.id.empty() && !valid_version(c.id))
        return refuse(ErrorCode::Invalid, "id is not valid", "the characters of a version");
    const bool foreign = !c.by.empty() && c.by != peer.user;
    if (foreign && !may_name_deployer(*settings_, peer))
        return refuse(ErrorCode::NotAllowed, name_of(peer) + " may not name another deployer",
                      "only root and `agents` may use --by");
    if (const Deployment* known = c.id.empty() ? nullptr : state_.deployment(c.id)) {
        const bool same = known->service == c.service && known->version == c.version;
        return same
                   ? done(known->id)
                   : refuse(ErrorCode::Conflict, "id " + c.id + " is that of " + known->service + " " + known->version);
    }
    ServiceState& s = service(c.service);
    if (const Incident* i = state_.incident(s.incident); i != nullptr && i->acting()) {
        auto reply = refuse(ErrorCode::Conflict, "a rollback of " + c.service + " is running (" + i->id + ")",
                            "start again when it has ended");
        if (i->has_intent()) reply.retry_after = std::max(Duration(1s), i->attempts.back().intent.deadline - now_.at);
        return reply;
    }
    if (const Deployment* open = state_.deployment(s.guard); open != nullptr && open->version == c.version) {
        note(GuardNamed{open->id, c.id, c.by.empty() ? peer.user : c.by, peer.uid, !foreign});
        return done(open->id);
    }
    const std::string id = open_guard(c, &peer, "start", now_.at);
    settle(c.service);
    return done(id, true);
}

effect::Reply Engine::obey(const command::DeployFinish& c, const Peer&) {
    const Deployment* d = state_.find_deployment(c.deploy);
    if (d == nullptr) return no_deployment(c.deploy);
    const std::string id = d->id, name = d->service;
    if (!d->open()) return refuse(ErrorCode::Conflict, id + " is closed (" + std::string(to_string(d->state)) + ")");
    if (!c.failed) {
        if (!d->finish) note(RolloutFinished{id});
        settle(name);
        return done(id);
    }
    const auto& last = run_->services[name].last;
    const bool unchanged = !d->first_seen && last && last->kind == Observation::Kind::Version &&
                           last->version != d->version && last->settled;
    if (unchanged) {  // S13: nothing was changed, so there is nothing to undo
        close_guard(id, DeployState::Aborted, 15, Reason::NothingChanged,
                    "the deploy tool gave up; " + last->version + " still runs");
    } else {
        if (!d->first_seen) first_sight(id, now_.at);
        note(RuleChanged{name,
                         kDeployFailed,
                         "deploy failed",
                         Severity::P1,
                         Verdict::Breach,
                         true,
                         0,
                         0,
                         0,
                         0,
                         now_.at,
                         false,
                         false,
                         "the deploy tool gave up half-way",
                         {}});
    }
    settle(name);
    return done(id);
}

effect::Reply Engine::obey(const command::DeployAbort& c, const Peer& peer) {
    const Deployment* d = state_.find_deployment(c.deploy);
    if (d == nullptr) return no_deployment(c.deploy);
    const std::string id = d->id, name = d->service;
    if (!d->open()) return refuse(ErrorCode::Conflict, id + " is closed (" + std::string(to_string(d->state)) + ")");
    if (const Incident* i = state_.incident(service(name).incident); i != nullptr && i->deploy == id && i->acting())
        return refuse(ErrorCode::Conflict, "a rollback of " + name + " is running (" + i->id + ")",
                      "revertctl halt --abort stops it");
    close_guard(id, DeployState::Aborted, 15, Reason::AbortedByPerson,
                "aborted by " + with_reason(name_of(peer), c.reason));
    settle(name);
    return done(id);
}

// -- answers to an incident

std::optional<effect::Reply> Engine::refuse_answer(const std::string& id, const Peer& peer) const {
    const Incident* i = state_.incident(id);
    if (i == nullptr) return no_incident(id);
    if (!settings_ || !has_role(*settings_, peer, {}))
        return refuse(ErrorCode::NotAllowed, name_of(peer) + " is not listed under people");
    if (!i->open()) return refuse(ErrorCode::Conflict, id + " is closed");
    return std::nullopt;
}

effect::Reply Engine::obey(const command::Approve& c, const Peer& peer) {
    if (auto no = refuse_answer(c.incident, peer)) return *no;
    const Incident& i = *state_.incident(c.incident);
    if (i.state != IncidentState::AwaitingApproval || !i.approval || !i.decided)
        return refuse(ErrorCode::Conflict,
                      i.id + " does not wait for an approval (" + std::string(to_string(i.state)) + ")", i.gate_words);
    if (!has_role(*settings_, peer, i.approval->role))
        return refuse(ErrorCode::NotAllowed, name_of(peer) + " is not one of " + i.approval->role);
    const Deployment* d = state_.deployment(i.deploy);
    const SeverityPolicy policy =
        stricter_policy(i.severity, d != nullptr ? pinned(*d) : nullptr, settings_of(i.service).get());
    // The peer that opened it, or whom root or an agent named as the deployer.
    const bool opened = d != nullptr && (d->by_known ? d->by_uid == peer.uid : d->by == peer.user);
    const bool deployer = opened && !settings_->people.empty() && !policy.anyone;
    if (deployer)
        return refuse(ErrorCode::NotAllowed, name_of(peer) + " opened this deployment and does not approve it",
                      "`by: anyone` would allow it");
    const auto& given = i.approval->given;
    const bool twice = std::any_of(given.begin(), given.end(), [&](const auto& g) { return g.by == name_of(peer); });
    if (twice) return refuse(ErrorCode::Conflict, name_of(peer) + " has approved " + i.id + " already");
    const std::string id = i.id, name = i.service;
    note(ApprovalGiven{id, name_of(peer), c.reason, i.approval->digest});
    if (!c.reason.empty()) page(i, "update", said(i, "approved", name_of(peer), c.reason));
    settle(name);
    return done(id);
}

effect::Reply Engine::obey(const command::Deny& c, const Peer& peer) {
    if (auto no = refuse_answer(c.incident, peer)) return *no;
    const Incident& i = *state_.incident(c.incident);
    if (i.acting() || i.state == IncidentState::Verifying)
        return refuse(ErrorCode::Conflict, i.id + " is " + std::string(to_string(i.state)));
    const std::string name = i.service;
    note(Answered{c.incident, "deny", name_of(peer), c.reason, {}});
    if (!c.reason.empty()) page(i, "update", said(i, "denied", name_of(peer), c.reason));
    settle(name);
    return done(c.incident);
}

effect::Reply Engine::obey(const command::Hold& c, const Peer& peer) {
    if (auto no = refuse_answer(c.incident, peer)) return *no;
    const Incident& i = *state_.incident(c.incident);
    if (c.period <= Duration{} || c.period > 24h)
        return refuse(ErrorCode::Invalid, "a hold is between 1s and 1d", "--for 10m");
    if (i.acting() || i.state == IncidentState::Verifying)
        return refuse(ErrorCode::Conflict, i.id + " is " + std::string(to_string(i.state)));
    const std::string name = i.service;
    note(Answered{c.incident, "hold", name_of(peer), c.reason, now_.at + c.period});
    if (!c.reason.empty()) page(i, "update", said(i, "held for " + to_words(c.period), name_of(peer), c.reason));
    settle(name);
    return done(c.incident);
}

effect::Reply Engine::obey(const command::Take& c, const Peer& peer) {
    if (auto no = refuse_answer(c.incident, peer)) return *no;
    const Incident& i = *state_.incident(c.incident);
    if (i.acting())
        return refuse(ErrorCode::Conflict, i.id + " is acting", "revertctl halt --abort stops a running step");
    const std::string name = i.service;
    note(Answered{c.incident, "take", name_of(peer), c.reason, {}});
    if (!c.reason.empty()) page(i, "update", said(i, "taken", name_of(peer), c.reason));
    settle(name);
    return done(c.incident);
}

effect::Reply Engine::obey(const command::Acknowledge& c, const Peer& peer) {
    if (auto no = refuse_answer(c.incident, peer)) return *no;
    note(Answered{c.incident, "ack", name_of(peer), c.reason, {}});
    return done(c.incident);
}

effect::Reply Engine::obey(const command::Label& c, const Peer& peer) {
    const Incident* i = state_.incident(c.incident);
    if (i == nullptr) return no_incident(c.incident);
    if (!has_role(*settings_, peer, {}))
        return refuse(ErrorCode::NotAllowed, name_of(peer) + " is not listed under people");
    if (c.label != "false-alarm" && c.label != "true" && c.label != "not-the-deploy")
        return refuse(ErrorCode::Invalid, "label " + c.label + " is unknown", "false-alarm | true | not-the-deploy");
    const std::string name = i->service, version = i->from, id = i->id;
    note(Answered{id, "label", name_of(peer), c.label, {}});
    const Standing standing = service(name).standing(version);
    const bool forgive = c.label != "true" && (standing == Standing::Bad || standing == Standing::Suspect);
    if (forgive)
        note(StandingChanged{name, version, Standing::Unknown, id + " was labelled " + c.label, name_of(peer)});
    if (c.label == "true" && standing == Standing::Suspect)
        note(StandingChanged{name, version, Standing::Bad, id + " was labelled true", name_of(peer)});
    if (const Incident* again = state_.incident(id); again->state == IncidentState::Escalated)
        close_incident(id, Reason::None, "labelled " + c.label);
    settle(name);
    return done(id);
}

// -- orders

effect::Reply Engine::obey(const command::Trigger& c, const Peer& peer) {
    if (!settings_of(c.service)) return no_service(settings_.get(), c.service);
    if (!has_role(*settings_, peer, {}))
        return refuse(ErrorCode::NotAllowed, name_of(peer) + " is not listed under people");
    if (c.reason.empty() || c.severity == Severity::None)
        return refuse(ErrorCode::Invalid, "a trigger needs a severity and a reason", "--severity P0 --reason '…'");
    ServiceState& s = service(c.service);
    const std::string words = "triggered by " + with_reason(name_of(peer), c.reason);
    if (const Incident* i = state_.incident(s.incident);
        i != nullptr && !i->recovered && i->state != IncidentState::Escalated) {
        if (worse(c.severity, i->severity)) {
            note(SeverityRaised{i->id, i->rule, words, c.severity});
            if (!i->has_intent() && i->decided) note(ApprovalVoided{i->id, "severity has risen"});
        }
        const std::string id = i->id;
        settle(c.service);
        return done(id);
    }
    const Deployment* d = state_.deployment(s.guard);
    if (d == nullptr || !d->first_seen)
        return refuse(ErrorCode::Conflict, c.service + " has no deploy in its bake",
                      "revertctl rollback start " + c.service + " --reason '…' is an order");
    close_incident(s.incident, Reason::Newer, "a new trigger");
    IncidentOpened f;
    f.incident = "i-" + std::to_string(state_.seq + 1), f.service = c.service, f.deploy = d->id, f.from = d->version;
    f.rule = "trigger", f.words = words, f.severity = c.severity, f.reason = Reason::Trigger, f.by = name_of(peer);
    note(f);
    page(*state_.incident(f.incident), "trigger", c.service + " " + f.from + ": " + words);
    settle(c.service);
    return done(f.incident, true);
}

effect::Reply Engine::obey(const command::RollbackStart& c, const Peer& peer) {
    const auto settings = settings_of(c.service);
    if (!settings) return no_service(settings_.get(), c.service);
    if (!has_role(*settings_, peer, {}))
        return refuse(ErrorCode::NotAllowed, name_of(peer) + " is not listed under people");
    if (!settings->has_rollback) return refuse(ErrorCode::Conflict, c.service + " has no rollback configured");
    if (c.reason.empty()) return refuse(ErrorCode::Invalid, "an order needs a reason", "--reason '…'");
    ServiceState& s = service(c.service);
    if (state_.halted || s.halted)
        return refuse(ErrorCode::Conflict, "halted by " + (state_.halted ? state_.halted_by : s.halted_by),
                      "revertctl resume");
    if (const std::string why = state_.observes_only(); !why.empty())
        return refuse(ErrorCode::Unavailable, "observing only: " + why);
    const std::string live = s.live;
    const std::string to = c.to.empty() ? choose_target(s, live, {}).version : c.to;
    if (to.empty())
        return refuse(ErrorCode::Conflict,
                      is_target(s.standing(live)) ? live + " runs, and no other version is known to be good"
                                                  : "no good version to go back to",
                      "name one: --to V --force");
    if (!valid_version(to)) return refuse(ErrorCode::Invalid, "target is not a valid version");
    if (live.empty()) return refuse(ErrorCode::Conflict, "it is not known what runs", "the recipe needs `current`");
    if (to == live) return refuse(ErrorCode::Conflict, to + " runs already");
    if (!is_target(s.standing(to)) && !c.force)
        return refuse(ErrorCode::Conflict,
                      to + " is " + std::string(to_string(s.standing(to))) + ", not a good version",
                      "--force with a reason overrides");
    const Incident* i = state_.incident(s.incident);
    if (i != nullptr && (i->acting() || i->state == IncidentState::Verifying))
        return refuse(ErrorCode::Conflict, i->id + " is " + std::string(to_string(i->state)));
    const std::string words = "ordered by " + with_reason(name_of(peer), c.reason);
    std::string id;
    if (i != nullptr && !i->recovered && i->from == live) {
        id = i->id;
    } else {
        close_incident(s.incident, Reason::Newer, "a new order");
        const Deployment* d = state_.deployment(s.guard);
        IncidentOpened f;
        f.incident = id = "i-" + std::to_string(state_.seq + 1);
        f.service = c.service, f.deploy = d != nullptr && d->version == live ? d->id : "", f.from = live,
        f.rule = "order";
        f.words = words, f.severity = Severity::P1, f.reason = Reason::Order, f.ordered = true, f.by = name_of(peer);
        note(f);
    }
    note(Ordered{id, to, name_of(peer), words, c.force});
    settle(c.service);
    return done(id, true);
}

effect::Reply Engine::obey(const command::Halt& c, const Peer& peer) {
    if (!c.service.empty() && !settings_of(c.service)) return no_service(settings_.get(), c.service);
    if (settings_ && !may_halt(*settings_, peer)) return refuse(ErrorCode::NotAllowed, name_of(peer) + " may not halt");
    const bool already = c.service.empty() ? state_.halted : service(c.service).halted;
    if (!already) note(Halted{c.service, name_of(peer), c.reason});
    for (const auto& [name, s] : state_.services) {
        const Incident* i = state_.incident(s.incident);
        const bool concerned = i != nullptr && i->acting() && (c.service.empty() || c.service == name);
        if (concerned && c.abort && i->has_intent() && !i->attempts.back().outcome)
            emit(effect::StopStep{i->attempts.back().intent.key});
        if (i != nullptr) settle(name);
    }
    return done(c.service);
}

effect::Reply Engine::obey(const command::Resume& c, const Peer& peer) {
    if (!c.service.empty() && !settings_of(c.service)) return no_service(settings_.get(), c.service);
    if (settings_ && !may_halt(*settings_, peer))
        return refuse(ErrorCode::NotAllowed, name_of(peer) + " may not resume");
    const bool released = c.service.empty() && !state_.quarantined.empty();
    note(Resumed{c.service, name_of(peer), c.reason});
    if (released) {
        Paged page{
            {}, {}, {}, "critical", "resolve", "revertd may act again: " + name_of(peer) + " ended the quarantine", {}};
        page.about = kQuarantine;
        note(std::move(page));
    }
    for (const auto& [name, s] : state_.services)
        if (!s.incident.empty()) settle(name);
    return done(c.service);
}

effect::Reply Engine::obey(const command::MarkVersion& c, const Peer& peer) {
    if (!settings_of(c.service)) return no_service(settings_.get(), c.service);
    if (!has_role(*settings_, peer, {}))
        return refuse(ErrorCode::NotAllowed, name_of(peer) + " is not listed under people");
    if (!valid_version(c.version)) return refuse(ErrorCode::Invalid, "version is not valid");
    note(StandingChanged{c.service, c.version, c.standing, c.reason.empty() ? "marked" : c.reason, name_of(peer)});
    settle(c.service);
    return done(c.version);
}

effect::Reply Engine::obey(const command::Freeze& c, const Peer& peer) {
    if (!c.service.empty() && !settings_of(c.service)) return no_service(settings_.get(), c.service);
    if (settings_ && !may_halt(*settings_, peer))
        return refuse(ErrorCode::NotAllowed, name_of(peer) + " may not freeze");
    if (c.on && c.reason.empty()) return refuse(ErrorCode::Invalid, "a freeze needs a reason", "--reason '…'");
    if (c.on)
        note(Frozen{c.service, name_of(peer), c.reason});
    else
        note(Unfrozen{c.service, name_of(peer), c.reason});
    return done(c.service);
}

effect::Reply Engine::obey(const command::Prune& c, const Peer& peer) {
    if (settings_ && !may_halt(*settings_, peer))
        return refuse(ErrorCode::NotAllowed, name_of(peer) + " may not prune the journal");
    note(Pruned{name_of(peer), c.digest, c.blank, c.more});
    return done({});
}

// -- questions

std::string Engine::why_not_ready(const std::string& name) const {
    const auto settings = settings_of(name);
    const ServiceState* s = state_.service(name);
    if (settings == nullptr || s == nullptr) return "no such service";
    if (const std::string why = state_.observes_only(); !why.empty()) return "observing only: " + why;
    if (state_.halted || s->halted) return "halted by " + (state_.halted ? state_.halted_by : s->halted_by);
    if (!settings->has_rollback) return "no rollback is configured";
    if (settings->mode == Mode::Observe) return "mode observe";
    // S32: without its word nothing is changed, and it may be the reason why no version is known yet.
    if (const auto silence = version_silence(name); silence && settings->observes) return silence->words;
    const Deployment* d = state_.deployment(s->guard);
    if (s->adopting_since) return "cannot roll back yet: no good version until " + s->until_adopted();
    // What would be undone: the guarded version, seen or not; without a guard the next one, whatever it is.
    if (choose_target(*s, d != nullptr ? d->version : std::string{}, {}).version.empty())
        return "cannot roll back yet: no version is known to be good";
    return {};
}

std::string Engine::frozen_why(const std::string& name, WallTime now) const {
    const ServiceState* s = state_.service(name);
    if (state_.frozen) return "deploys are frozen by " + state_.frozen_by;
    if (s != nullptr && s->frozen) return "deploys of " + name + " are frozen by " + s->frozen_by;
    const auto settings = settings_of(name);
    const Hours* hours = settings ? within(settings->freeze, now) : nullptr;
    return hours == nullptr ? std::string{} : "no deploys in these hours (" + hours->text + ")";
}

Engine::GateAnswer Engine::gate(const std::string& name, const std::string& version, WallTime now) const {
    const ServiceState* s = state_.service(name);
    if (s == nullptr || !settings_of(name)) return {5, "no service " + name};
    if (s->standing(version) == Standing::Bad) return {3, version + " is known to be bad"};
    if (const Incident* i = state_.incident(s->incident); i != nullptr && !i->recovered)
        return {4, "incident " + i->id + " is open"};
    if (std::string why = frozen_why(name, now); !why.empty()) return {4, why};
    if (std::string why = why_not_ready(name); !why.empty()) return {5, why};
    return {0, "go"};
}

}  // namespace revertd
