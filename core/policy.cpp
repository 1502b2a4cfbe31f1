// SPDX-License-Identifier: Apache-2.0
#include "core/policy.h"

#include <algorithm>

#include "core/engine.h"
#include "core/engine_run.h"
#include "core/gates.h"
#include "core/well_known.h"

namespace revertd {

namespace {

constexpr double kOkShare = 0.8;  // S26: ok in this share of its slots after warm-up

/// The tighter of two limits; a count of 0 is no limit.
RateLimit stricter(const RateLimit& a, const RateLimit& b) {
    if (a.count == 0 || b.count == 0) return a.count == 0 ? b : a;
    return {std::min(a.count, b.count), std::max(a.per, b.per)};
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? "0 %" : std::to_string(part * 100 / whole) + " %";
}

void due_of_guard(const Deployment& d, const ServiceState& service, const ServiceSettings& settings, Time now,
                  std::optional<Time>& due) {
    const auto later = [&](Time at) {
        if (at > now) sooner(due, at);  // what is past has been looked at, and waits for something else
    };
    later(d.started + settings.rollout);
    if (const auto end = Engine::bake_ends(d)) later(*end);
    if (d.blind_paged) return;
    for (const auto& [index, rule] : service.rules) {
        if (is_blind(rule.verdict)) later(rule.since + std::max(hold_of(&settings, rule.text), kFreshAtLeast));
    }
}

void due_of_incident(const Incident& incident, const ServiceState& service, const ServiceSettings* settings, Time now,
                     Time started, std::optional<Time>& due) {
    const auto later = [&](Time at) {
        if (at > now) sooner(due, at);
    };
    if (incident.approval) later(incident.approval->until);
    if (incident.hold_until) later(*incident.hold_until);
    if (incident.recovered) later(*incident.recovered + kRecoveredWatch);
    if (incident.verifying_since && settings != nullptr) {
        const Time clear_from = *incident.verifying_since + settings->warmup + settings->verify.clear_for;
        later(clear_from);
        later(verification_ends(incident, *settings, started));
        later(started + settings->verify.clear_for);
        for (const auto& [index, rule] : service.rules) later(rule.since + settings->verify.clear_for);
        later(service.health_since + settings->verify.clear_for);
    }
    for (const auto& [index, rule] : service.rules)
        later(rule.since + std::max(hold_of(settings, rule.text), kFreshAtLeast));
    if (settings != nullptr)
        for (const Time at : reminders_due(incident, *settings)) later(at);
    if (incident.has_intent() && !incident.attempts.back().outcome) later(incident.attempts.back().intent.deadline);
    if (incident.state == IncidentState::Held && service.last_incident_acted && settings != nullptr) {
        later(*service.last_incident_acted + settings->limits.cooldown);
        for (const Time t : service.intents) later(t + settings->limits.per_service.per);
    }
}

}  // namespace

Mode stricter_mode(const ServiceSettings* pinned, const ServiceSettings* current) {
    Mode mode = Mode::Enforce;
    for (const ServiceSettings* s : {pinned, current})
        if (s != nullptr) mode = std::min(mode, s->mode);
    return mode;
}

SeverityPolicy stricter_policy(Severity severity, const ServiceSettings* pinned, const ServiceSettings* current) {
    if (pinned == nullptr && current == nullptr) return {};
    if (pinned == nullptr || current == nullptr) return (pinned != nullptr ? pinned : current)->policy(severity);
    SeverityPolicy p = pinned->policy(severity);
    const SeverityPolicy& c = current->policy(severity);
    p.rollback = std::max(p.rollback, c.rollback);
    p.quorum = std::max(p.quorum, c.quorum);
    p.anyone = p.anyone && c.anyone;
    if (p.by.empty()) p.by = c.by;
    if (p.no_answer == SeverityPolicy::NoAnswer::Rollback) p.no_answer = c.no_answer;
    return p;
}

Limits stricter_limits(const ServiceSettings* pinned, const ServiceSettings* current) {
    if (pinned == nullptr && current == nullptr) return {};
    if (pinned == nullptr || current == nullptr) return (pinned != nullptr ? pinned : current)->limits;
    const Limits &p = pinned->limits, &c = current->limits;
    return {stricter(p.per_service, c.per_service), stricter(p.overall, c.overall), std::min(p.attempts, c.attempts),
            std::max(p.cooldown, c.cooldown)};
}

const Hours* ask_only_hours(const ServiceSettings* pinned, const ServiceSettings* current, WallTime now) {
    for (const ServiceSettings* s : {pinned, current})
        if (const Hours* hours = s != nullptr ? within(s->ask_only, now) : nullptr) return hours;
    return nullptr;
}

JudgePhase judge_phase(const State& state, const ServiceState& service, const ServiceSettings* settings) {
    using Kind = JudgePhase::Kind;
    const Duration warmup = settings != nullptr ? settings->warmup : Duration{};
    const Incident* incident = state.incident(service.incident);
    if (incident != nullptr && incident->state == IncidentState::Verifying)
        return {Kind::Verifying, *incident->verifying_since, *incident->verifying_since + warmup};
    const Deployment* guard = state.deployment(service.guard);
    if (guard != nullptr && !guard->first_seen) {
        const Deployment* older = state.deployment(service.older);
        if (older == nullptr || !older->first_seen) return {Kind::Rolling, guard->started, guard->started};
        guard = older;  // its version still runs
    }
    if (guard != nullptr) return {Kind::Baking, *guard->first_seen, *guard->first_seen + warmup};
    if (service.adopting_since) return {Kind::Good, *service.adopting_since, *service.adopting_since};
    const Standing live = service.standing(service.live);
    const bool any_good = std::any_of(service.ledger.begin(), service.ledger.end(),
                                      [](const LedgerEntry& e) { return e.standing == Standing::Good; });
    const bool counts = service.live.empty() || live == Standing::Good || (!any_good && live != Standing::Bad);
    return {counts ? Kind::Good : Kind::Apart, Time{}, Time{}};
}

Time verification_ends(const Incident& incident, const ServiceSettings& settings, Time started) {
    const Time end = *incident.verifying_since + settings.verify.within;
    if (started <= *incident.verifying_since) return end;
    return std::max(end, started + settings.warmup + 2 * settings.verify.clear_for);
}

std::optional<Time> next_due(const State& state, const ServiceState& service, const ServiceSettings* current,
                             Time now) {
    std::optional<Time> due;
    for (const std::string& id : {service.guard, service.older}) {
        const Deployment* d = state.deployment(id);
        const ServiceSettings* settings = d != nullptr && d->settings ? d->settings.get() : current;
        if (d != nullptr && settings != nullptr) due_of_guard(*d, service, *settings, now, due);
    }
    if (const Incident* incident = state.incident(service.incident)) {
        const Deployment* d = state.deployment(incident->deploy);
        const ServiceSettings* settings = d != nullptr && d->settings ? d->settings.get() : current;
        due_of_incident(*incident, service, settings, now, state.started, due);
        const Time judged_anew = state.started + hold_of(settings, incident->rule);  // S30, after a restart
        if (incident->approval && judged_anew > now) sooner(due, judged_anew);
        const Time seen_again = state.started + std::max(hold_of(settings, incident->rule), kFreshAtLeast);
        if (incident->state == IncidentState::Held && seen_again > now) sooner(due, seen_again);
    }
    if (service.adopting_since && current != nullptr && *service.adopting_since + current->bake > now)
        sooner(due, *service.adopting_since + current->bake);
    return due;
}

/// A process that does not restart and whose files do not run out has not shown yet that it does its work.
static bool makes_no_pass(const ServiceSettings& settings, const Rule& rule) {
    return rule.kind == Rule::Kind::Detector && rule.signal < settings.signals.size() &&
           is_of_process(settings.signals[rule.signal]);
}

std::string left_out_words(const PassVerdict& pass) {
    std::string out;
    for (const std::string& rule : pass.left_out) out += "; not judged: " + rule;
    return out;
}

PassVerdict judge_summary(const ServiceSettings& settings, const std::vector<RuleSummary>& rules) {
    PassVerdict out;
    int judgeable = 0;
    const auto fail = [&](const Rule& rule, std::string words) {
        if (!out.words.empty()) return;
        out.words = std::move(words), out.rule = rule.text, out.hold = rule.hold;
    };
    for (const RuleSummary& s : rules) {
        if (s.rule >= settings.rules.size()) continue;
        const Rule& rule = settings.rules[s.rule];
        if (worse(Severity::P1, rule.severity) || is_rollout_rule(rule)) continue;
        const bool aside = makes_no_pass(settings, rule);
        if (rule.from_default_guard && s.never_there) {
            if (!aside) out.left_out.push_back(rule.text + " (its signal was never there)");
            continue;
        }
        if (s.insufficient == s.slots) {  // S26: computed once over the whole bake
            const std::string why = s.words.empty() ? "never sufficient" : s.words;
            if (s.whole_bake_breach)
                fail(rule,
                     rule.text + ": beyond its bound over the whole bake, insufficient in every slot of it: " + why);
            else
                out.left_out.push_back(rule.text + " (" + why + ")");
            continue;
        }
        if (!aside) ++judgeable;
        if (!s.excluded.empty()) out.excluded.push_back(s.excluded);
        if (is_blind(s.last)) out.blind_at_end = true;
        if (s.last == Verdict::Breach) out.breached_at_end = true;
        if (s.last != Verdict::Ok)
            fail(rule, rule.text + " was " + std::string(to_string(s.last)) + " at the end of the bake" +
                           (s.words.empty() ? "" : ": " + s.words));
        const auto enough = static_cast<double>(s.ok) >= kOkShare * static_cast<double>(s.slots);
        const auto blind = static_cast<double>(s.blind) > (1 - kOkShare) * static_cast<double>(s.slots);
        out.blind_too_long = out.blind_too_long || (!enough && blind);
        if (!enough)
            fail(rule, rule.text + " was ok in " + percent(s.ok, s.slots) + " of its slots only (80 % make a pass)");
    }
    if (out.words.empty() && judgeable == 0) out.words = "no P0 or P1 rule could be judged";
    out.passed = out.words.empty();
    return out;
}

}  // namespace revertd
