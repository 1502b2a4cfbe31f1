// SPDX-License-Identifier: Apache-2.0
// Outside of guards, where `steady: page` is set (S14): the rules page, and nothing acts. One problem of a service is
// one page, however many of its rules hold; it is resolved when the last of them is clear.
#include <algorithm>

#include "core/engine.h"
#include "core/engine_run.h"
#include "core/policy.h"

namespace revertd {

namespace {

/// The worst of what holds; None if nothing does.
Severity worst_of(const std::map<std::string, SteadyNow>& steady) {
    Severity worst = Severity::None;
    for (const auto& [rule, now] : steady)
        if (worse(now.severity, worst)) worst = now.severity;
    return worst;
}

const Rule* rule_of(const ServiceSettings& settings, const std::string& text) {
    const auto is = [&](const Rule& rule) { return rule.text == text && rule.severity != Severity::None; };
    const auto at = std::find_if(settings.rules.begin(), settings.rules.end(), is);
    return at == settings.rules.end() ? nullptr : &*at;
}

}  // namespace

bool Engine::advance_steady(const std::string& name) {
    const ServiceState& s = service(name);
    const auto settings = settings_of(name);
    const auto& judged = run_->services[name].judged;
    for (const auto& [text, change] : judged) {
        const bool told = s.steady.contains(text);
        // What was told is over only when it is seen to be: a blind rule is not, nor one that a phase began anew.
        if (told && !change.holds && change.verdict == Verdict::Ok) return end_steady(name, text, change.words);
        const bool alone = s.guard.empty() && s.incident.empty();
        const bool begins = !told && alone && change.holds && change.verdict == Verdict::Breach;
        const Rule* rule = begins && settings && settings->steady ? rule_of(*settings, text) : nullptr;
        if (rule != nullptr) return note_steady(name, change, *rule);
    }
    return false;
}

bool Engine::note_steady(const std::string& name, const RuleChange& change, const Rule& rule) {
    const ServiceState& s = service(name);
    const bool first = s.steady.empty();
    const bool rises = worse(rule.severity, worst_of(s.steady));
    note(SteadyChanged{name, rule.text, change.words, rule.severity, true, change.value, change.limit, change.baseline,
                       change.since});
    if (rises)
        page_steady(s, rule.text, "trigger", name + (first ? " is bad: " : " is worse: ") + change.words, change.words);
    return true;
}

bool Engine::end_steady(const std::string& name, const std::string& rule, const std::string& words) {
    const ServiceState& s = service(name);
    const SteadyNow was = s.steady.at(rule);
    note(SteadyChanged{name, rule, words, was.severity, false, was.value, was.limit, was.baseline, now_.at});
    if (s.steady.empty())
        page_steady(s, rule, "resolve", name + ": " + rule + " is ok again" + (words.empty() ? "" : " (" + words + ")"),
                    words);
    return true;
}

void Engine::page_steady(const ServiceState& s, const std::string& rule, const std::string& kind,
                         const std::string& summary, const std::string& details) {
    const auto settings = settings_of(s.name);
    const ServiceSettings* known = settings.get();
    const Rule* about = known != nullptr ? rule_of(*known, rule) : nullptr;
    const std::string level = about != nullptr ? known->policy(about->severity).page : "warning";
    Paged f{s.name, {}, {}, level, kind, summary, details};
    f.about = "steady";
    if (about != nullptr) f.facts.emplace_back("severity", std::string(to_string(about->severity)));
    f.facts.emplace_back("version", s.live);
    f.facts.emplace_back("rule", rule);
    if (known != nullptr)
        for (auto& fact : facts_of(*known)) f.facts.push_back(std::move(fact));
    if (kind == "trigger" && known != nullptr && !known->ladder.empty()) f.to = known->ladder.front().to;
    note(std::move(f));
}

/// A reload may have taken away what was told: then nobody will ever see it clear.
void Engine::forget_unjudged() {
    for (auto& [name, s] : state_.services) {
        const auto settings = settings_of(name);
        std::vector<std::string> gone;
        for (const auto& [rule, now] : s.steady)
            if (!settings || !settings->steady || rule_of(*settings, rule) == nullptr) gone.push_back(rule);
        for (const std::string& rule : gone) end_steady(name, rule, "no longer judged outside of deploys");
    }
}

}  // namespace revertd
