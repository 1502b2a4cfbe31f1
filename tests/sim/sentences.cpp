// SPDX-License-Identifier: Apache-2.0
// What a line of a scenario may say: the outside, people, faults. What it may expect: expectations.cpp.
#include <functional>
#include <regex>

#include "tests/sim/scenario.h"

namespace revertd::sim {

namespace {

using Words = std::smatch;
using Action = std::function<Result<void>(Stage&, const Words&)>;

struct Sentence {
    const char* pattern;
    Action action;
};

double share(const std::string& text) {
    return std::stod(text) / 100;
}

Peer by(const Words& m, std::size_t group) {
    return peer_named(m[group].matched ? m[group].str() : "root");
}

Outside& outside(Stage& s) {
    return s.world.outside(s.service);
}

/// Behaviour is that of the named version, or of the one that runs.
Behaviour& behaviour(Stage& s, const Words& m, std::size_t group) {
    Outside& out = outside(s);
    return out.versions[m[group].matched ? m[group].str() : out.platform.version];
}

Result<void> say(Stage& s, const Peer& peer, const Command& command) {
    s.reply = s.world.command(peer, command);
    return {};
}

std::string incident(const Stage& s) {
    std::string newest;
    Time at{};
    for (const auto& [id, i] : s.world.state().incidents)
        if (i.service == s.service && (newest.empty() || i.opened >= at)) newest = id, at = i.opened;
    return newest;
}

Result<void> reload(Stage& s, const std::string& from, const std::string& to) {
    const std::size_t at = s.config.find(from);
    if (at == std::string::npos) return Error(ErrorCode::Invalid, "the configuration has no: " + from);
    std::string changed = s.config;
    changed.replace(at, from.size(), to);
    auto loaded = s.world.configure(changed);
    if (loaded)
        s.config = changed;
    else
        s.reply.error = loaded.error();
    return {};
}

const std::map<std::string, Metrics>& blindness() {
    static const std::map<std::string, Metrics> kModes{{"fine", Metrics::Fine},
                                                       {"empty", Metrics::Empty},
                                                       {"NaN", Metrics::NotANumber},
                                                       {"garbage", Metrics::Garbage},
                                                       {"truncated", Metrics::Truncated},
                                                       {"two series", Metrics::TwoSeries},
                                                       {"503", Metrics::Unavailable},
                                                       {"refused", Metrics::Refused},
                                                       {"without a name", Metrics::NoName},
                                                       {"hanging", Metrics::Hang},
                                                       {"gone", Metrics::Gone},
                                                       {"stale", Metrics::Stale},
                                                       {"with warnings", Metrics::Warnings}};
    return kModes;
}

const std::vector<Sentence>& outside_sentences() {
    static const std::vector<Sentence> kAll{
        {R"re(runs (\S+)( unsettled)?)re",
         [](Stage& s, const Words& m) -> Result<void> {
             outside(s).platform = {m[1], !m[2].matched, outside(s).platform.silent, false};
             return {};
         }},
        {R"re(resolver (\d) (?:names (\S+)|is (silent)))re",
         [](Stage& s, const Words& m) -> Result<void> {
             const int index = std::stoi(m[1]);
             if (m[3].matched)
                 outside(s).resolvers.erase(index);
             else
                 outside(s).resolvers[index] = m[2];
             return {};
         }},
        {R"re(nothing runs(?:, (\S+) was tried)?)re",
         [](Stage& s, const Words& m) -> Result<void> {
             outside(s).platform.nothing = true;
             outside(s).platform.tried = m[1];
             return {};
         }},
        {R"re(platform (silent|answers))re",
         [](Stage& s, const Words& m) -> Result<void> {
             outside(s).platform.silent = m[1] == "silent";
             return {};
         }},
        {R"re(errors ([\d.]+)%(?: on (\S+))?)re",
         [](Stage& s, const Words& m) -> Result<void> {
             behaviour(s, m, 2).errors = share(m[1]);
             return {};
         }},
        {R"re(latency (\d+)ms(?: on (\S+))?)re",
         [](Stage& s, const Words& m) -> Result<void> {
             outside(s).latency_exported = true;
             behaviour(s, m, 2).latency = std::stod(m[1]) / 1000;
             return {};
         }},
        {R"re(health (up|down)(?: on (\S+))?)re",
         [](Stage& s, const Words& m) -> Result<void> {
             behaviour(s, m, 2).healthy = m[1] == "up";
             return {};
         }},
    };
    return kAll;
}

const std::vector<Sentence>& measured_sentences() {
    static const std::vector<Sentence> kAll{
        {R"re(target (\d+) health (up|down))re",
         [](Stage& s, const Words& m) -> Result<void> {
             outside(s).target_down[static_cast<std::uint32_t>(std::stoul(m[1]))] = m[2] == "down";
             return {};
         }},
        {R"re(control errors ([\d.]+)%)re",
         [](Stage& s, const Words& m) -> Result<void> {
             outside(s).control.errors = share(m[1]);
             return {};
         }},
        {R"re(control (blind|seen))re",
         [](Stage& s, const Words& m) -> Result<void> {
             outside(s).control_blind = m[1] == "blind";
             return {};
         }},
        {R"re(health (blind|seen))re",
         [](Stage& s, const Words& m) -> Result<void> {
             outside(s).health_blind = m[1] == "blind";
             return {};
         }},
        {R"re(target (\d+) metrics (refused|fine))re",
         [](Stage& s, const Words& m) -> Result<void> {
             outside(s).target_blind[static_cast<std::uint32_t>(std::stoul(m[1]))] = m[2] == "refused";
             return {};
         }},
        {R"re(traffic ([\d.]+)/s)re",
         [](Stage& s, const Words& m) -> Result<void> {
             outside(s).requests = std::stod(m[1]);
             return {};
         }},
        {R"re((\w+) is ([\d.]+))re",
         [](Stage& s, const Words& m) -> Result<void> {
             outside(s).gauges[m[1]] = std::stod(m[2]);
             return {};
         }},
        {R"re(metrics (.+))re",
         [](Stage& s, const Words& m) -> Result<void> {
             const auto mode = blindness().find(m[1]);
             if (mode == blindness().end())
                 return Error(ErrorCode::Invalid,
                              "metrics can be: fine, empty, NaN, garbage, truncated, two series, 503, refused, without "
                              "a name, hanging, gone, stale, with warnings");
             outside(s).metrics = mode->second;
             return {};
         }},
    };
    return kAll;
}

const std::vector<Sentence>& step_sentences() {
    static const std::vector<Sentence> kAll{
        {R"re(steps (work|fail|are ineffective|end unknown|end unknown, applied)(?: (\d+) times?)?)re",
         [](Stage& s, const Words& m) -> Result<void> {
             static const std::map<std::string, StepMode> kModes{{"work", StepMode::Works},
                                                                 {"fail", StepMode::Fails},
                                                                 {"are ineffective", StepMode::Ineffective},
                                                                 {"end unknown", StepMode::UnknownNotApplied},
                                                                 {"end unknown, applied", StepMode::UnknownApplied}};
             s.world.step_mode = kModes.at(m[1]);
             s.world.failing_steps = m[2].matched ? std::stoi(m[2]) : -1;
             return {};
         }},
        {R"re(steps take (\S+))re",
         [](Stage& s, const Words& m) -> Result<void> {
             const auto d = duration_from(m[1]);
             if (!d) return d.error();
             s.world.step_takes = *d;
             return {};
         }},
        {R"re(platform takes (\S+))re",
         [](Stage& s, const Words& m) -> Result<void> {
             const auto d = duration_from(m[1]);
             if (!d) return d.error();
             s.world.platform_takes = *d;
             return {};
         }},
        {R"re(journal takes (\S+))re",
         [](Stage& s, const Words& m) -> Result<void> {
             const auto d = duration_from(m[1]);
             if (!d) return d.error();
             s.world.journal_takes = *d;
             return {};
         }},
        {R"re(journal (fails|works))re",
         [](Stage& s, const Words& m) -> Result<void> {
             s.world.journal_fails = m[1] == "fails";
             return {};
         }},
    };
    return kAll;
}

const std::vector<Sentence>& daemon_sentences() {
    static const std::vector<Sentence> kAll{
        {R"re(runner dies)re",
         [](Stage& s, const Words&) -> Result<void> {
             s.world.runner_dies();
             return {};
         }},
        {R"re(runner (silent|answers))re",
         [](Stage& s, const Words& m) -> Result<void> {
             s.world.runner_answers = m[1] == "answers";
             return {};
         }},
        {R"re(crash on (.+))re",
         [](Stage& s, const Words& m) -> Result<void> {
             s.world.crash_on(m[1]);
             return {};
         }},
        {R"re(crash)re",
         [](Stage& s, const Words&) -> Result<void> {
             s.world.crash();
             return {};
         }},
        {R"re(restart)re",
         [](Stage& s, const Words&) -> Result<void> {
             if (s.world.up()) s.world.crash();
             s.world.restart();
             return {};
         }},
        {R"re(suspended (\S+))re",
         [](Stage& s, const Words& m) -> Result<void> {
             const auto d = duration_from(m[1]);
             if (!d) return d.error();
             s.world.suspend(*d);
             return {};
         }},
        {R"re(wall clock ([+-])(\S+))re",
         [](Stage& s, const Words& m) -> Result<void> {
             const auto d = duration_from(m[2]);
             if (!d) return d.error();
             s.world.step_wall(m[1] == "+" ? *d : -*d);
             return {};
         }},
        {R"re(reload with `(.*)` for `(.*)`)re", [](Stage& s, const Words& m) { return reload(s, m[2], m[1]); }},
    };
    return kAll;
}

const std::vector<Sentence>& freeze_sentences() {
    static const std::vector<Sentence> kAll{
        {R"re(ack(?: by (\S+))?)re",
         [](Stage& s, const Words& m) { return say(s, by(m, 1), command::Acknowledge{incident(s)}); }},
        {R"re(freeze( all)? "(.+)")re",
         [](Stage& s, const Words& m) {
             return say(s, peer_named("root"), command::Freeze{m[1].matched ? "" : s.service, m[2], true});
         }},
        {R"re(unfreeze( all)?)re",
         [](Stage& s, const Words& m) {
             return say(s, peer_named("root"), command::Freeze{m[1].matched ? "" : s.service, "", false});
         }},
    };
    return kAll;
}

const std::vector<Sentence>& people_sentences() {
    static const std::vector<Sentence> kAll{
        {R"re(start (\S+)(?: from (\S+))?(?: as (\S+))?(?: by (\S+))?(?: for (\S+))?)re",
         [](Stage& s, const Words& m) -> Result<void> {
             command::DeployStart c;
             c.service = s.service, c.version = m[1], c.from = m[2], c.id = m[3], c.by = m[5];
             s.reply = s.world.command(by(m, 4), c);
             if (!s.reply.error) s.deploy = s.reply.id;
             return {};
         }},
        {R"re(finish( failed)?)re",
         [](Stage& s, const Words& m) {
             return say(s, peer_named("root"), command::DeployFinish{s.service, m[1].matched});
         }},
        {R"re(abort)re",
         [](Stage& s, const Words&) {
             return say(s, peer_named("root"), command::DeployAbort{s.service, ""});
         }},
        {R"re(approve(?: by (\S+))?(?: "(.+)")?)re",
         [](Stage& s, const Words& m) {
             return say(s, by(m, 1), command::Approve{incident(s), m[2]});
         }},
        {R"re(deny(?: by (\S+))?(?: "(.+)")?)re",
         [](Stage& s, const Words& m) {
             return say(s, by(m, 1), command::Deny{incident(s), m[2]});
         }},
        {R"re(hold for (\S+)(?: by (\S+))?(?: "(.+)")?)re",
         [](Stage& s, const Words& m) -> Result<void> {
             const auto d = duration_from(m[1]);
             return d ? say(s, by(m, 2), command::Hold{incident(s), m[3], *d}) : Result<void>(d.error());
         }},
        {R"re(take(?: by (\S+))?(?: "(.+)")?)re",
         [](Stage& s, const Words& m) {
             return say(s, by(m, 1), command::Take{incident(s), m[2]});
         }},
        {R"re(label (\S+))re",
         [](Stage& s, const Words& m) {
             return say(s, peer_named("root"), command::Label{incident(s), m[1]});
         }},
        {R"re(trigger (P\d))re",
         [](Stage& s, const Words& m) {
             return say(s, peer_named("root"), command::Trigger{s.service, "a reason", *severity_from(m[1].str())});
         }},
        {R"re(order rollback(?: to (\S+))?( forced)?)re",
         [](Stage& s, const Words& m) {
             return say(s, peer_named("root"), command::RollbackStart{s.service, m[1], "a reason", m[2].matched});
         }},
        {R"re(halt( all)?( and abort)?(?: "(.+)")?)re",
         [](Stage& s, const Words& m) {
             return say(s, peer_named("root"), command::Halt{m[1].matched ? "" : s.service, m[2].matched, m[3]});
         }},
        {R"re(resume( all)?)re",
         [](Stage& s, const Words& m) {
             return say(s, peer_named("root"), command::Resume{m[1].matched ? "" : s.service, {}});
         }},
        {R"re(mark (\S+) (good|bad))re",
         [](Stage& s, const Words& m) {
             return say(s, peer_named("root"),
                        command::MarkVersion{s.service, m[1], "", m[2] == "good" ? Standing::Good : Standing::Bad});
         }},
        {R"re((?:forgive|unmark) (\S+))re",
         [](Stage& s, const Words& m) {
             return say(s, peer_named("root"), command::MarkVersion{s.service, m[1], "", Standing::Unknown});
         }},
    };
    return kAll;
}

}  // namespace

Result<void> perform(Stage& stage, const std::string& sentence) {
    std::string rest = sentence;
    static const std::regex kService(R"(^(\w+): (.*)$)");
    stage.service = "api";
    if (Words m; std::regex_match(rest, m, kService)) {
        const std::string name = m[1], tail = m[2];
        stage.service = name;
        rest = tail;
    }
    if (rest.rfind("expect ", 0) == 0) return expect(stage, rest.substr(7));
    for (const auto* table : {&outside_sentences(), &measured_sentences(), &step_sentences(), &daemon_sentences(),
                              &people_sentences(), &freeze_sentences()}) {
        for (const Sentence& s : *table) {
            Words m;
            if (std::regex_match(rest, m, std::regex(s.pattern))) return s.action(stage, m);
        }
    }
    return Error(ErrorCode::NotFound, "no such sentence; tests/scenarios/README.md lists them");
}

}  // namespace revertd::sim
