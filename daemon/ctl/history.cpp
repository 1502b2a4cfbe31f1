// SPDX-License-Identifier: Apache-2.0
// `history`: guards that have ended, and how.
#include <CLI/CLI.hpp>
#include <ostream>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/exit_code.h"
#include "daemon/ctl/session.h"
#include "daemon/ctl/text.h"

namespace revertd::ctl {
namespace {

struct Arguments {
    std::string service;
    unsigned limit = 50;
};

std::string took(const Json& deployment) {
    const auto begin = parse_rfc3339(deployment["started"].text()), end = parse_rfc3339(deployment["finished"].text());
    return begin && end ? seconds_words(seconds(*end - *begin)) : std::string();
}

std::string change(const Json& deployment) {
    const auto from = deployment["from"].text();
    return (from.empty() ? "?" : from) + " -> " + deployment["version"].text();
}

/// The same list as the daemon's, without the guards that are open.
Result<Json> ended(Result<Json> answer) {
    if (!answer) return answer;
    std::string list;
    for (const auto& deployment : answer->items())
        if (!deployment["finished"].is_null()) list += (list.empty() ? "" : ",") + deployment.line();
    return Json::parse("[" + list + "]");
}

int history(Session& session, const Arguments& arguments) {
    auto path = "/api/v1/deployments?limit=" + std::to_string(arguments.limit);
    if (!arguments.service.empty()) path += "&service=" + encoded(arguments.service);
    return session.show("history", ended(session.client().get(path)), [&](const Json& deployments) {
        if (deployments.items().empty()) {
            session.err() << "no guard has ended yet\n";
            return;
        }
        Table table({"ENDED", "SERVICE", "VERSION", "BY", "TOOK", "OUTCOME", "INCIDENT", "WHY"});
        for (const auto& d : deployments.items()) {
            table.add({when_words(d["finished"].text(), session.now().wall), d["service"].text(), change(d),
                       d["by"].text(), took(d), d["state"].text() + " (" + d["exit_code"].text() + ")",
                       d["incident"].text(), d["verdict_words"].text()});
        }
        table.print(session.out());
    });
}

}  // namespace

void add_history_command(CLI::App& root, Command& chosen) {
    auto arguments = std::make_shared<Arguments>();
    auto* verb = root.add_subcommand("history", "guards that have ended, and how; the newest first");
    verb->add_option("service", arguments->service);
    verb->add_option("--limit", arguments->limit, "look at so many deploys (50)")->check(CLI::Range(1, 500));
    set_command(*verb, chosen, [arguments](Session& session) { return history(session, *arguments); });
}

}  // namespace revertd::ctl
