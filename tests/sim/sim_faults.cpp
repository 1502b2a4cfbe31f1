// SPDX-License-Identifier: Apache-2.0
// What goes wrong outside. Each fault has a name in the coverage, and ends by itself after a while.
#include <array>

#include "tests/sim/sim_season.h"

namespace revertd::sim {

void Season::break_something() {
    const std::size_t what = dice_.below(100);
    if (what < 26) return break_metrics();
    if (what < 42) return break_platform();
    if (what < 72) return break_runner();
    if (what < 88) return break_daemon();
    break_journal();
}

void Season::break_metrics() {
    struct Mode {
        Metrics metrics;
        const char* name;
    };

    static constexpr std::array<Mode, 10> kModes{{{Metrics::Empty, "metrics empty"},
                                                  {Metrics::NotANumber, "metrics NaN"},
                                                  {Metrics::Garbage, "metrics garbage"},
                                                  {Metrics::Truncated, "metrics truncated"},
                                                  {Metrics::TwoSeries, "metrics two series"},
                                                  {Metrics::Unavailable, "metrics 503"},
                                                  {Metrics::Refused, "metrics refused"},
                                                  {Metrics::NoName, "metrics without a name"},
                                                  {Metrics::Hang, "metrics hanging"},
                                                  {Metrics::Gone, "metrics gone"}}};
    const std::string service = any_service();
    const Duration lasts = dice_.between(1s, 100s);
    Outside& out = world_.outside(service);
    const std::size_t what = dice_.below(18);
    if (what < kModes.size()) {
        fault(kModes.at(what).name);
        out.metrics = kModes.at(what).metrics;
        later(lasts, [&out] { out.metrics = Metrics::Fine; });
    } else if (what < 12) {
        fault("health blind");
        out.health_blind = true;
        later(lasts, [&out] { out.health_blind = false; });
    } else if (what < 14) {
        fault("one target without metrics");
        world_.outside("wide").target_blind[1] = true;
        later(lasts, [this] { world_.outside("wide").target_blind.clear(); });
    } else if (what < 16) {
        fault("one target down");
        world_.outside("wide").target_down[2] = true;
        later(lasts, [this] { world_.outside("wide").target_down.clear(); });
    } else if (what < 17) {
        fault("no traffic");
        out.requests = 0.01;
        later(lasts, [&out] { out.requests = 50; });
    } else {
        fault("gauge rises");
        out.gauges["queue"] = 500;
        later(lasts, [&out] { out.gauges["queue"] = 1; });
    }
}

void Season::break_platform() {
    const std::string service = any_service();
    Outside& out = world_.outside(service);
    const Duration lasts = dice_.between(1s, 60s);
    switch (dice_.below(6)) {
        case 5: {
            fault("resolvers disagree");
            auto& resolvers = world_.outside("plain").resolvers;
            const auto& known = versions_["plain"];
            for (const int index : {0, 1})
                if (dice_.chance(70)) resolvers[index] = known[dice_.below(known.size())];
            return later(lasts, [&resolvers] { resolvers.clear(); });
        }
        case 0:
            fault("platform silent");
            out.platform.silent = true;
            return later(dice_.chance(10) ? 6min : lasts, [&out] { out.platform.silent = false; });
        case 1:
            fault("nothing runs");
            out.platform.nothing = true;
            out.platform.tried.clear();
            if (const ServiceState* s = world_.state().service(service); s != nullptr && !s->guard.empty())
                out.platform.tried = world_.state().deployment(s->guard)->version;
            return later(lasts, [&out] { out.platform.nothing = false; });
        case 2:
            fault("hotfix during an incident");
            return later(dice_.between(0s, 30s), [this, service] {
                if (world_.state().service(service)->incident.empty()) return;
                arrive(service, "hotfix" + std::to_string(++version_), true);
            });
        case 3:
            fault("everything of a service is bad");
            for (auto& [version, b] : out.versions) b.errors = 0.3;
            out.versions["v1"].errors = 0.3;
            return later(dice_.between(30s, 300s), [&out] {
                for (auto& [version, b] : out.versions) b.errors = 0.001;
            });
        default:
            fault("a service that nobody deploys is down");
            world_.outside("still").versions["v1"].healthy = false;
            return later(lasts, [this] { world_.outside("still").versions["v1"].healthy = true; });
    }
}

void Season::break_runner() {
    struct Mode {
        StepMode mode;
        const char* name;
    };

    // Twice as often as the others: an attempt has to meet it twice until nothing is left but on_exhausted.
    static constexpr std::array<Mode, 5> kModes{{{StepMode::Fails, "steps fail"},
                                                 {StepMode::Fails, "steps fail"},
                                                 {StepMode::UnknownApplied, "outcome unknown, applied"},
                                                 {StepMode::UnknownNotApplied, "outcome unknown, not applied"},
                                                 {StepMode::Ineffective, "steps are ineffective"}}};
    const Duration lasts = dice_.between(5s, 60s);
    const std::size_t what = dice_.below(9);
    if (what < kModes.size()) {
        fault(kModes.at(what).name);
        world_.step_mode = kModes.at(what).mode;
        world_.failing_steps = dice_.chance(30) ? 1 : -1;
        return later(4 * lasts,  // long enough for a decision and its last attempt, now and then
                     [this] { world_.step_mode = StepMode::Works; });
    }
    if (what < 7) {
        fault("steps are slow");
        world_.step_takes = dice_.between(2s, 60s);
        return later(lasts, [this] { world_.step_takes = 1s; });
    }
    if (what < 8) {
        fault("runner dies");
        return later(dice_.between(0s, 20s), [this] { world_.runner_dies(); });
    }
    fault("runner silent");
    world_.runner_answers = false;
    later(lasts, [this] { world_.runner_answers = true; });
}

void Season::break_daemon() {
    switch (dice_.below(6)) {
        case 4:
        case 5:
            fault("an input crashes the daemon");
            return crash_on("metrics of " + any_service(), dice_.chance(50) ? 3 : 2);
        case 0:
            fault("crash");
            return later(dice_.between(0s, 30s), [this] { crash(); });
        case 1: {
            // Between the append and the disk, or right after it: an incident is about to act.
            fault("crash around a write");
            const Duration after = dice_.between(0s, 3s);
            world_.journal_takes = dice_.between(1ms, 2s);
            later(after, [this] { world_.quiet() ? later(dice_.between(0s, 6s), [this] { crash(); }) : crash(); });
            return later(20s, [this] { world_.journal_takes = 1ms; });
        }
        case 2:
            fault("wall clock steps");
            return world_.step_wall(dice_.chance(50) ? dice_.between(1s, 24h) : -dice_.between(1s, 24h));
        default:
            fault("reload");
            if (!world_.up()) return;
            asks_ = !asks_;
            (void)world_.configure(asks_ ? config_asking_ : config_);
    }
}

void Season::break_journal() {
    if (dice_.chance(80)) {
        fault("journal slow");
        world_.journal_takes = dice_.between(5ms, 8s);
        return later(dice_.between(5s, 40s), [this] { world_.journal_takes = 1ms; });
    }
    fault("journal fails");
    world_.journal_fails = true;
    later(dice_.between(5s, 60s), [this] { crash(); });  // somebody repairs the disk and starts it again
}

void Season::crash() {
    if (!world_.up()) return;
    world_.crash();
    invariants_.crashed();
    world_.journal_fails = false;
    later(dice_.chance(80) ? dice_.between(0s, 8s) : dice_.between(10s, 180s), [this] { restart(); });
}

/// Whatever starts it again meets the same input, until a person has seen to it.
void Season::crash_on(const std::string& input, std::size_t times) {
    if (!world_.up()) return;
    world_.crash_on(input);
    invariants_.crashed();
    world_.journal_fails = false;
    later(2s, [this] { restart(); });
    if (times > 1) return later(dice_.between(3s, 40s), [this, input, times] { crash_on(input, times - 1); });
    later(dice_.between(20s, 90s), [this] {
        if (world_.up()) say(Peer{0, "root", {}, false}, command::Resume{});
    });
}

void Season::restart() {
    if (world_.up()) return;
    world_.restart();
    invariants_.restarted();
}

}  // namespace revertd::sim
