// SPDX-License-Identifier: Apache-2.0
// The life of a guard: opened by a start or by sight (S5-S8), rolling (S9), baking until its fixed end (S10, S11), and
// what is said of it then (S26).
#include <algorithm>

#include "core/engine.h"
#include "core/engine_run.h"
#include "core/policy.h"
#include "core/target.h"
#include "core/words.h"

namespace revertd {

namespace {

constexpr int kEqualReads = 3;   // S5: a version must be read this often in a row to be believed
constexpr int kSilentReads = 3;  // so many reads in a row without an answer are silence; fewer, a hiccup
constexpr int kBackReads = 10;   // S7: so many reads of `from` alone before somebody else is said to have undone it

bool can_be_asked(const ServiceSettings& s) {
    return s.observes || s.current.has_value();
}

bool any_good(const ServiceState& service) {
    return std::any_of(service.ledger.begin(), service.ledger.end(),
                       [](const LedgerEntry& e) { return e.standing == Standing::Good; });
}

bool any_holds(const ServiceState& service, Severity at_least) {
    return std::any_of(service.rules.begin(), service.rules.end(),
                       [&](const auto& r) { return r.second.holds && !worse(at_least, r.second.severity); });
}

/// S4: of the artifact, as the deploy tool told it by `--meta digest=…`.
std::string digest_of(const Meta& meta) {
    for (const auto& [key, value] : meta)
        if (key == "digest") return value;
    return {};
}

/// S1: what ran before is a target while the service has no good version yet.
bool may_declare(const ServiceState& service, const std::string& from, const std::string& version) {
    if (from.empty() || from == version || service.standing(from) != Standing::Unknown) return false;
    return !any_good(service);
}

}  // namespace

std::optional<Time> Engine::bake_ends(const Deployment& d) {
    if (!d.first_seen || !d.settings) return std::nullopt;
    const ServiceSettings& s = *d.settings;
    const Time limit = d.started + s.rollout;
    Time end = *d.first_seen + s.bake;
    if (s.settles) end = std::max(end, d.settled ? (*d.settled <= limit ? *d.settled + s.bake : limit) : limit);
    if (d.finish && *d.finish <= limit) end = std::max(end, *d.finish + s.bake);
    if (d.shortened) end = std::min(end, *d.shortened);
    if (d.extended) end = std::max(end, *d.extended);
    return end;
}

// -- opening

/// S9: the rule that held already when the deploy began, by its sentence.
std::string Engine::broken_before(const std::string& name, const ServiceSettings& settings, Time started) const {
    const auto& holding = run_->services[name].holding;
    for (const Rule& rule : settings.rules)
        if (const auto it = holding.find(rule.text); it != holding.end() && it->second <= started) return rule.text;
    return {};
}

std::string Engine::open_guard(const command::DeployStart& start, const Peer* peer, const std::string& opened_by,
                               Time started) {
    const auto settings = settings_of(start.service);
    ServiceState& s = service(start.service);
    if (const Deployment* newest = state_.deployment(s.guard)) {
        if (!newest->first_seen)
            close_guard(newest->id, DeployState::Superseded, 13, Reason::Newer,
                        "superseded by " + start.version + " before it was seen");
        else if (const Incident* i = state_.incident(s.incident); i != nullptr && i->approval && !i->acted())
            note(ApprovalVoided{i->id, "void: deploy of " + start.version + " has started"});
    }
    const Incident* left = state_.incident(s.incident);
    if (left != nullptr && (left->state == IncidentState::Escalated || left->recovered || left->deploy != s.guard))
        close_incident(left->id, Reason::Newer, "deploy of " + start.version + " has started");
    GuardOpened f;
    f.deploy = start.id.empty() ? "d-" + std::to_string(state_.seq + 1) : start.id;
    f.service = start.service, f.version = start.version, f.migration = start.migration, f.meta = start.meta;
    f.from = !start.from.empty() ? start.from : s.live == start.version ? std::string{} : s.live;
    f.by = start.by, f.opened_by = opened_by, f.started = started,
    f.config = settings_ ? settings_->hash : std::string{};
    if (peer != nullptr) f.by_uid = peer->uid, f.by_known = start.by.empty() || start.by == peer->user;
    if (f.by.empty() && peer != nullptr) f.by = peer->user;
    note(f);
    if (const std::string rule = broken_before(f.service, *settings, started); !rule.empty())
        note(BrokenBefore{f.deploy, rule});
    if (may_declare(s, f.from, f.version))
        note(StandingChanged{f.service, f.from, Standing::Declared,
                             start.from.empty() ? "ran before the deploy" : "named by --from", f.by});
    if (!can_be_asked(*settings)) first_sight(f.deploy, now_.at);  // S12: nothing can be asked
    Run::Service& run = run_->services[f.service];
    run.candidate.clear(), run.equal = 0, run.back = 0, run.last.reset();
    return f.deploy;
}

// -- reads of the running version

void Engine::on(const event::Observed& e) {
    Run::Service& run = run_->services[e.service];
    const Incident* incident = state_.incident(service(e.service).incident);
    if (e.token == 0) {
        hear_version(e.service, e.observation);
        read_version(e.service, e.observation);
    } else if (e.token == run.token && incident != nullptr) {
        run.token = 0;
        switch (incident->stage) {
            case Stage::Observing:
                observed_before(*incident, e.observation);
                break;
            case Stage::Confirming:
                observed_while_confirming(*incident, e.observation);
                break;
            case Stage::Reconciling:
                observed_after_unknown(*incident, e.observation);
                break;
            case Stage::None:
            case Stage::Intending:
            case Stage::Running:
            case Stage::Asking:
                break;  // a late answer to a question that no longer matters
        }
    }
    settle(e.service);
}

void Engine::hear_version(const std::string& name, const Observation& read) {
    Run::Service& run = run_->services[name];
    const bool silent = read.kind == Observation::Kind::NoAnswer;
    if (silent && run.unanswered++ == 0) run.unanswered_since = read.read;
    if (silent) run.unanswered_why = read.words;
    if (!silent) run.unanswered = 0;
    run.last = read;
}

std::optional<Engine::Silence> Engine::version_silence(const std::string& name) const {
    const auto run = run_->services.find(name);
    const auto settings = settings_of(name);
    const bool asked = settings != nullptr && can_be_asked(*settings);  // a reload may have taken the question away
    if (!asked || run == run_->services.end() || run->second.unanswered < kSilentReads) return std::nullopt;
    const std::string& why = run->second.unanswered_why;
    return Silence{run->second.unanswered_since, std::string(settings->observes ? "the platform" : "`current`") +
                                                     " does not say which version runs" +
                                                     (why.empty() ? "" : ": " + why)};
}

/// A version that was started and did not stay up is in place as much as one that runs: without this a release that
/// crashes at once would never be seen, and never be undone.
void Engine::read_tried(const std::string& name, const Observation& read) {
    if (read.tried.empty() || !settings_of(name)) return;
    const ServiceState& s = service(name);
    const Deployment* guard = state_.deployment(s.guard);
    const bool unseen = guard != nullptr && read.tried == guard->version && !guard->first_seen;
    const bool another = guard == nullptr && !s.live.empty() && read.tried != s.live && read.tried != s.restored;
    if (!unseen && !another) return;
    Observation seen = read;
    seen.kind = Observation::Kind::Version, seen.version = read.tried, seen.settled = false;
    read_version(name, seen);
}

void Engine::read_version(const std::string& name, const Observation& read) {
    if (read.kind == Observation::Kind::Nothing) return read_tried(name, read);
    if (read.kind != Observation::Kind::Version || !settings_of(name)) return;
    const ServiceState& s = service(name);
    if (const Deployment* guard = state_.deployment(s.guard)) {
        const Deployment* older = state_.deployment(s.older);
        const Incident* incident = state_.incident(s.incident);
        const bool known = read.version == guard->version || read.version == guard->from ||
                           read.version == s.restored || (older != nullptr && read.version == older->version) ||
                           (incident != nullptr && (read.version == incident->to || read.version == incident->from));
        read_in_guard(*guard, read);
        if (!known) return read_another(name, read);
    } else if (s.live.empty()) {
        note(VersionSeen{name, read.version, "runs at installation"});
        if (!any_good(s)) note(AdoptionStarted{name, read.version, {}});
    } else if (read.version == s.restored && read.version != s.live) {
        note(VersionSeen{name, read.version, "restored by revertd"});  // S6: verified, not guarded
    } else if (read.version != s.live) {
        return read_another(name, read);
    }
    run_->services[name].equal = 0;
}

/// S5: another version, read three times in a row, opens a guard whose start and first sight are the first of the
/// three.
void Engine::read_another(const std::string& name, const Observation& read) {
    Run::Service& run = run_->services[name];
    if (read.version != run.candidate) run.candidate = read.version, run.equal = 0;
    if (run.equal++ == 0) run.candidate_since = read.read;
    const Incident* incident = state_.incident(service(name).incident);
    if (run.equal < kEqualReads || (incident != nullptr && incident->acting())) return;
    command::DeployStart start;
    start.service = name, start.version = read.version;
    const Time first = run.candidate_since;
    const std::string id = open_guard(start, nullptr, "probe", first);
    if (!state_.deployment(id)->first_seen) first_sight(id, first);
}

/// From here on the new version is judged, and the older deploy is over (S8); a rollback of it that is running is
/// brought to its known end first.
void Engine::first_sight(const std::string& id, Time at) {
    note(FirstSeen{id, at});
    close_superseded(state_.deployment(id)->service);
}

bool Engine::close_superseded(const std::string& name) {
    const ServiceState& s = service(name);
    const Deployment* newer = state_.deployment(s.guard);
    const Deployment* older = state_.deployment(s.older);
    if (older == nullptr || newer == nullptr || !newer->first_seen) return false;
    const Incident* i = state_.incident(s.incident);
    const bool runs = i != nullptr && i->deploy == older->id && (i->acting() || i->state == IncidentState::Verifying);
    if (runs) return false;
    close_guard(older->id, DeployState::Superseded, 13, Reason::Newer, "superseded by " + newer->version);
    return true;
}

void Engine::read_in_guard(const Deployment& d, const Observation& read) {
    ServiceState& s = service(d.service);
    Run::Service& run = run_->services[d.service];
    const ServiceSettings* settings = pinned(d);
    if (read.version == d.version) {
        run.back = 0;
        if (!d.first_seen) first_sight(d.id, now_.at);
        if (settings != nullptr && settings->settles && read.settled && !d.settled) note(Settled{d.id});
        return;
    }
    const Incident* incident = state_.incident(s.incident);
    const bool ours = incident != nullptr && (incident->acting() || incident->state == IncidentState::Verifying);
    const bool before = read.version == d.from || read.version == s.restored;
    if (!d.first_seen || ours || !before || settings == nullptr) {
        run.back = 0;
        return;
    }
    if (run.back++ == 0) run.back_since = read.read;
    if (run.back < kBackReads || read.read - run.back_since < settings->warmup) return;
    const std::string from = read.version, service_name = d.service;
    close_guard(d.id, DeployState::Aborted, 15, Reason::UndoneElsewhere, "somebody else put " + from + " back");
    note(VersionSeen{service_name, from, "put back by somebody else"});
}

// -- from start to end

bool Engine::advance_guard(const std::string& id) {
    const Deployment* d = state_.deployment(id);
    if (d == nullptr || !d->open()) return false;
    const ServiceSettings* settings = pinned(*d);
    if (settings == nullptr) return false;
    if (service(d->service).older == id && close_superseded(d->service)) return true;
    if (service(d->service).guard == id) ask_resolvers(*d, *settings);
    if (!d->first_seen) return advance_rolling(*d, *settings);
    if (judge_rollout(*d, *settings) || page_if_blind(*d, *settings)) return true;
    const auto end = bake_ends(*d);
    return end && now_.at >= *end && end_bake(*d);
}

/// S9: the old version still runs; nothing acts, and a rule that holds is remembered.
bool Engine::advance_rolling(const Deployment& d, const ServiceSettings& settings) {
    const ServiceState& s = service(d.service);
    const std::string id = d.id;
    if (d.broken_before.empty() && any_holds(s, Severity::P1)) {
        const auto rule = std::find_if(s.rules.begin(), s.rules.end(), [](const auto& r) {
            return r.second.holds && !worse(Severity::P1, r.second.severity);
        });
        note(BrokenBefore{id, rule->second.text});
        return true;
    }
    if (now_.at < d.started + settings.rollout || !version_heard_anew(d.service)) return false;
    const auto silence = version_silence(d.service);
    const std::string why = silence ? " (" + silence->words + ")" : std::string{};
    close_guard(id, DeployState::Inconclusive, 14, Reason::NeverSeen,
                d.version + " was never seen within " + to_words(settings.rollout) + why);
    page(*state_.deployment(id), "warning", d.service + " " + d.version + ": never seen, nothing judged" + why);
    return true;
}

/// S11: a rollout that has not settled in time is P1, until it has.
bool Engine::judge_rollout(const Deployment& d, const ServiceSettings& settings) {
    const ServiceState& s = service(d.service);
    const auto rule = s.rules.find(kRolloutStuck);
    const bool holds = rule != s.rules.end() && rule->second.holds;
    const bool stuck = settings.settles && !d.settled && now_.at >= d.started + settings.rollout;
    const bool told = rule != s.rules.end() && rule->second.changed >= state_.started;  // a restart has it asked anew
    if (stuck ? told || !version_heard_anew(d.service) : !holds) return false;
    RuleChanged f;
    f.service = d.service, f.rule = kRolloutStuck, f.text = "rollout stuck", f.severity = Severity::P1;
    f.verdict = stuck ? Verdict::Breach : Verdict::Ok, f.holds = stuck,
    f.since = stuck && holds ? rule->second.since : now_.at;
    f.words = stuck ? "rollout of " + d.version + " has not settled within " + to_words(settings.rollout) : "settled";
    note(f);
    return true;
}

/// S26: one page a guard for a P0 or P1 rule that cannot be judged.
bool Engine::page_if_blind(const Deployment& d, const ServiceSettings& settings) {
    if (d.blind_paged) return false;
    for (const auto& [index, rule] : service(d.service).rules) {
        const bool matters = !worse(Severity::P1, rule.severity) && is_blind(rule.verdict) && !rule.never_there;
        const Duration blind_for = now_.at - rule.since;
        if (!matters || blind_for < std::max(hold_of(&settings, rule.text), kFreshAtLeast)) continue;
        note(BlindPaged{d.id});
        page(d, "warning",
             d.service + " " + d.version + ": blind, " + rule.text + " cannot be judged since " + to_words(blind_for) +
                 " (" + rule.words + ")");
        return true;
    }
    return false;
}

/// S11: data only ends a bake earlier, and never before the rollout is complete.
void Engine::shorten_bake(const Deployment& d, double excluded) {
    const ServiceSettings* settings = pinned(d);
    if (settings == nullptr || d.shortened || !d.first_seen || settings->until_excluded <= 0) return;
    if (!(excluded <= settings->until_excluded) || (settings->settles && !d.settled)) return;
    const Time from = std::max(*d.first_seen, d.settled.value_or(*d.first_seen));
    const Duration baked = now_.at - from;
    if (baked < std::max(settings->bake_at_least, settings->warmup)) return;
    if (any_holds(service(d.service), Severity::P2)) return;
    note(BakeShortened{d.id,
                       "more than " + value_words(settings->until_excluded, Unit::None) +
                           " times of before is excluded after " +
                           to_words(std::chrono::floor<std::chrono::seconds>(baked)),
                       now_.at});
}

/// What is still open at the end of the bake; an incident that waits or acts goes on.
bool Engine::end_bake(const Deployment& d) {
    ServiceState& s = service(d.service);
    const std::string id = d.id;
    if (s.older == id) return false;            // S8: judged when it is known what becomes of the newer one
    if (!judged_anew(d.service)) return false;  // S38: its end may have passed while nobody looked
    const Incident* incident = state_.incident(s.incident);
    if (incident != nullptr && incident->deploy != id) incident = nullptr;
    if (incident != nullptr) {
        switch (incident->state) {
            case IncidentState::Deciding:
            case IncidentState::AwaitingApproval:
            case IncidentState::Acting:
            case IncidentState::Verifying:
                return false;
            case IncidentState::Watching:
            case IncidentState::Held:
            case IncidentState::Recovered:
            case IncidentState::NotRecovered:
            case IncidentState::Escalated:
            case IncidentState::Closed:
                break;
        }
        if (incident->gate == Reason::HoldFix) return false;  // its own end comes first
        // S8: the newer one is over, this one is judged as it is now: decided anew, or recovered by itself.
        if (incident->state == IncidentState::Held && incident->gate == Reason::Deploying) return false;
        if (sees_again_soon(state_, *incident, settings_of_incident(*incident), now_.at)) return false;
        const Reason gate = incident->gate == Reason::None ? Reason::Policy : incident->gate;
        const bool tried = incident->acted();
        const std::string words = incident->words + "; not rolled back: " +
                                  (incident->gate_words.empty() ? "by policy" : incident->gate_words);
        if (tried)  // a person is needed, and the incident stays open until one has said what it was
            note(IncidentMoved{incident->id, IncidentState::Escalated, Stage::None, gate, incident->gate_words});
        close_guard(id, DeployState::Regression, tried ? 11 : 12, tried ? Reason::NotRecovered : gate, words);
        return true;
    }
    Run::Service& run = run_->services[d.service];
    if (run.summary_asked) return false;
    run.summary_asked = true;
    emit(effect::Summarise{d.service, id});
    return false;
}

void Engine::judge_pass(const Deployment& d, const std::vector<RuleSummary>& rules) {
    const ServiceSettings* settings = pinned(d);
    const std::string id = d.id;
    const Incident* incident = state_.incident(state_.service(d.service)->incident);
    const bool own = incident != nullptr && incident->deploy == id;  // another one, e.g. an order, says nothing of it
    if (settings == nullptr || own) return;
    if (d.p2_held) return close_guard(id, DeployState::Regression, 12, Reason::Policy, "P2 held: " + d.evidence_words);
    const PassVerdict pass = judge_summary(*settings, rules);
    if (pass.breached_at_end && !d.extended) {
        note(BakeExtended{id, pass.rule, now_.at + std::max(pass.hold, settings->interval)});
        return;
    }
    std::string left_out = left_out_words(pass);
    if (!d.incident.empty())
        return close_guard(id, DeployState::Inconclusive, 14, Reason::RecoveredByItself,
                           "a rule held and cleared by itself" + left_out);
    if (pass.passed) {
        const std::string p3 = d.p3_held ? "; P3 held: " + d.evidence_words : std::string{};
        const Duration baked = d.shortened ? now_.at - *d.first_seen : settings->bake;
        for (const std::string& excluded : pass.excluded) left_out += "; " + excluded;
        return close_guard(id, DeployState::Healthy, 0, Reason::BakePassed,
                           "healthy for " + to_words(std::chrono::floor<std::chrono::seconds>(baked)) + left_out + p3,
                           pass.excluded);
    }
    if ((pass.blind_at_end || pass.blind_too_long) && !d.blind_paged) {
        const char* when = pass.blind_at_end ? ": blind at the end of the bake (" : ": blind for much of the bake (";
        note(BlindPaged{id});
        page(d, "warning", d.service + " " + d.version + when + pass.words + ")");
    }
    close_guard(id, DeployState::Inconclusive, 14, pass.blind_at_end ? Reason::Blind : Reason::Inconclusive,
                pass.words + left_out);
}

/// Who was asked, or told, hears that it is over, or that nobody looks any more.
void Engine::take_back(const Incident& i, Reason reason, const std::string& words) {
    if (reason == Reason::Newer || reason == Reason::UndoneElsewhere)  // the judged version runs no more
        page(i, "resolve", i.service + " " + i.from + ": " + words + (i.acted() ? "" : ", nothing was done"));
    else if (reason == Reason::Removed || reason == Reason::AbortedByPerson)
        page(i, "update", i.service + " " + i.from + ": not watched any more: " + words);
}

void Engine::close_guard(const std::string& id, DeployState state, int exit_code, Reason reason,
                         const std::string& words, const std::vector<std::string>& excluded) {
    const Deployment* d = state_.deployment(id);
    if (d == nullptr || !d->open()) return;
    const std::string service_name = d->service, version = d->version, digest = digest_of(d->meta);
    const bool a_rule_held = d->p2_held || !d->incident.empty() || any_holds(service(service_name), Severity::P1);
    const bool seen = d->first_seen.has_value();
    if (const Incident* i = state_.incident(service(service_name).incident);
        i != nullptr && i->deploy == id && exit_code != 10 && i->state != IncidentState::Escalated) {
        take_back(*i, reason, words);
        close_incident(i->id, reason, words);
    }
    note(GuardClosed{id, state, exit_code, reason, words, excluded});
    const Standing standing = service(service_name).standing(version);
    const auto mark = [&](Standing to, const std::string& why) {
        if (standing != Standing::Bad && standing != to)
            note(StandingChanged{service_name, version, to, why, "revertd", digest});
    };
    if (state == DeployState::Healthy) {
        mark(Standing::Good, "passed its bake (" + id + ")");
        if (standing == Standing::Good)
            note(StandingChanged{service_name, version, Standing::Good, "passed its bake (" + id + ")", "revertd",
                                 digest});
    }
    const bool suspect = (exit_code == 14 && seen) || exit_code == 12 || (exit_code == 13 && a_rule_held && seen) ||
                         reason == Reason::UndoneElsewhere;
    if (suspect) mark(Standing::Suspect, std::string(to_string(state)) + " (" + id + "): " + words);
}

/// S1: the version that runs at installation is good after one healthy bake.
bool Engine::advance_adoption(const std::string& name) {
    ServiceState& s = service(name);
    const auto settings = settings_of(name);
    Run::Service& run = run_->services[name];
    if (!s.adopting_since || settings == nullptr || run.summary_asked || !judged_anew(name)) return false;
    if (now_.at < *s.adopting_since + settings->bake) return false;
    run.summary_asked = true;
    emit(effect::Summarise{name, name});
    return false;
}

}  // namespace revertd
