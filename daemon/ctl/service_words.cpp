// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/service_words.h"

#include <map>
#include <vector>

#include "daemon/ctl/text.h"

namespace revertd::ctl {
namespace {

std::string guard_words(const Json& guard) {
    if (guard.members().empty()) return guard.text();
    const auto id = guard["id"].text();
    const auto state = guard["phase_words"].text().empty() ? guard["state"].text() : guard["phase_words"].text();
    return id + " " + guard["version"].text() + " " + state;
}

std::string last_incident_words(const Json& incident) {
    return incident.members().empty() ? incident.text() : incident["id"].text() + " " + incident["state"].text();
}

std::string rollback_words(const Json& service) {
    if (service["ready_to_rollback"].truth()) return "yes";
    const auto why = service["why_not"].text();
    return why.empty() ? "no" : "no: " + why;
}

constexpr const char* kFrozen = "; `gate` says no to deploys, a rollback is not restrained";
constexpr std::size_t kMostNames = 5;

std::string some_of(const std::vector<std::string>& names) {
    std::string out;
    for (std::size_t i = 0; i < names.size() && i < kMostNames; ++i) out += (i == 0 ? "" : ", ") + names[i];
    return names.size() > kMostNames ? out + " and " + std::to_string(names.size() - kMostNames) + " more" : out;
}

/// Nothing where no end is known: a person ends it.
std::string until_words(const Json& until, WallTime now) {
    return until.is_null() ? std::string() : ", until " + when_words(until.text(), now);
}

}  // namespace

std::string brakes_words(const Json& status) {
    std::string out;
    const auto by = printable(status["halted_by"].text()), why = printable(status["halted_why"].text());
    if (status["halted"].truth())
        out += "HALTED" + (by.empty() ? "" : " by " + by) + (why.empty() ? "" : " (" + why + ")") +
               ": nothing acts until `revertctl resume`\n";
    if (const auto reason = printable(status["observe_only"].text()); !reason.empty())
        out += "OBSERVING ONLY, nothing acts: " + reason + "\n";
    return out;
}

std::string hours_words(const Json& status, WallTime now) {
    const std::string everything = status["frozen"].truth() ? status["frozen_why"].text() : std::string();
    std::map<std::string, std::vector<std::string>> services;  // by what is said of them
    for (const auto& service : status["services"].items()) {
        const auto name = service["name"].text(), frozen = service["frozen_why"].text();
        if (service["frozen"].truth() && (everything.empty() || frozen != everything))
            services["FROZEN: " + frozen + until_words(service["frozen_until"], now) + kFrozen].push_back(name);
        if (service["ask_only"].truth())
            services["asks before it acts" + until_words(service["ask_only_until"], now) + " (" +
                     service["ask_only_why"].text() + "): `now` is `after approval` in these hours"]
                .push_back(name);
    }
    std::string out;
    if (!everything.empty()) out += printable("FROZEN: " + everything + kFrozen) + "\n";
    for (const auto& [words, names] : services) out += printable(some_of(names) + ": " + words) + "\n";
    return out;
}

std::string steady_words(const Json& status) {
    std::string out;
    for (const auto& service : status["services"].items())
        for (const auto& rule : service["steady"].items())
            out += printable(service["name"].text() + " " + rule["severity"].text() + ": " +
                             (rule["words"].text().empty() ? rule["rule"].text() : rule["words"].text())) +
                   "\n";
    return out;
}

std::string silence_words(const Json& status, WallTime now) {
    std::string out;
    for (const auto& service : status["services"].items()) {
        const auto& silence = service["live_unknown"];
        if (silence.is_null()) continue;
        const auto since = when_words(silence["since"].text(), now);
        out += printable(service["name"].text() + ": " + silence["words"].text()) +
               (since.empty() ? "" : ", since " + since) + "\n";
    }
    return out;
}

std::string adoption_words(const Json& service) {
    const auto& adopting = service["adopting"];
    if (adopting.is_null()) return {};
    const auto version = adopting["version"].text(), why = adopting["words"].text();
    if (why.empty()) return version + " is watched for one bake before it counts as good";
    return version + " does not count as good yet and is watched for another bake: " + why;
}

std::string adoptions_words(const Json& status) {
    std::string out;
    for (const auto& service : status["services"].items()) {
        const auto why = service["adopting"]["words"].text();
        if (why.empty() || service["why_not"].text().find(why) != std::string::npos) continue;
        out += printable(service["name"].text() + ": " + adoption_words(service)) + "\n";
    }
    return out;
}

/// `v1?`: it was seen last, and nobody says so now.
std::string live_words(const Json& service) {
    return service["live"].text() + (service["live_unknown"].is_null() ? "" : "?");
}

Table services_table(const Json& status) {
    Table table({"SERVICE", "MODE", "LIVE", "GOOD", "GUARD", "LAST INCIDENT", "CAN ROLL BACK"});
    for (const auto& s : status["services"].items()) {
        table.add({s["name"].text(), s["mode"].text() + (s["halted"].truth() ? ", halted" : ""), live_words(s),
                   s["good"].text(), guard_words(s["guard"]), last_incident_words(s["last_incident"]),
                   rollback_words(s)});
    }
    return table;
}

}  // namespace revertd::ctl
