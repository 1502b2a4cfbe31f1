// SPDX-License-Identifier: Apache-2.0
// Deploys as they happen: told or not, slow, back and forth, undone by others, overtaken by a hotfix.
#include "tests/sim/sim_season.h"

namespace revertd::sim {

Behaviour Season::behaviour() {
    const std::size_t kind = dice_.below(100);
    Behaviour b;
    if (kind < 12)
        b.errors = 0.25;  // P0
    else if (kind < 25)
        b.errors = 0.07;  // P1
    else if (kind < 31)
        b.errors = 0.03;  // P2
    else if (kind < 40)
        b.healthy = false;  // P0
    return b;
}

void Season::arrive(const std::string& service, const std::string& version, bool settled) {
    Platform& platform = world_.outside(service).platform;
    platform.version = version, platform.settled = settled, platform.nothing = false;
    invariants_.deployed(service);
}

void Season::alternate(const std::string& service, const std::string& from, const std::string& version) {
    Duration at{};
    for (int read = 0; read < 6; ++read) {
        at += dice_.between(2s, 6s);
        later(at, [this, service, v = read % 2 == 0 ? version : from] { arrive(service, v, false); });
    }
    later(at + 3s, [this, service, version] { arrive(service, version, true); });
}

void Season::roll_out(const std::string& service, const std::string& from, const std::string& version, bool told) {
    const Duration arrives = dice_.between(0s, 20s);
    const auto arrive_at = [&](Duration after, const std::string& v, bool settled) {
        later(after, [this, service, v, settled] { arrive(service, v, settled); });
    };
    const std::size_t way = dice_.below(100);
    if (way < 8) {
        ++coverage_["deploy alternates"];
        return alternate(service, from, version);
    }
    if (way < 12 && told) {
        ++coverage_["deploy never arrives"];
        return;
    }
    arrive_at(arrives, version, way >= 24);
    if (way < 20) {
        ++coverage_["deploy settles late"];
        arrive_at(arrives + dice_.between(5s, 60s), version, true);
    } else if (way < 24) {
        ++coverage_["deploy never settles"];
    } else if (way < 29) {
        ++coverage_["deploy undone by others"];
        arrive_at(arrives + dice_.between(10s, 60s), from, true);
    } else if (way < 36) {
        ++coverage_["hotfix"];
        arrive_at(arrives + dice_.between(5s, 90s), version + "-fix", true);
    }
}

void Season::deploy() {
    const std::string service = any_service();
    Outside& out = world_.outside(service);
    const std::string from = out.platform.version;
    auto& known = versions_[service];
    const bool again = dice_.chance(8);
    const std::string version = again ? known[dice_.below(known.size())] : "v" + std::to_string(++version_);
    if (!again) known.push_back(version), out.versions[version] = behaviour();
    ++made_;
    ++coverage_["deploys"];
    const bool told = world_.up() && (dice_.chance(75) || service == "unasked");
    const std::string id = "d" + std::to_string(made_);
    if (told) {
        command::DeployStart c;
        c.id = dice_.chance(50) ? id : "";
        c.service = service, c.version = version, c.from = dice_.chance(10) ? from : "";
        const Peer who = anybody();
        const effect::Reply once = ask(who, c);
        if (dice_.chance(10)) {
            ++coverage_["deploy said twice"];
            invariants_.said_twice(service, once, ask(who, c));
        }
    }
    if (told && dice_.chance(10))
        later(dice_.between(1s, 50s), [this, service] { say(anybody(), command::DeployFinish{service, false}); });
    if (told && dice_.chance(3))
        later(dice_.between(1s, 50s), [this, service] { say(anybody(), command::DeployFinish{service, true}); });
    if (told && dice_.chance(3))
        later(dice_.between(1s, 90s), [this, service] { say(anybody(), command::DeployAbort{service, "a reason"}); });
    roll_out(service, from, version, told);
    if (dice_.chance(5)) {
        ++coverage_["deploy gets well or bad later"];
        later(dice_.between(20s, 120s),
              [this, service, version] { world_.outside(service).versions[version] = behaviour(); });
    }
}

}  // namespace revertd::sim
