// SPDX-License-Identifier: Apache-2.0
#include "core/authority.h"

#include <algorithm>

namespace revertd {

namespace {

bool in_group(const Peer& peer, const std::string& group) {
    return std::find(peer.groups.begin(), peer.groups.end(), group) != peer.groups.end();
}

bool is(const Person& person, const Peer& peer) {
    if (!person.group.empty()) return in_group(peer, person.group);
    if (person.uid) return *person.uid == peer.uid;
    return !peer.user.empty() && person.name == peer.user;
}

}  // namespace

bool has_role(const Settings& settings, const Peer& peer, const std::string& role) {
    if (peer.internal) return true;
    if (settings.people.empty()) return peer.root() || in_group(peer, "revertd");
    for (const auto& [name, members] : settings.people)
        if (role.empty() || name == role)
            if (std::any_of(members.begin(), members.end(), [&](const Person& p) { return is(p, peer); })) return true;
    return false;
}

bool may_halt(const Settings& settings, const Peer& peer) {
    return peer.root() || has_role(settings, peer, {});
}

bool may_name_deployer(const Settings& settings, const Peer& peer) {
    const auto& agents = settings.agents;
    return peer.root() || std::find(agents.begin(), agents.end(), peer.user) != agents.end();
}

}  // namespace revertd
