// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <ostream>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/exit_code.h"
#include "daemon/ctl/incident_words.h"
#include "daemon/ctl/json.h"
#include "daemon/ctl/session.h"
#include "daemon/ctl/text.h"

namespace revertd::ctl {
namespace {

struct Answer {
    std::string id, reason, hold_for, label;
};

std::string path_of(const std::string& id, const std::string& what = {}) {
    return "/api/v1/incidents/" + encoded(id) + (what.empty() ? "" : "/" + what);
}

int list(Session& session) {
    const auto answer = session.client().get("/api/v1/incidents");
    return session.show("list incidents", answer, [&](const Json& incidents) {
        if (incidents.items().empty()) {
            session.err() << "no incidents yet\n";
            return;
        }
        Table table({"ID", "SEVERITY", "SERVICE", "DEPLOY", "STATE", "FROM", "TO", "OPENED", "REASON"});
        for (const auto& i : incidents.items()) {
            table.add({i["id"].text(), i["severity"].text(), i["service"].text(), i["deployment"].text(),
                       i["state"].text(), i["from"].text(), i["to"].text(),
                       when_words(i["opened"].text(), session.now().wall), i["reason"].text()});
        }
        table.print(session.out());
    });
}

int show(Session& session, const std::string& id) {
    const auto answer = session.client().get(path_of(id));
    return session.show("show " + id, answer,
                        [&](const Json& incident) { session.out() << incident_words(incident, session.now().wall); });
}

/// Markdown unless HTML or JSON is asked for; printed as the daemon wrote it.
int report(Session& session, const std::string& id) {
    const auto format = session.options().format;
    if (format == Format::Json || format == Format::JsonLines) {
        return session.show("report " + id, session.client().get(path_of(id, "report.json")), {});
    }
    const auto* name = format == Format::Html ? "report.html" : "report.md";
    const auto text = session.client().get_text(path_of(id, name));
    if (!text) return session.fail("report " + id, text.error());
    session.out() << *text;
    return kDone;
}

int explain(Session& session, const std::string& id) {
    const auto answer = session.client().get(path_of(id, "explain"));
    return session.show("explain " + id, answer, [&](const Json& chain) {
        for (const auto& line : chain["words"].items()) session.out() << printable(line.text()) << '\n';
    });
}

/// What a person says about an incident; `said` tells that it arrived.
int say(Session& session, const Answer& answer, const std::string& verb, const std::string& said) {
    std::optional<JsonLeaf> hold_seconds;
    if (const auto hold_for = parse_duration(answer.hold_for)) hold_seconds = seconds(*hold_for);
    const auto body =
        json_object({{"reason", given(answer.reason)}, {"for", hold_seconds}, {"label", given(answer.label)}});
    const auto result = session.client().post(path_of(answer.id, verb), body);
    return session.show(verb + " " + answer.id, result, [&](const Json& incident) {
        session.out() << answer.id << ": " << said;
        if (const auto state = incident["state"].text(); !state.empty())
            session.out() << " (" << printable(state) << ")";
        session.out() << '\n';
    });
}

std::shared_ptr<Answer> add_answer(CLI::App& parent, Command& chosen, const std::string& verb,
                                   const std::pair<std::string, std::string>& help_and_said) {
    auto answer = std::make_shared<Answer>();
    auto* command = parent.add_subcommand(verb, help_and_said.first);
    command->add_option("incident", answer->id)->required();
    command->add_option("--reason", answer->reason, "why; kept in the journal");
    set_command(*command, chosen, [answer, verb, said = help_and_said.second](Session& session) {
        return say(session, *answer, verb, said);
    });
    return answer;
}

void add_answers(CLI::App& root, Command& chosen) {
    add_answer(root, chosen, "approve", {"approves the rollback that an incident asks for", "approved"});
    add_answer(root, chosen, "deny", {"this severity does not ask again for this deploy", "denied"});
    add_answer(root, chosen, "take", {"a person has it: revertd watches and reports, acts on nothing", "taken"});
    const auto hold = add_answer(root, chosen, "hold", {"a forward fix is coming: nothing but P0 acts", "held"});
    root.get_subcommand("hold")
        ->add_option("--for", hold->hold_for, "how long, e.g. 10m")
        ->required()
        ->check(check_duration);
}

void add_with_id(CLI::App& parent, Command& chosen, const std::pair<std::string, std::string>& name_and_help,
                 int (*run)(Session&, const std::string&)) {
    auto id = std::make_shared<std::string>();
    auto* verb = parent.add_subcommand(name_and_help.first, name_and_help.second);
    verb->add_option("incident", *id)->required();
    set_command(*verb, chosen, [id, run](Session& session) { return run(session, *id); });
}

}  // namespace

void add_incident_commands(CLI::App& root, Command& chosen) {
    auto* incident = root.add_subcommand("incident", "incidents: list, show, report, ack, label");
    incident->require_subcommand(1);
    set_command(*incident->add_subcommand("list", "newest incidents first"), chosen, list);
    add_with_id(*incident, chosen, {"show", "one incident with its findings, attempts and timeline"}, show);
    add_with_id(*incident, chosen, {"report", "the report: -o md (default), html or json"}, report);
    add_answer(*incident, chosen, "ack", {"somebody is on it: stops the escalation", "acknowledged"});
    const auto label = add_answer(*incident, chosen, "label", {"what it was, once known", "labelled"});
    incident->get_subcommand("label")
        ->add_option("label", label->label, "false-alarm, true or not-the-deploy")
        ->required()
        ->check(CLI::IsMember({"false-alarm", "true", "not-the-deploy"}));
    add_with_id(root, chosen, {"explain", "why revertd decided what it decided"}, explain);
    add_answers(root, chosen);
}

}  // namespace revertd::ctl
