// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>
#include <regex>

#include "tests/sim/scenario.h"

namespace revertd::sim {

namespace {

using Words = std::smatch;

struct Sentence {
    const char* pattern;
    std::function<Result<void>(const Stage&, const Words&)> check;
};

Result<void> same(const std::string& what, const std::string& is, const std::string& expected) {
    if (is == expected) return {};
    return Error(ErrorCode::Conflict, what + " is " + (is.empty() ? "nothing" : is) + ", expected " + expected);
}

Result<void> yes(bool is, const std::string& otherwise) {
    if (is) return {};
    return Error(ErrorCode::Conflict, otherwise);
}

template <class T>
std::string text(T value) {
    return std::string(to_string(value));
}

/// The deployment that a sentence means: the one of that version, or the newest of the service.
const Deployment* deployment(const Stage& s, const std::string& version = {}) {
    const Deployment* newest = nullptr;
    for (const auto& [id, d] : s.world.state().deployments)
        if (d.service == s.service && (version.empty() || d.version == version) &&
            (newest == nullptr || newest->started <= d.started))
            newest = &d;
    return newest;
}

const Incident* incident(const Stage& s) {
    const Incident* newest = nullptr;
    for (const auto& [id, i] : s.world.state().incidents)
        if (i.service == s.service && (newest == nullptr || newest->opened <= i.opened)) newest = &i;
    return newest;
}

std::vector<const StepRun*> steps(const Stage& s) {
    std::vector<const StepRun*> out;
    for (const StepRun& run : s.world.steps())
        if (run.step.service == s.service && !run.step.exhausted) out.push_back(&run);
    return out;
}

/// Of `on_exhausted`, which are no attempts.
std::size_t last_steps(const Stage& s) {
    return static_cast<std::size_t>(std::count_if(s.world.steps().begin(), s.world.steps().end(), [&](const auto& run) {
        return run.step.service == s.service && run.step.exhausted;
    }));
}

/// Rollbacks, however many steps each has: attempts that were started.
std::size_t attempts(const Stage& s) {
    std::vector<std::string> seen;
    for (const StepRun* run : steps(s)) {
        const std::string attempt = run->step.incident + "." + std::to_string(run->step.attempt);
        if (std::find(seen.begin(), seen.end(), attempt) == seen.end()) seen.push_back(attempt);
    }
    return seen.size();
}

struct PageWanted {
    std::string containing, to = {}, kind = {};
};

std::size_t pages(const Stage& s, const PageWanted& wanted) {
    const auto is_wanted = [&](const Record& r) {
        const auto* page = std::get_if<Paged>(&r.fact);
        return page != nullptr && page->level != "none" && (page->service == s.service || page->service.empty()) &&
               page->summary.find(wanted.containing) != std::string::npos &&
               (wanted.to.empty() || page->to == wanted.to) && (wanted.kind.empty() || page->kind == wanted.kind);
    };
    std::size_t found = 0;
    for (const auto* told : {&s.world.durable(), &s.world.told_anyway()})
        found += static_cast<std::size_t>(std::count_if(told->begin(), told->end(), is_wanted));
    return found;
}

std::string state_words(const Deployment& d) {
    return text(d.state) + (d.exit_code ? " " + std::to_string(*d.exit_code) : "") + " (" + text(d.reason) + ": " +
           d.words + ")";
}

std::string incident_words(const Incident& i) {
    return text(i.severity) + " " + text(i.state) + " by " + text(i.gate) + " (" + i.gate_words + "; " + i.words + ")";
}

Result<void> standing(const Stage& s, const std::string& version, const std::string& expected) {
    const ServiceState* service = s.world.state().service(s.service);
    return same(version, service == nullptr ? "unknown" : text(service->standing(version)), expected);
}

/// S4: who or what said so.
Result<void> provenance(const Stage& s, const std::string& version, const std::string& words) {
    const ServiceState* service = s.world.state().service(s.service);
    std::string is = "not in the ledger";
    if (service != nullptr)
        for (const LedgerEntry& e : service->ledger)
            if (e.version == version) is = e.why + " by " + e.by;
    return yes(is.find(words) != std::string::npos, version + ": " + is);
}

/// `not ready "TEXT"`
Result<void> readiness(const Stage& s, const Words& m) {
    const std::string why = s.world.engine().why_not_ready(s.service);
    const bool says = why.find(m[2].str()) != std::string::npos;
    return yes(why.empty() != m[1].matched && says, why.empty() ? "it is ready" : why);
}

/// `version unknown "TEXT"`
Result<void> version_known(const Stage& s, const Words& m) {
    const auto silence = s.world.engine().version_silence(s.service);
    const bool as_said = silence ? m[1].matched && silence->words.find(m[1]) != std::string::npos : !m[1].matched;
    return yes(as_said, silence ? silence->words : "it is known");
}

const std::vector<Sentence>& guard_expectations() {
    static const std::vector<Sentence> kAll{
        {R"re(no guard)re",
         [](const Stage& s, const Words&) {
             const Deployment* d = deployment(s);
             return yes(d == nullptr || !d->open(), d == nullptr ? "" : "a guard is open: " + state_words(*d));
         }},
        {R"re(no deploy)re",
         [](const Stage& s, const Words&) {
             const Deployment* d = deployment(s);
             return yes(d == nullptr, d == nullptr ? "" : "there is one of " + d->version + ": " + state_words(*d));
         }},
        {R"re((?:(\S+) )?guard (rolling|baking|incident|open))re",
         [](const Stage& s, const Words& m) {
             const Deployment* d = deployment(s, m[1]);
             if (d == nullptr) return yes(false, "no guard was opened");
             return yes(d->open() && (m[2] == "open" || text(d->state) == m[2]), "guard is " + state_words(*d));
         }},
        {R"re((?:(\S+) )?closed (\d+)(?: by (\w+))?)re",
         [](const Stage& s, const Words& m) {
             const Deployment* d = deployment(s, m[1]);
             if (d == nullptr) return yes(false, "no guard was opened");
             const bool right =
                 !d->open() && d->exit_code == std::stoi(m[2]) && (!m[3].matched || text(d->reason) == m[3]);
             return yes(right, "guard is " + state_words(*d));
         }},
        {R"re(opened by (start|probe))re",
         [](const Stage& s, const Words& m) {
             return same("opened by", deployment(s) == nullptr ? "" : deployment(s)->opened_by, m[1]);
         }},
        {R"re(started at (\S+))re",
         [](const Stage& s, const Words& m) {
             const auto at = duration_from(m[1]);
             const Duration is = deployment(s) == nullptr ? Duration{} : deployment(s)->started - s.world.origin();
             return at ? yes(std::chrono::abs(is - *at) < 1s, "it was at " + to_words(is)) : Result<void>(at.error());
         }},
        {R"re(bake ends at (\S+))re",
         [](const Stage& s, const Words& m) -> Result<void> {
             const auto at = duration_from(m[1]);
             if (!at) return at.error();
             const auto end = deployment(s) == nullptr ? std::nullopt : Engine::bake_ends(*deployment(s));
             return yes(end && std::chrono::abs(*end - s.world.origin() - *at) < 6s,
                        "it is " + (end ? to_words(*end - s.world.origin()) : "unknown"));
         }},
        {R"re((\S+) (good|bad|suspect|declared|unknown))re",
         [](const Stage& s, const Words& m) { return standing(s, m[1], m[2]); }},
        {R"re(ledger (\S+) "(.*)")re", [](const Stage& s, const Words& m) { return provenance(s, m[1], m[2]); }},
        {R"re(gate (\S+) (\d))re",
         [](const Stage& s, const Words& m) {
             const auto g = s.world.engine().gate(s.service, m[1], s.world.wall());
             return yes(g.code == std::stoi(m[2]), std::to_string(g.code) + ": " + g.reason);
         }},
        {R"re((not )?ready(?: "(.*)")?)re", readiness},
        {R"re(version (?:unknown "(.*)"|known))re", version_known},
        {R"re(live (\S+))re",
         [](const Stage& s, const Words& m) { return same("live", s.world.state().service(s.service)->live, m[1]); }},
        {R"re(says "(.*)")re",
         [](const Stage& s, const Words& m) {
             const Deployment* d = deployment(s);
             return yes(d != nullptr && d->words.find(m[1].str()) != std::string::npos,
                        d == nullptr ? "no guard" : d->words);
         }},
    };
    return kAll;
}

const std::vector<Sentence>& incident_expectations() {
    static const std::vector<Sentence> kAll{
        {R"re(no incident)re",
         [](const Stage& s, const Words&) {
             return yes(incident(s) == nullptr, incident(s) == nullptr ? "" : incident_words(*incident(s)));
         }},
        {R"re(incident (P\d) (\w+)(?: by (\w+))?)re",
         [](const Stage& s, const Words& m) {
             const Incident* i = incident(s);
             if (i == nullptr) return yes(false, "there is none");
             const bool right =
                 text(i->severity) == m[1] && text(i->state) == m[2] && (!m[3].matched || text(i->gate) == m[3]);
             return yes(right, incident_words(*i));
         }},
        {R"re(asks because "(.*)")re",
         [](const Stage& s, const Words& m) {
             const Incident* i = incident(s);
             return yes(i != nullptr && i->decided && i->decided->words.find(m[1].str()) != std::string::npos,
                        i == nullptr || !i->decided ? "nothing is decided" : i->decided->words);
         }},
    };
    return kAll;
}

const std::vector<Sentence>& action_expectations() {
    static const std::vector<Sentence> kAll{
        {R"re(no step)re",
         [](const Stage& s, const Words&) {
             return yes(steps(s).empty(), std::to_string(steps(s).size()) + " were started");
         }},
        {R"re((\d+) attempts?(?: to (\S+))?)re",
         [](const Stage& s, const Words& m) {
             const auto all = steps(s);
             const bool target = !m[2].matched || (!all.empty() && all.back()->step.to == m[2]);
             return yes(attempts(s) == std::stoul(m[1]) && target,
                        std::to_string(attempts(s)) + (all.empty() ? "" : " to " + all.back()->step.to));
         }},
        {R"re((\d+) steps? of on_exhausted)re",
         [](const Stage& s, const Words& m) {
             return yes(last_steps(s) == std::stoul(m[1]), std::to_string(last_steps(s)) + " were started");
         }},
        {R"re(held because "(.*)")re",
         [](const Stage& s, const Words& m) {
             const Incident* i = incident(s);
             return yes(i != nullptr && i->gate_words.find(m[1].str()) != std::string::npos,
                        i == nullptr ? "there is none" : i->gate_words);
         }},
        {R"re((\d+) steps?)re",
         [](const Stage& s, const Words& m) {
             return yes(steps(s).size() == std::stoul(m[1]), std::to_string(steps(s).size()) + " were started");
         }},
        {R"re(runs (\S+))re",
         [](const Stage& s, const Words& m) {
             return same("the platform's version", const_cast<Stage&>(s).world.outside(s.service).platform.version,
                         m[1]);
         }},
        {R"re((\d+|no|a) pages?(?: to ([^"]+))?(?: of kind (\w+))?(?: "(.*)")?)re",
         [](const Stage& s, const Words& m) {
             std::string to = m[2];
             while (to.ends_with(' ')) to.pop_back();
             const std::size_t n = pages(s, {m[4], to, m[3]});
             const bool right = m[1] == "a" ? n >= 1 : n == (m[1] == "no" ? 0 : std::stoul(m[1]));
             return yes(right, std::to_string(n) + " pages say so");
         }},
        {R"re((?:refused|refused as (\w+)))re",
         [](const Stage& s, const Words& m) {
             if (!s.reply.error) return yes(false, "it was accepted");
             return yes(!m[1].matched || to_string(s.reply.error->code) == m[1],
                        std::string(to_string(s.reply.error->code)) + ": " + s.reply.error->message);
         }},
        {R"re(accepted)re",
         [](const Stage& s, const Words&) { return yes(!s.reply.error, s.reply.error ? s.reply.error->message : ""); }},
        {R"re(halted)re",
         [](const Stage& s, const Words&) {
             return yes(s.world.state().halted || s.world.state().service(s.service)->halted, "it is not");
         }},
        {R"re(quarantined (.+))re",
         [](const Stage& s, const Words& m) { return yes(s.world.state().quarantined.contains(m[1]), "it is not"); }},
        {R"re(may act)re",
         [](const Stage& s, const Words&) {
             const std::string why = s.world.state().observes_only();
             return yes(why.empty(), why);
         }},
        {R"re(observing only)re",
         [](const Stage& s, const Words&) { return yes(!s.world.state().observes_only().empty(), "it may act"); }},
    };
    return kAll;
}

}  // namespace

Result<void> expect(Stage& stage, const std::string& what) {
    for (const auto* table : {&incident_expectations(), &action_expectations(), &guard_expectations()}) {
        for (const Sentence& s : *table) {
            Words m;
            if (std::regex_match(what, m, std::regex(s.pattern))) return s.check(stage, m);
        }
    }
    return Error(ErrorCode::NotFound, "no such expectation; tests/scenarios/README.md lists them");
}

}  // namespace revertd::sim
