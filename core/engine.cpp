// SPDX-License-Identifier: Apache-2.0
#include "core/engine.h"

#include <algorithm>

#include "core/engine_run.h"
#include "core/policy.h"

namespace revertd {

namespace {

constexpr int kSettleRounds =
    64;  // a chain of transitions in one step is short; more is a loop, and loops must not act

}  // namespace

Engine::Engine(const Planner& planner, SettingsLookup pinned)
    : planner_(planner), state_(std::move(pinned)), run_(std::make_unique<Run>()) {}

Engine::~Engine() = default;

void Engine::replay(const Record& record) {
    state_.apply(record);
    run_->durable = run_->replayed = record.seq;
}

Output Engine::step(const Event& event, Now now) {
    Output out;
    out_ = &out;
    now_ = now;
    std::visit([this](const auto& e) { on(e); }, event);
    out_ = nullptr;
    return out;
}

Time Engine::next_deadline() const {
    return due_.empty() ? Time::max() : due_.begin()->first;
}

ServiceState& Engine::service(const std::string& name) {
    ServiceState& s = state_.services[name];
    s.name = name;
    return s;
}

std::shared_ptr<const ServiceSettings> Engine::settings_of(const std::string& service) const {
    return settings_ ? settings_->find(service) : nullptr;
}

const ServiceSettings* Engine::pinned(const Deployment& deployment) const {
    if (deployment.settings) return deployment.settings.get();
    const auto current = settings_of(deployment.service);
    return current.get();
}

// -- events

void Engine::on(const event::Start& e) {
    run_->journal_was_paged = e.journal_failed || state_.journal_paged;
    run_->begun = true;
    note(Started{"revertd started", e.boot, e.offset});
    if (!e.in_progress.empty()) count_crash(e.in_progress);
    run_->services.clear();
    emit(effect::AskWitness{});
    for (auto& [name, s] : state_.services) {
        const Incident* incident = state_.incident(s.incident);
        if (incident != nullptr && incident->acting()) {
            // An intent without outcome is unknown, never failed: the receipt is asked before anything else (S34).
            const bool open_intent = incident->has_intent() && !incident->attempts.back().outcome;
            if (open_intent)
                note(IncidentMoved{incident->id, IncidentState::Acting, Stage::Asking, Reason::None,
                                   "restarted: asking the runner"});
        }
        settle(name);
    }
}

/// Deadlines may have passed meanwhile; what follows from them waits until it was looked again (S38, S40).
void Engine::on(const event::Suspended& e) {
    note(Suspended{e.lasted});
}

/// What was known before a restart, or a suspension, says nothing of now: nobody looked in between.
bool Engine::judged_anew(const std::string& name) const {
    const auto run = run_->services.find(name);
    return run != run_->services.end() && run->second.judged_at && *run->second.judged_at >= state_.started;
}

bool Engine::version_heard_anew(const std::string& name) const {
    const auto run = run_->services.find(name);
    if (run == run_->services.end() || !run->second.last || run->second.last->read < state_.started) return false;
    return run->second.last->kind != Observation::Kind::NoAnswer || version_silence(name).has_value();
}

/// S39: an input that has ended the daemon three times within five minutes would do so for ever.
void Engine::count_crash(const std::string& input) {
    constexpr std::ptrdiff_t kCrashes = 3;
    constexpr Duration kCrashWindow = 5min;
    note(Crashed{input});
    const auto same = std::count_if(state_.crashes.begin(), state_.crashes.end(), [&](const auto& crash) {
        return crash.second == input && now_.at - crash.first <= kCrashWindow;
    });
    if (same < kCrashes || state_.quarantined.contains(input)) return;
    const std::string words = input + " has crashed revertd " + std::to_string(same) + " times within " +
                              to_words(kCrashWindow) + " and is quarantined; `revertctl resume` takes it again";
    note(Quarantined{input, words});
    Paged page{{}, {}, {}, "critical", "trigger", "revertd only observes: " + input + " is quarantined", words};
    page.about = kQuarantine;
    note(std::move(page));
}

void Engine::on(const event::Tick&) {
    while (!due_.empty() && due_.begin()->first <= now_.at) {
        const std::string name = due_.begin()->second;
        due_.erase(due_.begin());
        due_of_.erase(name);
        settle(name);
        const auto again = due_of_.find(name);
        if (again != due_of_.end() && again->second <= now_.at) break;  // never spin inside one step
    }
}

void Engine::on(const event::Durable& e) {
    const std::uint64_t before = run_->durable;
    if (e.seq <= before) return;  // only windows were written
    run_->durable = e.seq;
    for (const auto& [name, s] : state_.services) {
        if (s.incident.empty()) continue;
        const Incident* i = state_.incident(s.incident);
        const bool waited =
            i != nullptr && (i->decided_seq > before || (i->has_intent() && i->attempts.back().seq > before));
        if (waited) settle(name);
    }
}

void Engine::on(const event::JournalFailed& e) {
    // The record cannot become durable; it still makes this run observe only (S43).
    if (!state_.observe_only.empty()) return;
    note(ObserveOnlySet{e.words});
    Paged page{{}, {}, {}, "critical", "trigger", "revertd only observes: the journal failed", e.words};
    page.about = kJournal;
    note(std::move(page));
    for (const auto& [name, s] : state_.services)
        if (!s.incident.empty()) settle(name);
}

void Engine::on(const event::Configured& e) {
    std::vector<std::string> removed;
    for (const auto& [name, s] : state_.services)
        if (settings_of(name) != e.settings->find(name)) run_->services[name].judged.clear();  // told anew
    for (const auto& [name, s] : state_.services)
        if (!e.settings->find(name) && (!s.guard.empty() || (settings_ && settings_->find(name))))
            removed.push_back(name);
    settings_ = e.settings;
    if (state_.config != e.settings->hash || !removed.empty()) note(ConfigLoaded{e.settings->hash, removed});
    forget_unjudged();
    for (const std::string& name : removed) {
        for (const std::string& id : {service(name).guard, service(name).older}) {
            const Incident* incident = state_.incident(service(name).incident);
            if (id.empty() || (incident != nullptr && incident->acting())) continue;
            close_guard(id, DeployState::Aborted, 15, Reason::Removed,
                        "the service was removed from the configuration");
        }
    }
    for (const auto& [name, settings] : e.settings->services) {
        service(name);
        settle(name);
    }
}

void Engine::remember_holding(const event::Judged& e, const ServiceSettings& settings) {
    auto& holding = run_->services[e.service].holding;
    for (const RuleChange& c : e.report.changes) {
        if (c.rule >= settings.rules.size()) continue;
        const Rule& rule = settings.rules[c.rule];
        const bool remembered = settings.steady || service(e.service).steady.contains(rule.text);
        if (remembered && rule.severity != Severity::None) run_->services[e.service].judged[rule.text] = c;
        if (worse(Severity::P1, rule.severity)) continue;
        if (c.holds)
            holding.emplace(settings.rules[c.rule].text, now_.at);
        else
            holding.erase(settings.rules[c.rule].text);
    }
}

void Engine::on(const event::Judged& e) {
    ServiceState& s = service(e.service);
    const bool guarded = !s.guard.empty() || !s.incident.empty();
    const auto settings = settings_of(e.service);
    const Deployment* d = state_.deployment(s.guard);
    const ServiceSettings* rules = d != nullptr ? pinned(*d) : settings.get();
    if (rules == nullptr) return;
    remember_holding(e, *rules);
    const bool steady = (settings && settings->steady) || !s.steady.empty();
    const bool anew = !judged_anew(e.service);
    run_->services[e.service].judged_at = now_.at;
    if (!guarded) {  // nothing acts, and only what is told is journaled
        if (steady || (anew && s.adopting_since)) settle(e.service);
        return;
    }
    const bool health_changed = e.report.health != s.health && e.report.health != Health::Unknown;
    if (health_changed) note(HealthChanged{e.service, e.report.health, e.report.health_words});
    for (const RuleChange& c : e.report.changes) {
        if (c.rule >= rules->rules.size()) continue;
        const Rule& rule = rules->rules[c.rule];
        note(RuleChanged{e.service, c.rule, rule.text, rule.severity, c.verdict, c.holds, c.value, c.limit, c.baseline,
                         c.requests, c.since, c.never_there && rule.from_default_guard, c.control_blind, c.words,
                         e.evidence, c.where, c.places, c.trace, c.limit_why});
    }
    const bool shortened = d != nullptr && d->shortened.has_value();
    if (d != nullptr) shorten_bake(*d, e.report.excluded);
    const bool shortens = d != nullptr && d->shortened.has_value() != shortened;
    if (anew || health_changed || shortens || !e.report.changes.empty()) settle(e.service);
}

void Engine::on(const event::PowerFound& e) {
    const Deployment* d = state_.deployment(e.deploy);
    if (d != nullptr && d->open() && !e.words.empty()) note(PowerKnown{e.deploy, e.words});
}

void Engine::on(const event::Summarised& e) {
    const Deployment* d = state_.deployment(e.deploy);
    if (d != nullptr) {
        run_->services[d->service].summary_asked = false;
        if (d->open()) judge_pass(*d, e.rules);
        settle(d->service);
        return;
    }
    ServiceState& s = service(e.deploy);
    run_->services[e.deploy].summary_asked = false;
    const auto settings = settings_of(e.deploy);
    if (!s.adopting_since || settings == nullptr) return;
    const std::string version = s.adopting;
    if (const PassVerdict pass = judge_summary(*settings, e.rules); pass.passed) {
        note(AdoptionStarted{e.deploy, {}, {}});
        note(StandingChanged{e.deploy, version, Standing::Good,
                             "watched for " + to_words(settings->bake) + " at installation", "revertd"});
    } else {
        note(AdoptionStarted{e.deploy, version, pass.words + left_out_words(pass)});  // watched once more
    }
    settle(e.deploy);
}

void Engine::on(const event::Asked& e) {
    effect::Reply reply = std::visit([&](const auto& c) { return obey(c, e.peer); }, e.command);
    reply.to = e.reply_to;
    emit(std::move(reply));
}

// -- the frame

void Engine::settle(const std::string& name) {
    if (!run_->begun) return;
    for (int round = 0; round < kSettleRounds; ++round) {
        ServiceState& s = service(name);
        const std::string older = s.older, guard = s.guard;
        const bool moved = (!older.empty() && advance_guard(older)) || (!guard.empty() && advance_guard(guard)) ||
                           advance_adoption(name) || advance_incident(name) || advance_reminders(name) ||
                           advance_steady(name);
        if (!moved) break;
    }
    refresh_phase(name);
    refresh_due(name);
}

void Engine::refresh_phase(const std::string& name) {
    const ServiceState& s = service(name);
    const Deployment* guard = state_.deployment(s.guard);
    const JudgePhase wanted = judge_phase(state_, s, guard != nullptr ? pinned(*guard) : settings_of(name).get());
    Run::Service& run = run_->services[name];
    const bool same = run.phase && run.phase->kind == wanted.kind && run.phase->since == wanted.since;
    if (same) return;
    run.phase = wanted;
    effect::SetPhase effect{name, wanted, std::nullopt};
    if (guard != nullptr) effect.freeze_baseline = guard->started;
    emit(std::move(effect));
}

void Engine::refresh_due(const std::string& name) {
    Run::Service& run = run_->services[name];
    if (const auto old = due_of_.find(name); old != due_of_.end()) {
        due_.erase({old->second, name});
        due_of_.erase(old);
    }
    std::optional<Time> due = next_due(state_, service(name), settings_of(name).get(), now_.at);
    if (run.ask_again) sooner(due, *run.ask_again);
    if (run.resolve_again && !service(name).guard.empty()) sooner(due, *run.resolve_again);
    if (!due) return;
    const Time at = std::max(*due, now_.at + 1ms);  // what is due now was just looked at
    due_.insert({at, name});
    due_of_[name] = at;
}

void Engine::page(const Incident& incident, const std::string& kind, const std::string& summary,
                  const std::string& to) {
    const ServiceSettings* settings = settings_of_incident(incident);
    std::string level = incident.severity == Severity::P0 ? "critical" : "error";
    if (settings != nullptr && incident.severity != Severity::None) level = settings->policy(incident.severity).page;
    Paged f{incident.service, incident.deploy, incident.id, level, kind, summary, incident.words, to};
    describe(incident, settings, f);
    note(std::move(f));
}

void Engine::page(const Deployment& d, const std::string& level, const std::string& summary) {
    Paged f{d.service, d.id, {}, level, "trigger", summary, d.words};
    if (const ServiceSettings* settings = pinned(d)) f.facts = facts_of(*settings);
    note(std::move(f));
}

void Engine::page_critical(const Incident& incident, const std::string& summary, const std::string& details) {
    const ServiceSettings* settings = settings_of_incident(incident);
    Paged f{incident.service, incident.deploy, incident.id, "critical", "trigger", summary, details};
    describe(incident, settings, f);
    note(std::move(f));
}

const ServiceSettings* Engine::settings_of_incident(const Incident& incident) const {
    const Deployment* d = state_.deployment(incident.deploy);
    return d != nullptr ? pinned(*d) : settings_of(incident.service).get();
}

}  // namespace revertd
