// SPDX-License-Identifier: Apache-2.0
#include "core/target.h"

#include <algorithm>

namespace revertd {

TargetChoice choose_target(const ServiceState& service, const std::string& live, const std::string& before) {
    TargetChoice choice;
    const bool any_good = std::any_of(service.ledger.begin(), service.ledger.end(), [&](const LedgerEntry& e) {
        return e.standing == Standing::Good && e.version != live;
    });
    const Standing wanted = any_good ? Standing::Good : Standing::Declared;
    for (auto entry = service.ledger.rbegin(); entry != service.ledger.rend(); ++entry) {  // newest first
        if (entry->version == live) continue;
        if (entry->standing == wanted) {
            choice.version = entry->version;
            break;
        }
        choice.skipped.push_back(entry->version);
    }
    if (choice.version.empty()) return {};
    choice.ran_right_before = before.empty() || choice.version == before;
    if (!choice.ran_right_before &&
        std::find(choice.skipped.begin(), choice.skipped.end(), before) == choice.skipped.end())
        choice.skipped.push_back(before);
    if (choice.ran_right_before) choice.skipped.clear();
    return choice;
}

const Incident* failed_cure(const State& state, const std::string& service, const std::string& version) {
    const ServiceState* s = state.service(service);
    const Incident* last = nullptr;
    for (const auto& [id, incident] : state.incidents) {
        const bool ended = incident.service == service && !incident.verification_words.empty();
        if (ended && (last == nullptr || incident.opened_seq > last->opened_seq)) last = &incident;
    }
    if (s == nullptr || last == nullptr || last->recovered || last->to != version) return nullptr;
    const Time ended = last->closed.value_or(last->moved);
    const bool well_since = std::ranges::any_of(
        s->ledger, [&](const LedgerEntry& e) { return e.standing == Standing::Good && e.at > ended; });
    return well_since ? nullptr : last;
}

}  // namespace revertd
