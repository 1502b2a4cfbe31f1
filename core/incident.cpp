// SPDX-License-Identifier: Apache-2.0
// From a rule that holds to a decision, and the waiting for people (S27-S30). What is done then: acting.cpp.
#include <algorithm>

#include "core/engine.h"
#include "core/engine_run.h"
#include "core/policy.h"
#include "core/target.h"

namespace revertd {

namespace {

/// Holds that a person must end: the platform or the runner did not say what we need to know.
bool needs_a_person(Reason gate) {
    return gate == Reason::PlatformSilent || gate == Reason::PlatformUnsettled || gate == Reason::UnknownOutcome;
}

/// The worst rule that holds; of equals the one that has held longest.
const RuleNow* worst_holding(const ServiceState& service) {
    const RuleNow* worst = nullptr;
    for (const auto& [index, rule] : service.rules) {
        if (!rule.holds || rule.verdict != Verdict::Breach || worse(Severity::P2, rule.severity)) continue;
        if (worst == nullptr || worse(rule.severity, worst->severity) ||
            (rule.severity == worst->severity && rule.since < worst->since))
            worst = &rule;
    }
    return worst;
}

std::string join(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& w : words) out += (out.empty() ? "" : "; ") + w;
    return out;
}

/// `{ rule: …, do: [flag] }`: of the rollback only these steps, where that rule has decided.
void permit(const ServiceSettings& settings, const Incident& i, std::vector<PlannedStep>& plan) {
    for (const Rule& rule : settings.rules) {
        if (rule.text != i.rule || rule.severity != i.severity || rule.steps.empty()) continue;
        std::erase_if(plan, [&](const PlannedStep& step) {
            return std::find(rule.steps.begin(), rule.steps.end(), step.recipe) == rule.steps.end();
        });
        return;
    }
}

/// Binds an approval to what will be done: steps, from and to.
std::string digest_of(const std::vector<PlannedStep>& steps) {
    std::string out;
    for (const PlannedStep& step : steps) out += (out.empty() ? "" : "+") + step.digest.substr(0, 16);
    return out;
}

}  // namespace

bool Engine::advance_incident(const std::string& name) {
    if (raise_or_open(name)) return true;
    const Incident* i = state_.incident(service(name).incident);
    if (i == nullptr) return false;
    if (hold_without_journal(*i) || void_if_tightened(*i)) return true;
    switch (i->state) {
        case IncidentState::Acting:
            return advance_action(*i);
        case IncidentState::Verifying:
            return advance_verification(*i);
        case IncidentState::Recovered:
            return advance_recovered(*i);
        case IncidentState::NotRecovered:
        case IncidentState::Escalated:
        case IncidentState::Closed:
            return false;
        case IncidentState::Watching:
        case IncidentState::Deciding:
        case IncidentState::AwaitingApproval:
        case IncidentState::Held:
            break;
    }
    if (recover_by_itself(*i)) return true;
    if (i->state == IncidentState::Held && needs_a_person(i->gate)) return false;  // a new order begins anew
    if (!i->decided) return decide(*i);
    // Nothing follows from a decision that is not durable (S43), but what runs may be read already.
    if (run_->durable < i->decided_seq) return look_ahead(*i);
    if (i->state == IncidentState::AwaitingApproval) return wait_for_approval(*i);
    const auto held = check_gates(gate_input(*i));
    if (held && held->gate == Reason::RestartPending) return false;  // the next slot tells
    if (held) {
        if (i->state == IncidentState::Held && i->gate == held->gate) return false;
        hold(*i, held->gate, held->words);
        return true;
    }
    const bool approved =
        i->approval && (i->approval->waived || static_cast<int>(i->approval->given.size()) >= i->approval->quorum);
    if (asks_now(*i) && !approved) {
        const SeverityPolicy ask = asking_policy(*i);
        note(ApprovalAsked{i->id, ask.by, i->decided->digest, ask.quorum, now_.at + ask.wait});
        page(*i, "ask", name + " " + i->from + ": approve the rollback to " + i->to + "? " + i->words);
        return true;
    }
    begin_action(*i);
    return true;
}

/// An answer counts that was read after the deciding sample (S32), and asking changes nothing: so the platform is asked
/// while the decision is on its way to the disk. The intent waits for both.
bool Engine::look_ahead(const Incident& i) {
    if (asks_now(i) || i.state == IncidentState::AwaitingApproval || !observes_first(i)) return false;
    if (check_gates(gate_input(i))) return false;
    begin_action(i);
    return true;
}

/// The decision asks, or it has waited until the hours in which everything asks.
bool Engine::asks_now(const Incident& i) const {
    const Deployment* d = state_.deployment(i.deploy);
    return !i.ordered && (i.decided->ask || ask_only_hours(d != nullptr ? pinned(*d) : nullptr,
                                                           settings_of(i.service).get(), now_.wall) != nullptr);
}

/// S27: what asks beyond its severity asks as P1 does.
SeverityPolicy Engine::asking_policy(const Incident& i) const {
    const Deployment* d = state_.deployment(i.deploy);
    const ServiceSettings* pinned_settings = d != nullptr ? pinned(*d) : nullptr;
    const auto current = settings_of(i.service);
    const SeverityPolicy own = stricter_policy(i.severity, pinned_settings, current.get());
    if (own.rollback == SeverityPolicy::Rollback::AfterApproval) return own;
    return stricter_policy(Severity::P1, pinned_settings, current.get());
}

bool Engine::raise_or_open(const std::string& name) {
    ServiceState& s = service(name);
    const Deployment* d = state_.deployment(s.guard);
    if (d != nullptr && !d->first_seen) d = state_.deployment(s.older);  // the older one's version runs
    const RuleNow* worst = worst_holding(s);
    if (worst == nullptr || d == nullptr || !d->open() || !d->first_seen) return false;
    const Incident* i = state_.incident(s.incident);
    if (i != nullptr && i->deploy != d->id && !i->acting() && i->state != IncidentState::Verifying) {
        close_incident(i->id, Reason::Newer, "a newer deploy is judged");
        i = nullptr;
    }
    if (i == nullptr) {
        IncidentOpened f;
        f.incident = "i-" + std::to_string(state_.seq + 1);
        f.service = name, f.deploy = d->id, f.from = d->version, f.rule = worst->text, f.severity = worst->severity;
        f.words = worst->words.empty() ? worst->text : worst->words;
        note(f);
        page(*state_.incident(f.incident), "trigger", name + " " + f.from + " is bad: " + f.words);
        return true;
    }
    if (!worse(worst->severity, i->severity)) return false;
    const bool intent = i->has_intent();
    note(SeverityRaised{i->id, worst->text, worst->words, worst->severity});
    page(*i, "update", name + " " + i->from + " is worse: " + worst->words);
    if (!intent && i->decided)
        note(ApprovalVoided{i->id, "severity has risen to " + std::string(to_string(worst->severity))});
    return true;
}

bool Engine::decide(const Incident& i) {
    const Deployment* d = state_.deployment(i.deploy);
    const ServiceSettings* pinned_settings = d != nullptr ? pinned(*d) : nullptr;
    const auto current = settings_of(i.service);
    const ServiceSettings* settings = pinned_settings != nullptr ? pinned_settings : current.get();
    if (settings == nullptr) return false;
    ServiceState& s = service(i.service);
    const Mode mode = stricter_mode(pinned_settings, current.get());
    const SeverityPolicy policy = stricter_policy(i.severity, pinned_settings, current.get());
    const bool never =
        policy.rollback == SeverityPolicy::Rollback::Never || mode == Mode::Observe || !settings->has_rollback;
    if (never && !i.ordered) {
        const std::string why = mode == Mode::Observe     ? "mode observe"
                                : !settings->has_rollback ? "no rollback is configured"
                                                          : std::string(to_string(i.severity)) + " never rolls back";
        if (i.state == IncidentState::Watching && i.gate_words == why) return false;
        note(IncidentMoved{i.id, IncidentState::Watching, Stage::None, Reason::Policy, why});
        return true;
    }
    // Deny, take, hold and halt are answers that need no decision anew.
    if (const auto held = check_gates(gate_input(i));
        held && held->gate != Reason::NoTarget && held->gate != Reason::BadTarget) {
        if (held->gate == Reason::RestartPending) return false;
        if (i.state == IncidentState::Held && i.gate == held->gate) return false;
        hold(i, held->gate, held->words);
        return true;
    }
    TargetChoice target = choose_target(s, i.from, d != nullptr ? d->from : std::string{});
    const std::string disagreement = i.ordered_to.empty() ? resolve_target(i, d, target) : std::string{};
    if (!i.ordered_to.empty()) target = {i.ordered_to, {}, true};
    if (target.version.empty()) {
        if (i.state == IncidentState::Held && i.gate == Reason::NoTarget) return false;
        hold(i, Reason::NoTarget, "no good version to go back to");
        return true;
    }
    const std::string config = d != nullptr ? d->config : state_.config;  // what is done is pinned, too (S41)
    auto plan = planner_.plan({config, i.service, i.deploy, i.id, i.from, target.version});
    if (plan && !i.ordered) permit(*settings, i, *plan);
    if (!plan || plan->empty()) {
        if (i.state == IncidentState::Held && i.gate == Reason::BadTarget) return false;
        hold(i, Reason::BadTarget, plan ? "no step of the rollback is permitted" : "no plan: " + plan.error().message);
        return true;
    }
    Decided f;
    f.incident = i.id, f.from = i.from, f.to = target.version, f.steps = *plan, f.digest = digest_of(*plan);
    f.config = config;
    for (const auto& [index, rule] : s.rules)
        if (rule.text == i.rule) f.evidence = rule.evidence;
    if (!i.ordered) f.ask_because = reasons_to_ask(*settings, d, target, policy, mode);
    if (!i.ordered && !disagreement.empty()) f.ask_because.push_back(disagreement);
    for (const auto& [index, rule] : s.rules)
        if (!i.ordered && rule.text == i.rule && rule.control_blind)
            f.ask_because.emplace_back("the control group cannot be seen");
    f.ask = !f.ask_because.empty();
    f.words = i.from + " -> " + f.to +
              (i.ordered ? ", ordered by " + i.by
               : f.ask   ? ", asks: " + join(f.ask_because)
                         : ", acts at once");
    note(f);
    return true;
}

std::vector<std::string> Engine::reasons_to_ask(const ServiceSettings& settings, const Deployment* d,
                                                const TargetChoice& target, const SeverityPolicy& policy, Mode mode) {
    std::vector<std::string> why;
    if (policy.rollback == SeverityPolicy::Rollback::AfterApproval) why.emplace_back("the severity asks");
    if (mode == Mode::Recommend) why.emplace_back("mode recommend");
    const auto current = settings_of(settings.name);
    if (const Hours* hours = ask_only_hours(&settings, current.get(), now_.wall))
        why.push_back("in these hours everything asks (" + hours->text + ")");
    if (!target.ran_right_before)
        why.push_back(target.version + " did not run right before; skips " + join(target.skipped));
    if (const Incident* last = failed_cure(state_, settings.name, target.version))
        why.push_back("going back to " + target.version + " did not help in " + last->id);
    if (d != nullptr && !d->broken_before.empty()) why.push_back("broken before the deploy: " + d->broken_before);
    if (!settings.observes) why.emplace_back("the platform cannot be asked what runs");
    if (d != nullptr && service(d->service).rules.contains(kDeployFailed))
        why.emplace_back("the deploy tool gave up half-way");
    return why;
}

bool Engine::wait_for_approval(const Incident& i) {
    const Approval& approval = *i.approval;
    const bool given = approval.waived || static_cast<int>(approval.given.size()) >= approval.quorum;
    if (given) {
        const auto held = check_gates(gate_input(i));
        const bool waits = held && (held->gate == Reason::Blind || held->gate == Reason::RestartPending ||
                                    held->gate == Reason::Stale);
        if (waits) return false;  // S28: an approval does nothing until its rule is seen breached again
        if (held)
            hold(i, held->gate, held->words);
        else
            begin_action(i);
        return true;
    }
    if (now_.at < approval.until) return false;
    const Deployment* d = state_.deployment(i.deploy);
    const ServiceSettings* settings = d != nullptr ? pinned(*d) : settings_of(i.service).get();
    const SeverityPolicy policy = asking_policy(i);
    const Freshness fresh = freshness(service(i.service), i, settings, now_.at, state_.started);
    switch (policy.no_answer) {
        case SeverityPolicy::NoAnswer::Hold:
            note(WaitEnded{i.id, "nobody answered; held by policy", false, approval.until});
            hold(i, Reason::NoAnswer, "nobody answered within " + to_words(policy.wait));
            return true;
        case SeverityPolicy::NoAnswer::Rollback:
            if (!fresh.holds || fresh.stale_since_restart)
                return false;  // needs the rule breached now, through a full `for`
            if (approval.asked < state_.started && now_.at < state_.started + hold_of(settings, i.rule))
                return false;  // of which nothing counts that was before a restart
            note(WaitEnded{i.id, "nobody answered; the written policy rolls back", true, approval.until});
            return true;
        case SeverityPolicy::NoAnswer::Escalate:
            break;
    }
    note(WaitEnded{i.id, "nobody answered; asked again", false, now_.at + policy.wait});
    const bool climbed = settings != nullptr && climb(i, settings->ladder, "nobody answered");
    if (!climbed) page(i, "ask", i.service + " " + i.from + ": still waits for an approval. " + i.words);
    return true;
}

/// S28: ok for max(`for`, 2 m) while waiting closes it; `rollback start` remains.
bool Engine::recover_by_itself(const Incident& i) {
    if (i.ordered || i.reason == Reason::Trigger || i.acted() || i.severity == Severity::P2) return false;
    const Deployment* d = state_.deployment(i.deploy);
    const Freshness f = freshness(service(i.service), i, d != nullptr ? pinned(*d) : nullptr, now_.at, state_.started);
    if (!f.cleared) return false;
    if (i.approval) note(ApprovalVoided{i.id, "void: recovered by itself"});
    page(i, "resolve", i.service + " " + i.from + ": " + i.rule + " is ok again by itself, nothing was done");
    close_incident(i.id, Reason::RecoveredByItself, i.rule + " is ok again by itself");
    return true;
}

/// S43: what waits for a journal that has failed waits for ever, and whoever waits for it should hear.
bool Engine::hold_without_journal(const Incident& i) {
    const bool held = i.state == IncidentState::Held && i.gate == Reason::ObserveOnly;
    if (state_.observe_only.empty() || !i.decided || held) return false;
    const bool intends = i.acting() && i.stage == Stage::Intending && i.attempts.back().seq > run_->durable;
    if (!intends && (i.acted() || run_->durable >= i.decided_seq)) return false;
    const std::string words = "observing only: " + state_.observe_only;
    if (intends)
        note(Outcome{i.id, i.attempts.back().intent.key, "not started: " + words, {}, StepOutcome::NotStarted, 0});
    hold(i, Reason::ObserveOnly, words);
    return true;
}

/// S41: what a reload tightens counts at once, also for what was decided before it, and not begun.
bool Engine::void_if_tightened(const Incident& i) {
    if (!i.decided || i.has_intent() || i.ordered) return false;
    const Deployment* d = state_.deployment(i.deploy);
    const ServiceSettings* pinned_settings = d != nullptr ? pinned(*d) : nullptr;
    const auto current = settings_of(i.service);
    const Mode mode = stricter_mode(pinned_settings, current.get());
    const SeverityPolicy policy = stricter_policy(i.severity, pinned_settings, current.get());
    const bool never = policy.rollback == SeverityPolicy::Rollback::Never || mode == Mode::Observe;
    const bool asks = policy.rollback == SeverityPolicy::Rollback::AfterApproval || mode == Mode::Recommend;
    const bool more = i.approval && asking_policy(i).quorum > i.approval->quorum;
    if (!never && !more && (i.decided->ask || !asks)) return false;
    const std::string why = mode == Mode::Observe ? "mode observe"
                            : never               ? std::string(to_string(i.severity)) + " never rolls back"
                            : more                ? "more people have to approve"
                                                  : "it asks now";
    const bool asked = i.approval.has_value();
    note(ApprovalVoided{i.id, "void: the configuration was tightened, " + why});
    if (never)
        page(i, "update",
             i.service + " " + i.from + (asked ? ": not asked about any more, " : ": not rolled back, ") + why);
    return true;
}

void Engine::hold(const Incident& i, Reason gate, const std::string& words) {
    note(IncidentMoved{i.id, IncidentState::Held, Stage::None, gate, words});
    run_->services[i.service].ask_again.reset();
    run_->services[i.service].token = 0;
    const bool known = gate == Reason::Denied || gate == Reason::Taken || gate == Reason::HoldFix;  // people said so
    if (!known) page(i, "update", i.service + " " + i.from + ": not rolled back, held: " + words);
}

void Engine::close_incident(const std::string& id, Reason reason, const std::string& words) {
    const Incident* i = state_.incident(id);
    if (i == nullptr || !i->open()) return;
    run_->services[i->service].ask_again.reset();
    run_->services[i->service].token = 0;
    note(IncidentClosed{id, words, reason});
}

GateInput Engine::gate_input(const Incident& i) const {
    const Deployment* d = state_.deployment(i.deploy);
    const auto current = settings_of(i.service);
    const ServiceSettings* pinned_settings = d != nullptr ? pinned(*d) : nullptr;
    return {state_,
            *state_.service(i.service),
            i,
            d,
            stricter_limits(pinned_settings, current.get()),
            settings_ ? settings_->overall : RateLimit{},
            now_.at,
            run_->runner_silent};
}

}  // namespace revertd
