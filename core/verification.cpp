// SPDX-License-Identifier: Apache-2.0
// Did it help (S36, S37)? Health and the deciding rule, on samples of the restored version only.
#include <algorithm>

#include "core/engine.h"
#include "core/engine_run.h"
#include "core/policy.h"

namespace revertd {

namespace {

/// Ok without a break for `clear_for`, and the breach is over.
bool clear(const RuleNow& rule, Duration clear_for, Time now) {
    return rule.verdict == Verdict::Ok && !rule.holds && now - rule.since >= clear_for;
}

/// What still speaks against "recovered"; empty: nothing.
std::string objection(const ServiceState& service, const Incident& incident, const ServiceSettings& settings, Time now,
                      Time started) {
    const VerifySettings& verify = settings.verify;
    if (verify.health_up && !settings.health.empty()) {
        const bool up =
            service.health == Health::Up && now - std::max(service.health_since, started) >= verify.clear_for;
        if (!up)
            return "health is " + std::string(to_string(service.health)) +
                   (service.health_words.empty() ? "" : " (" + service.health_words + ")");
    }
    for (std::size_t index = 0; index < settings.rules.size(); ++index) {
        const Rule& rule = settings.rules[index];
        // What the sequential test finds in the restored version was not the deploy, whichever rule decided.
        const auto found = service.rules.find(static_cast<std::uint32_t>(index));
        const bool tests = rule.kind == Rule::Kind::Detector && !worse(Severity::P1, rule.severity) && !verify.rule;
        if (tests && found != service.rules.end() && found->second.holds) return rule.text + ": " + found->second.words;
        const bool asked = verify.rule ? index == *verify.rule : rule.text == incident.rule && !is_rollout_rule(rule);
        if (!asked) continue;
        const auto now_it = service.rules.find(static_cast<std::uint32_t>(index));
        if (now_it == service.rules.end() || now_it->second.changed < started)
            return rule.text + " has not been judged yet";
        if (!clear(now_it->second, verify.clear_for, now))
            return rule.text + ": " +
                   (now_it->second.words.empty() ? std::string(to_string(now_it->second.verdict))
                                                 : now_it->second.words);
    }
    return {};
}

/// What the same tests that judged the deploy say of the restored version.
std::string proof(const ServiceState& service, const ServiceSettings& settings) {
    std::string out;
    for (const auto& [index, rule] : service.rules)
        if (index < settings.rules.size() && settings.rules[index].kind == Rule::Kind::Detector &&
            rule.verdict == Verdict::Ok && !rule.words.empty())
            out += "; " + rule.words;
    return out;
}

}  // namespace

void Engine::begin_verification(const Incident& i, const std::string& words) {
    const std::string from = i.from, id = i.id, name = i.service;
    note(VerificationStarted{id, now_.at});
    note(StandingChanged{name, from, Standing::Bad, "rolled back from (" + id + ")", "revertd"});
    page(i, "update", name + ": rolled back to " + i.to + ", verifying (" + words + ")");
}

/// S36: watched on for the report, which says how it was then.
bool Engine::advance_recovered(const Incident& i) {
    const bool watched = settings_of(i.service) != nullptr;
    if (now_.at < *i.recovered + kRecoveredWatch || (watched && !judged_anew(i.service))) return false;
    const ServiceState& s = service(i.service);
    std::string bad = s.health == Health::Down ? "health is down (" + s.health_words + ")" : std::string{};
    for (const auto& [index, rule] : s.rules)
        if (bad.empty() && rule.text == i.rule && rule.verdict == Verdict::Breach) bad = rule.words;
    close_incident(i.id, Reason::RolledBack,
                   "watched on for " + to_words(kRecoveredWatch) +
                       (bad.empty() ? ", stayed well" : ", is not well any more: " + bad));
    return true;
}

bool Engine::advance_verification(const Incident& i) {
    const Deployment* d = state_.deployment(i.deploy);
    const auto current = settings_of(i.service);
    const ServiceSettings* settings = d != nullptr ? pinned(*d) : current.get();
    if (settings == nullptr) return false;
    const Duration age = now_.at - *i.verifying_since;
    const std::string id = i.id, deploy = i.deploy, name = i.service, from = i.from, to = i.to;
    const bool early = age < settings->warmup + settings->verify.clear_for || !judged_anew(name);
    const std::string against = early ? "too early" : objection(service(name), i, *settings, now_.at, state_.started);
    if (against.empty()) {
        const std::string words = to + " is well: " + i.rule + " clear and health up for " +
                                  to_words(settings->verify.clear_for) + proof(service(name), *settings);
        note(VerificationEnded{id, words, true});
        note(IncidentMoved{id, IncidentState::Recovered, Stage::None, Reason::RolledBack, words});
        page(i, "resolve", name + ": recovered on " + to + proof(service(name), *settings));
        close_guard(deploy, DeployState::Regression, 10, Reason::RolledBack,
                    i.words + "; rolled back to " + to + ", verified");
        return true;
    }
    if (now_.at < verification_ends(i, *settings, state_.started)) return false;
    const std::string words =
        to + " runs and it is still bad: " + against + "; " + from + " was probably not the cause";
    note(VerificationEnded{id, words, false});
    note(StandingChanged{name, from, Standing::Suspect, "rolled back without recovery (" + id + ")", "revertd"});
    page_critical(*state_.incident(id), name + ": rolled back to " + to + " and NOT recovered, a person is needed",
                  words);
    note(IncidentMoved{id, IncidentState::Escalated, Stage::None, Reason::NotRecovered, words});
    close_guard(deploy, DeployState::Regression, 11, Reason::NotRecovered, words);
    return true;
}

}  // namespace revertd
