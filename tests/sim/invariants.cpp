// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/invariants.h"

#include <algorithm>
#include <array>

namespace revertd::sim {

namespace {

constexpr const char* kHolds = "";

/// Words if it is violated; nothing where its premise is not given.
using Answer = std::optional<std::string>;

std::string kind_of(const std::string& rule) {
    return rule.substr(0, rule.find(' '));
}

bool judged_by_engine(const std::string& rule) {
    return rule == "rollout stuck" || rule == "deploy failed";
}

// -- of every start of a step

/// I1: a step of an attempt of a decision starts once.
Answer starts_once(const Start& s) {
    const std::string name =
        s.step.incident + " attempt " + std::to_string(s.step.attempt) + " step " + std::to_string(s.step.index);
    return s.facts.starts.contains(name) ? name + " has started before" : kHolds;
}

/// I2: its intent, with the same steps, is on disk.
Answer intent_is_durable(const Start& s) {
    const auto intent = s.facts.intents.find(s.step.key);
    if (intent == s.facts.intents.end()) return "no durable intent of " + s.step.key;
    return intent->second.digest == s.step.digest ? kHolds : "the intent of " + s.step.key + " is of something else";
}

/// I3: what decided was seen breached, lately, and can be seen now; or something as bad is seen breached now.
Answer evidence_is_seen(const Start& s) {
    if (!s.automatic() || s.incident.triggered || judged_by_engine(s.incident.rule) || s.step.attempt > 1 ||
        s.step.index > 0)
        return std::nullopt;
    for (const auto& [text, rule] : s.service.rules)
        if (rule.verdict == Verdict::Breach && !worse(s.incident.severity, rule.severity)) return kHolds;
    const auto rule = s.service.rules.find(s.incident.rule);
    if (rule == s.service.rules.end() || !rule->second.last_breach) return s.incident.rule + " was never breached";
    if (is_blind(rule->second.verdict)) return s.incident.rule + " is " + std::string(to_string(rule->second.verdict));
    if (rule->second.holds) return kHolds;
    const Duration age = s.now - *rule->second.last_breach;
    return age <= 2min ? kHolds : s.incident.rule + " was last breached " + to_words(age) + " ago";
}

/// I4: nothing begins after a halt was answered.
Answer nobody_has_halted(const Start& s) {
    if (!s.begins()) return std::nullopt;
    return s.facts.halted || s.service.halted ? "halted" : kHolds;
}

/// I5: what asks was approved by enough of those who may, for exactly this.
Answer is_approved(const Start& s) {
    const IncidentFacts& i = s.incident;
    if (!s.automatic() || !i.decided || !i.decided->ask) return std::nullopt;
    if (i.waived) return kHolds;
    if (i.quorum == 0 || i.digest != i.decided->digest) return "nobody was asked for this";
    const auto deploy = s.facts.deploys.find(i.deploy);
    int valid = 0;
    for (const std::string& name : i.given) {
        const bool member = name == "ana" || name == "roger" || name == "eve";  // `leads` of the simulator
        const bool deployer = deploy != s.facts.deploys.end() && deploy->second.by_known && deploy->second.by == name;
        valid += member && !deployer ? 1 : 0;
    }
    return valid >= i.quorum ? kHolds : std::to_string(valid) + " valid approvals of " + std::to_string(i.quorum);
}

/// I6: the platform was seen with the judged version (or with nothing) at most five seconds ago.
Answer judged_version_was_seen(const Start& s) {
    if (!s.begins() || !s.planned().observed) return std::nullopt;
    const ServiceFacts& p = s.service;
    if (s.planned().entry > 0 && s.step.index > 0) return std::nullopt;  // what ran before its entry was changed by us
    if (!p.platform_read) return "the platform was never asked";
    const Duration age = s.now - *p.platform_read;
    if (age > 5s) return "the platform was asked " + to_words(age) + " before " + s.step.key;
    return p.platform_said.empty() || p.platform_said == s.step.from ? kHolds : p.platform_said + " ran";
}

/// I7: to a good version, never to a bad one or to the one that is judged; a person may force.
Answer target_is_good(const Start& s) {
    if (s.step.exhausted) return std::nullopt;  // goes to no version
    if (s.step.to == s.step.from) return s.step.to + " is what was judged";
    const bool forced = s.incident.forced && s.incident.ordered_to == s.step.to;
    if (forced || !s.begins()) return std::nullopt;
    if (s.service.bad.contains(s.step.to)) return s.step.to + " is known to be bad";
    return s.service.good.contains(s.step.to) ? kHolds : s.step.to + " was never good";
}

std::string beyond(const RateLimit& limit, const std::string& service, const Start& s) {
    if (limit.count == 0) return kHolds;
    const Time first = *s.incident.first_intent;
    const auto n = std::count_if(s.facts.rollbacks.begin(), s.facts.rollbacks.end(), [&](const auto& r) {
        return r.first <= first && first - r.first < limit.per && (service.empty() || r.second == service);
    });
    return n <= limit.count ? kHolds : std::to_string(n) + " rollbacks within " + to_words(limit.per);
}

/// I8: limits hold in every sliding window, over restarts too.
Answer limits_hold(const Start& s) {
    if (!s.automatic() || !s.incident.first_intent || s.step.attempt > 1 || s.step.index > 0) return std::nullopt;
    const std::string own = beyond(s.limits.per_service, s.step.service, s);
    return own.empty() ? beyond(s.overall, "", s) : own;
}

/// I1, of `on_exhausted`: what is left after the last attempt comes after two that failed, and each of its steps once.
Answer comes_after_the_attempts(const Start& s) {
    if (!s.step.exhausted) return std::nullopt;
    if (s.before == nullptr) return "nothing was tried before";
    const bool goes_on = s.before->step.exhausted && s.before->step.index + 1 == s.step.index;
    const bool begins = !s.before->step.exhausted && s.before->outcome && s.step.index == 0;
    return goes_on || begins ? kHolds : s.step.key + " does not follow " + s.before->step.key;
}

/// I10: after an outcome that nobody knows, the platform was asked, and showed what was judged; or a person ordered it.
Answer unknown_was_asked_about(const Start& s) {
    const bool unknown = s.before != nullptr && s.before->outcome == StepOutcome::Unknown;
    if (!s.automatic() || !unknown) return std::nullopt;
    const ServiceFacts& p = s.service;
    if (!p.platform_read || *p.platform_read < s.before->ended)
        return "the outcome of " + s.before->step.key + " is unknown, and the platform was not asked since";
    const bool applied = p.platform_said == s.step.to && s.step.attempt == s.before->step.attempt;  // the list goes on
    return applied || p.platform_said.empty() || p.platform_said == s.step.from ? kHolds : p.platform_said + " ran";
}

/// I17: nothing starts while the daemon only observes.
Answer may_act(const Start& s) {
    if (!s.begins()) return std::nullopt;
    return s.facts.observe_only ? "observing only" : kHolds;
}

/// I17, of a quarantine: nor while an input is quarantined. Its premise is one that was, see `durable`.
Answer acts_on_nothing_quarantined(const Start& s) {
    if (!s.begins() || !s.facts.quarantined) return std::nullopt;
    return "an input is quarantined";
}

/// I18: what was put back is not taken away again, unless a person deployed it since or orders it.
Answer is_no_rollback_of_a_rollback(const Start& s) {
    if (!s.automatic() || !s.service.rolled_back || s.step.attempt > 1 || s.step.index > 0) return std::nullopt;
    return s.service.restored == s.step.from ? s.step.from + " was put back by revertd" : kHolds;
}

/// I21: only a service whose deploy is in its bake is touched.
Answer has_a_deploy_in_its_bake(const Start& s) {
    if (!s.automatic()) return std::nullopt;
    const auto deploy = s.facts.deploys.find(s.step.deploy);
    const bool open =
        deploy != s.facts.deploys.end() && deploy->second.open && deploy->second.service == s.step.service;
    return open ? kHolds : "no open guard of " + s.step.service;
}

struct Named {
    const char* name;
    Answer (*holds)(const Start&);
};

constexpr std::array<Named, 14> kOfStarts{{{"I1", starts_once},
                                           {"I1 of on_exhausted", comes_after_the_attempts},
                                           {"I2", intent_is_durable},
                                           {"I3", evidence_is_seen},
                                           {"I4", nobody_has_halted},
                                           {"I5", is_approved},
                                           {"I6", judged_version_was_seen},
                                           {"I7", target_is_good},
                                           {"I8", limits_hold},
                                           {"I10", unknown_was_asked_about},
                                           {"I17", may_act},
                                           {"I17 of a quarantine", acts_on_nothing_quarantined},
                                           {"I18", is_no_rollback_of_a_rollback},
                                           {"I21", has_a_deploy_in_its_bake}}};

/// I3, of a report: a rule is breached only by what can be seen.
bool is_seen(const Rule& rule, const std::vector<Rule>& rules, const Outside& outside) {
    if (rule.kind == Rule::Kind::Combined)
        return std::count_if(rule.parts.begin(), rule.parts.end(), [&](std::uint32_t part) {
                   return is_seen(rules[part], rules, outside);
               }) >= static_cast<std::ptrdiff_t>(rule.need);
    if (kind_of(rule.text) == "health") return !outside.health_blind;
    return outside.metrics == Metrics::Fine || outside.metrics == Metrics::TwoSeries ||
           outside.metrics == Metrics::Gone;
}

Answer breach_is_of_what_is_seen(const RuleChange& change, const std::vector<Rule>& rules, const Outside& outside) {
    if (change.verdict != Verdict::Breach) return std::nullopt;
    const Rule& rule = rules[change.rule];
    return is_seen(rule, rules, outside) ? kHolds : rule.text + " is said to be breached while it cannot be seen";
}

/// I9: what is open waits for a person who was told, or for its own end that is near.
Answer is_over_or_told(const Incident& i, const IncidentFacts& facts) {
    switch (i.state) {
        case IncidentState::Held:
        case IncidentState::AwaitingApproval:
        case IncidentState::Escalated:
        case IncidentState::Watching:
            return facts.paged || facts.ordered ? kHolds : i.id + " waits and nobody was paged";
        case IncidentState::Recovered:
        case IncidentState::Closed:
            return kHolds;
        case IncidentState::Deciding:
        case IncidentState::Acting:
        case IncidentState::Verifying:
        case IncidentState::NotRecovered:
            break;
    }
    return i.id + " is still " + std::string(to_string(i.state));
}

}  // namespace

const PlannedStep& Start::planned() const {
    static const PlannedStep kNone;
    if (step.exhausted) return kNone;
    const auto index = static_cast<std::size_t>(step.index);
    return incident.decided && index < incident.decided->steps.size() ? incident.decided->steps[index] : kNone;
}

bool Start::begins() const {
    return planned().first_of_entry || step.attempt != incident.attempt_started;
}

Invariants::Invariants(World& world, Coverage& coverage) : world_(world), coverage_(coverage) {
    world_.on_event = [this](const Event& e) { fed(e); };
    world_.on_record = [this](const Record& r) { durable(r); };
    world_.on_start = [this](const effect::RunStep& s) { started(s); };
    world_.on_effect = [this](const Effect& e) { effect(e); };
    world_.on_judged = [this](const std::string& service, const std::shared_ptr<const ServiceSettings>& settings,
                              const JudgeReport& report,
                              bool is_sample) { judged(service, settings, report, is_sample); };
}

void Invariants::check(const char* invariant, const std::string& service, const std::string& words) {
    ++coverage_[std::string("premise ") + invariant];
    if (!words.empty() && !violation_) violation_ = Violation{invariant, words, service};
}

void Invariants::fed(const Event& event) {
    if (const auto* judged = std::get_if<event::Judged>(&event)) {
        const auto settings = world_.engine().settings()->find(judged->service);
        if (!settings) return;
        facts_.note(*judged, *settings, world_.now());
        if (judged->evidence.empty()) return;  // what was known before a restart, said again
        for (const RuleChange& change : judged->report.changes) {
            if (change.rule >= settings->rules.size()) continue;
            const auto words = breach_is_of_what_is_seen(change, settings->rules, world_.outside(judged->service));
            if (words) check("I3", judged->service, *words);
        }
    } else if (const auto* seen = std::get_if<event::Observed>(&event)) {
        if (seen->token == 0) return;
        const Platform& truth = world_.outside(seen->service).platform;
        if (truth.silent) return;
        ServiceFacts& s = facts_.services[seen->service];
        s.platform_read = world_.now();
        s.platform_said = truth.nothing ? std::string{} : truth.version;
    } else if (std::holds_alternative<event::JournalFailed>(event)) {
        facts_.observe_only = true;
    } else if (std::holds_alternative<event::Durable>(event)) {
        check_told(world_.now());
    }
}

void Invariants::durable(const Record& record) {
    if (const auto* page = std::get_if<Paged>(&record.fact); page != nullptr && facts_.untold.contains(page->incident))
        check("I15", page->service, "");
    facts_.note(record);
    check("I16", "", journal_.note(record));
    if (std::holds_alternative<Quarantined>(record.fact)) check("I17 of a quarantine", "", kHolds);
    if (const auto* verifying = std::get_if<VerificationStarted>(&record.fact)) left_unknown(*verifying);
    const auto count = [&](const char* what, auto value) {
        ++coverage_[std::string(what) + std::string(to_string(value))];
    };
    if (const auto* rule = std::get_if<RuleChanged>(&record.fact)) count("verdict ", rule->verdict);
    const auto seen = [&](const char* what, bool is) { coverage_[what] += is ? 1 : 0; };
    seen("steady told", std::holds_alternative<SteadyChanged>(record.fact));
    seen("steps of on_exhausted", std::holds_alternative<Exhausted>(record.fact));
    seen("inputs quarantined", std::holds_alternative<Quarantined>(record.fact));
    seen("targets named", std::holds_alternative<TargetNamed>(record.fact));
    if (const auto* closed = std::get_if<GuardClosed>(&record.fact)) count("guard ", closed->state);
    if (std::holds_alternative<GuardOpened>(record.fact)) count("guard ", DeployState::Rolling);
    if (std::holds_alternative<FirstSeen>(record.fact)) count("guard ", DeployState::Baking);
    if (std::holds_alternative<IncidentOpened>(record.fact)) count("guard ", DeployState::Incident);
    if (std::holds_alternative<Decided>(record.fact)) count("incident ", IncidentState::Deciding);
    if (std::holds_alternative<ApprovalAsked>(record.fact)) count("incident ", IncidentState::AwaitingApproval);
    if (std::holds_alternative<Intent>(record.fact)) count("incident ", IncidentState::Acting);
    if (std::holds_alternative<VerificationStarted>(record.fact)) count("incident ", IncidentState::Verifying);
    if (std::holds_alternative<IncidentClosed>(record.fact)) count("incident ", IncidentState::Closed);
    if (const auto* moved = std::get_if<IncidentMoved>(&record.fact);
        moved != nullptr && moved->state != IncidentState::Acting)
        count("incident ", moved->state);
}

/// I10, the other way out of an unknown outcome: the platform was asked since, and shows the target.
void Invariants::left_unknown(const VerificationStarted& verifying) {
    const StepRun* last = last_step_of(verifying.incident);
    if (last == nullptr || last->outcome != StepOutcome::Unknown) return;
    const ServiceFacts& s = facts_.services[last->step.service];
    const bool asked = s.platform_read && *s.platform_read >= last->ended && s.platform_said == last->step.to;
    check("I10", last->step.service,
          asked ? "" : "the outcome of " + last->step.key + " is unknown, and the platform did not show its target");
}

const StepRun* Invariants::last_step_of(const std::string& incident) const {
    const StepRun* last = nullptr;
    for (const StepRun& run : world_.steps())
        if (run.step.incident == incident) last = &run;
    return last;
}

void Invariants::started(const effect::RunStep& step) {
    const auto incident = facts_.incidents.find(step.incident);
    if (incident == facts_.incidents.end()) return check("I2", step.service, "the incident is not on disk");
    const auto settings = world_.engine().settings();
    const auto service = settings->find(step.service);
    const Start start{facts_,
                      step,
                      incident->second,
                      facts_.services[step.service],
                      world_.now(),
                      service ? service->limits : Limits{},
                      settings->overall,
                      last_step_of(step.incident)};
    for (const Named& invariant : kOfStarts)
        if (const Answer words = invariant.holds(start)) check(invariant.name, step.service, *words);
    facts_.note(step);
}

void Invariants::judged(const std::string& service, const std::shared_ptr<const ServiceSettings>& settings,
                        const JudgeReport& report, bool is_sample) {
    auto found = shadows_.find(service);
    if (found == shadows_.end() || &found->second.settings() != settings.get()) {
        if (found != shadows_.end()) shadows_.erase(found);
        found = shadows_.emplace(service, Shadow(settings)).first;
    }
    if (is_sample) return found->second.note(report);
    check_sight(service, *settings, report);
    std::uint64_t premises = 0;
    const std::string words = found->second.slot(report, world_.now(), premises);
    for (std::uint64_t i = 0; i < premises; ++i) check("I22", service, words);
}

/// I14: whoever is healthy is seen, whatever becomes of others; and every service is judged.
void Invariants::check_sight(const std::string& service, const ServiceSettings& settings, const JudgeReport& report) {
    const Time now = world_.now();
    Sight& sight = sights_[service];
    if (sight.begun == Time{}) sight.begun = now;
    sight.judged = now;
    for (const RuleChange& change : report.changes) sight.verdicts[change.rule] = change.verdict;
    const Outside& outside = world_.outside(service);
    const bool own_fault = outside.metrics != Metrics::Fine || outside.health_blind || !outside.target_blind.empty() ||
                           !outside.target_down.empty() || outside.platform.nothing ||
                           world_.state().quarantined.contains("metrics of " + service);
    if (own_fault) sight.unhealthy = now;
    const Duration patience = 2 * settings.interval;
    std::string words;
    for (const auto& [name, other] : sights_)
        if (now - other.judged > patience) words = name + " is not judged any more";
    const bool sees = now - std::max(sight.begun, sight.unhealthy) > patience;
    for (const auto& [rule, verdict] : sight.verdicts)
        if (sees && is_blind(verdict)) words = settings.rules[rule].text + " is blind, and nothing is wrong";
    if (sees || !words.empty()) check("I14", service, words);
}

void Invariants::effect(const Effect& effect) {
    const auto* phase = std::get_if<effect::SetPhase>(&effect);
    if (phase == nullptr) return;
    if (const auto shadow = shadows_.find(phase->service); shadow != shadows_.end()) shadow->second.clear();
}

void Invariants::said_twice(const std::string& service, const effect::Reply& once, const effect::Reply& again) {
    if (once.error || again.error) return;
    check("I22", service, once.id == again.id ? "" : "the deploy " + once.id + " said again is another, " + again.id);
}

/// I15: a page stands in the journal with what it tells, for the outbox to deliver.
void Invariants::check_told(Time now) {
    for (const auto& [id, since] : facts_.untold)
        if (now - since > 1s) check("I15", facts_.incidents[id].service, "nobody was told what became of " + id);
}

/// I19: what waits, and what is kept, has a bound.
void Invariants::check_bounds() {
    constexpr std::size_t kOnTheirWay = 150, kLedger = 200, kTimeline = 500;
    check("I19", "", world_.waiting_for_the_disk() <= kOnTheirWay ? "" : "records wait for the disk without an end");
    if (!world_.up()) return;
    for (const auto& [name, service] : world_.state().services)
        check("I19", name, service.ledger.size() <= kLedger ? "" : "the ledger of " + name + " has no end");
    for (const auto& [id, incident] : world_.state().incidents)
        if (incident.timeline.size() > kTimeline)
            check("I19", incident.service, "the timeline of " + id + " has no end");
}

void Invariants::told(const Command& command, const effect::Reply& reply) {
    ++coverage_[reply.error ? "people refused" : "people obeyed"];
    if (!reply.error) facts_.note(command);
    check("I16", "", without_secret(reply.error ? reply.error->message : reply.id, "an answer"));
}

void Invariants::deployed(const std::string& service) {
    facts_.services[service].restored.clear();
}

void Invariants::crashed() {
    shadows_.clear();
    sights_.clear();
    facts_.halts_on_their_way.clear();  // what was not durable was not answered
}

void Invariants::restarted() {
    facts_.observe_only = false;
    // I12: what is durable is known again.
    for (const auto& [id, deploy] : facts_.deploys) {
        if (!deploy.open) continue;
        const Deployment* d = world_.state().deployment(id);
        const bool known = d != nullptr && (d->open() || *d->finished >= world_.now());  // or over since it is up
        check("I12", deploy.service, known ? "" : "guard " + id + " is lost");
    }
    if (facts_.halted) check("I12", "", world_.state().halted ? "" : "the halt is lost");
}

void Invariants::compare_with_fold() {
    check_bounds();
    if (!world_.up() || !world_.quiet() || facts_.observe_only) return;
    const State& live = world_.state();
    State fold;
    for (const Record& record : world_.durable()) fold.apply(record);
    for (const auto& [name, service] : live.services) fold.services[name].name = name;
    check("I11", "", fold.fingerprint() == live.fingerprint() ? "" : "the fold of what is durable differs");
}

void Invariants::ended() {
    check("I13", "", journal_.verify(world_.durable()));
    coverage_["premise I13"] += world_.durable().size();
    for (const auto& [name, service] : world_.state().services) {
        if (service.incident.empty()) continue;
        const Incident* i = world_.state().incident(service.incident);
        const auto facts = facts_.incidents.find(service.incident);
        const bool known = i != nullptr && facts != facts_.incidents.end();
        check("I9", name, known ? *is_over_or_told(*i, facts->second) : service.incident + " is unknown");
    }
    for (const auto& [name, service] : world_.state().services) {
        const Deployment* d = world_.state().deployment(service.guard);
        const bool waits = !service.incident.empty();
        check("I9", name, d == nullptr || waits ? "" : "guard " + d->id + " never ends");
    }
}

}  // namespace revertd::sim
