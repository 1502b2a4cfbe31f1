// SPDX-License-Identifier: Apache-2.0
// What people do: those who may, those who may not, and those who change their mind.
#include <array>

#include "tests/sim/sim_season.h"

namespace revertd::sim {

namespace {

constexpr std::array<const char*, 6> kPeople{"root", "ana", "roger", "eve", "bo", "mallory"};

Peer person(std::size_t index) {
    return {static_cast<std::uint32_t>(index == 0 ? 0 : 1000 + index), kPeople.at(index), {}, false};
}

}  // namespace

Peer Season::anybody() {
    return person(dice_.below(kPeople.size()));
}

effect::Reply Season::ask(const Peer& peer, const Command& command) {
    if (!world_.up()) return {};
    const effect::Reply reply = world_.command(peer, command);
    invariants_.told(command, reply);
    return reply;
}

void Season::say(const Peer& peer, const Command& command) {
    ask(peer, command);
}

void Season::answer_incidents() {
    std::vector<std::string> open;
    for (const auto& [name, service] : world_.state().services)
        if (!service.incident.empty()) open.push_back(service.incident);
    for (const std::string& id : open)
        if (const Incident* incident = world_.state().incident(id)) answer(*incident);
}

void Season::answer(const Incident& incident) {
    const std::string id = incident.id;
    const std::size_t what = dice_.below(100);
    if (what < 40) {
        ++coverage_["people approve"];
        say(anybody(), command::Approve{id, "a reason"});
        if (dice_.chance(50)) say(anybody(), command::Approve{id, "a reason"});
    } else if (what < 42) {
        ++coverage_["people deny"];
        say(anybody(), command::Deny{id, "a reason"});
    } else if (what < 45) {
        ++coverage_["people hold"];
        say(anybody(), command::Hold{id, "a reason", dice_.between(1s, 120s)});
    } else if (what < 46) {
        ++coverage_["people take"];
        say(anybody(), command::Take{id});
    } else if (what < 50) {
        ++coverage_["people acknowledge"];
        say(anybody(), command::Acknowledge{id});
    } else if (what < 54) {
        constexpr std::array<const char*, 3> kLabels{"false-alarm", "true", "not-the-deploy"};
        ++coverage_["people label"];
        say(anybody(), command::Label{id, kLabels.at(dice_.below(kLabels.size()))});
    }
}

void Season::order_something() {
    const std::string service = any_service();
    const auto& known = versions_[service];
    const std::string version = known[dice_.below(known.size())];
    switch (dice_.below(5)) {
        case 0:
            ++coverage_["people trigger"];
            return say(anybody(),
                       command::Trigger{service, "a reason", dice_.chance(50) ? Severity::P0 : Severity::P1});
        case 1:
            ++coverage_["people order"];
            return say(anybody(),
                       command::RollbackStart{service, dice_.chance(50) ? version : "", "a reason", dice_.chance(20)});
        case 2:
            return halt();
        case 3:
            ++coverage_["people mark good"];
            return say(anybody(), command::MarkVersion{service, version, "", Standing::Good});
        default:
            ++coverage_["people mark bad"];
            return say(anybody(), command::MarkVersion{service, version, "",
                                                       dice_.chance(60) ? Standing::Bad : Standing::Unknown});
    }
}

void Season::halt() {
    ++coverage_["people halt"];
    const std::string service = dice_.chance(50) ? any_service() : std::string{};
    later(dice_.between(0s, 10s), [this, service, abort = dice_.chance(20)] {
        say(person(dice_.below(4)), command::Halt{service, abort});
    });
    later(dice_.between(11s, 60s), [this, service] { say(person(0), command::Resume{service}); });
}

}  // namespace revertd::sim
