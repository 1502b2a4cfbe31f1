// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <ostream>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/json.h"
#include "daemon/ctl/service_words.h"
#include "daemon/ctl/session.h"
#include "daemon/ctl/text.h"

namespace revertd::ctl {
namespace {

struct Mark {
    std::string ledger;  ///< good | bad
    std::string action;  ///< mark | unmark | forgive
    std::string service, version, reason;
};

std::string path_of(const std::string& service, const std::string& what) {
    return "/api/v1/services/" + encoded(service) + "/" + what;
}

/// `good list` shows what may be rolled back to, `bad list` what may not be without a person; a mark that was taken
/// back is in neither.
bool belongs(const Json& version, const std::string& ledger) {
    const auto state = version["state"].text();
    if (ledger == "good") return state == "good" || state == "declared";
    return state == "bad" || state == "suspect";
}

/// Who wonders why there is still no good version looks here.
std::string adoption_of(Session& session, const std::string& service) {
    const auto services = session.client().get("/api/v1/services");
    if (!services) return {};
    for (const auto& one : services->items())
        if (one["name"].text() == service) return adoption_words(one);
    return {};
}

int list(Session& session, const std::string& service, const std::string& ledger) {
    const auto answer = session.client().get(path_of(service, "versions"));
    return session.show("list versions of " + service, answer, [&](const Json& versions) {
        Table table({"VERSION", "STATE", "WHY", "BY", "SINCE"});
        bool any = false;
        for (const auto& v : versions.items()) {
            if (!belongs(v, ledger)) continue;
            any = true;
            table.add({v["version"].text(), v["state"].text(), v["why"].text(), v["by"].text(),
                       when_words(v["at"].text(), session.now().wall)});
        }
        if (any) {
            table.print(session.out());
        } else {
            const auto adoption = ledger == "good" ? printable(adoption_of(session, service)) : std::string();
            session.err() << service << " has no " << ledger << " versions" << (adoption.empty() ? "" : ": ")
                          << adoption << '\n';
        }
    });
}

int mark(Session& session, const Mark& mark) {
    const auto body = json_object({{"version", mark.version}, {"action", mark.action}, {"reason", given(mark.reason)}});
    const auto answer = session.client().post(path_of(mark.service, mark.ledger), body);
    const auto said = mark.action == "mark"     ? "marked " + mark.ledger
                      : mark.action == "unmark" ? "no longer good"
                                                : std::string("forgiven");
    return session.show(mark.action + " " + mark.version, answer, [&](const Json&) {
        session.out() << mark.service << " " << mark.version << ": " << said << '\n';
    });
}

void add_mark(CLI::App& ledger, Command& chosen, const std::string& action, const std::string& help) {
    auto arguments = std::make_shared<Mark>();
    arguments->ledger = ledger.get_name();
    arguments->action = action;
    auto* verb = ledger.add_subcommand(action, help);
    verb->add_option("service", arguments->service)->required();
    verb->add_option("version", arguments->version)->required();
    verb->add_option("--reason", arguments->reason, "why; kept in the journal");
    set_command(*verb, chosen, [arguments](Session& session) { return mark(session, *arguments); });
}

CLI::App* add_ledger(CLI::App& root, Command& chosen, const std::string& name, const std::string& help) {
    auto* ledger = root.add_subcommand(name, help);
    ledger->require_subcommand(1);
    auto service = std::make_shared<std::string>();
    auto* verb = ledger->add_subcommand("list", "the " + name + " versions of a service, and why");
    verb->add_option("service", *service)->required();
    set_command(*verb, chosen, [service, name](Session& session) { return list(session, *service, name); });
    return ledger;
}

}  // namespace

void add_ledger_commands(CLI::App& root, Command& chosen) {
    auto* good = add_ledger(root, chosen, "good", "versions that may be rolled back to: list, mark, unmark");
    add_mark(*good, chosen, "mark", "a person vouches for a version");
    add_mark(*good, chosen, "unmark", "takes that back");
    auto* bad = add_ledger(root, chosen, "bad", "versions known to be bad: list, mark, forgive");
    add_mark(*bad, chosen, "mark", "a person knows that a version is bad");
    add_mark(*bad, chosen, "forgive", "it was not the version");
}

}  // namespace revertd::ctl
