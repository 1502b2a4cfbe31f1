// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <ostream>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/exit_code.h"
#include "daemon/ctl/github.h"
#include "daemon/ctl/json.h"
#include "daemon/ctl/service_words.h"
#include "daemon/ctl/session.h"
#include "daemon/ctl/text.h"

namespace revertd::ctl {
namespace {

struct Order {
    std::string service, severity, to, reason, version;
    bool force = false, abort = false;
};

std::string path_of(const std::string& service, const std::string& what) {
    return "/api/v1/services/" + encoded(service) + "/" + what;
}

void print_done(Session& session, const Json& answer, const std::string& done) {
    session.out() << done;
    if (const auto incident = answer["incident"].text(); !incident.empty()) session.out() << ", incident " << incident;
    session.out() << '\n';
}

void print_status(Session& session, const Json& status) {
    session.out() << brakes_words(status) << hours_words(status, session.now().wall);
    if (status["services"].items().empty()) {
        session.err() << "no services are configured\n";
        return;
    }
    services_table(status).print(session.out());
    session.out() << silence_words(status, session.now().wall) << adoptions_words(status) << steady_words(status);
}

int status(Session& session) {
    const auto ready = session.client().get_text("/-/ready");
    if (!ready) return session.fail("status", ready.error());
    return session.show("status", session.client().get("/api/v1/status"),
                        [&](const Json& answer) { print_status(session, answer); });
}

int trigger(Session& session, const Order& order) {
    const auto body = json_object({{"severity", order.severity}, {"reason", order.reason}});
    const auto answer = session.client().post(path_of(order.service, "trigger"), body);
    return session.show("trigger " + order.service, answer, [&](const Json& incident) {
        print_done(session, incident, order.service + ": triggered as " + order.severity);
    });
}

int rollback(Session& session, const Order& order) {
    const auto body = json_object({{"to", given(order.to)}, {"reason", order.reason}, {"force", order.force}});
    const auto answer = session.client().post(path_of(order.service, "rollback"), body);
    return session.show("roll back " + order.service, answer, [&](const Json& incident) {
        print_done(session, incident,
                   order.service + ": rollback ordered" + (order.to.empty() ? "" : " to " + order.to));
    });
}

int halt(Session& session, const Order& order) {
    const auto path = order.service.empty() ? "/api/v1/halt" : path_of(order.service, "halt");
    const auto answer =
        session.client().post(path, json_object({{"abort", order.abort}, {"reason", given(order.reason)}}));
    const auto what = order.service.empty() ? std::string("everything") : order.service;
    return session.show("halt " + what, answer, [&](const Json&) {
        session.out() << what << ": halted, nothing acts until `revertctl resume"
                      << (order.service.empty() ? "" : " " + order.service) << "`\n";
    });
}

int resume(Session& session, const Order& order) {
    const auto path = order.service.empty() ? "/api/v1/resume" : path_of(order.service, "resume");
    const auto answer = session.client().post(path, json_object({{"reason", given(order.reason)}}));
    const auto what = order.service.empty() ? std::string("everything") : order.service;
    return session.show("resume " + what, answer, [&](const Json&) { session.out() << what << ": resumed\n"; });
}

int gate(Session& session, const Order& order) {
    const auto query = "?service=" + encoded(order.service) + "&version=" + encoded(order.version);
    const auto answer = session.client().get("/api/v1/gate" + query);
    const int code = session.show("gate " + order.service, answer, [&](const Json& gate) {
        const auto reason = printable(gate["reason"].text());
        session.out() << (gate["go"].truth() ? "go" : "no go") << (reason.empty() ? "" : ": ") << reason << '\n';
    });
    if (code != kDone) return code;
    if (session.options().format == Format::GitHub) {
        const bool go = (*answer)["go"].truth();
        session.out() << workflow_command(
            go ? "notice" : "error", {{"title", "revertd gate"}},
            order.service + " " + order.version + ": " + (go ? "go" : "no go: " + (*answer)["reason"].text()));
        const auto set =
            set_outputs(session.outside(), {{"go", go ? "true" : "false"}, {"code", (*answer)["code"].text()}});
        if (!set) return session.fail("gate " + order.service, set.error());
    }
    // An answer without a code is no permission.
    return static_cast<int>((*answer)["code"].number().value_or(kFailed));
}

using Run = int (*)(Session&, const Order&);

CLI::App* add_order(CLI::App& parent, Command& chosen, const std::pair<std::string, Run>& verb,
                    const std::pair<std::string, std::shared_ptr<Order>>& help_and_order) {
    auto* command = parent.add_subcommand(verb.first, help_and_order.first);
    set_command(*command, chosen,
                [run = verb.second, order = help_and_order.second](Session& session) { return run(session, *order); });
    return command;
}

void add_orders(CLI::App& root, Command& chosen) {
    auto order = std::make_shared<Order>();
    auto* command = add_order(root, chosen, {"trigger", trigger}, {"a person's trigger for the live version", order});
    command->add_option("service", order->service)->required();
    command->add_option("--severity", order->severity)->required()->check(CLI::IsMember({"P0", "P1", "P2", "P3"}));
    command->add_option("--reason", order->reason, "why; kept in the journal")->required();

    auto* noun = root.add_subcommand("rollback", "a person's order to roll back: rollback start SERVICE");
    noun->require_subcommand(1);
    order = std::make_shared<Order>();
    command = add_order(*noun, chosen, {"start", rollback}, {"rolls a service back", order});
    command->add_option("service", order->service)->required();
    command->add_option("--to", order->to, "the version to go back to (default: the newest good one)");
    command->add_option("--reason", order->reason, "why; kept in the journal")->required();
    command->add_flag("--force", order->force, "to a version that is known to be bad");
}

void add_switches(CLI::App& root, Command& chosen) {
    auto order = std::make_shared<Order>();
    auto* command = add_order(root, chosen, {"halt", halt}, {"nothing acts any more, of one service or of all", order});
    command->add_option("service", order->service);
    command->add_option("--reason", order->reason, "why; kept in the journal");
    command->add_flag("--abort", order->abort, "stops a running step too");

    order = std::make_shared<Order>();
    command = add_order(root, chosen, {"resume", resume}, {"takes a halt back", order});
    command->add_option("service", order->service);
    command->add_option("--reason", order->reason, "why; kept in the journal");
}

}  // namespace

void add_service_commands(CLI::App& root, Command& chosen) {
    set_command(*root.add_subcommand("status", "all services and guards; exit 69 until the daemon is ready"), chosen,
                status);
    add_orders(root, chosen);
    add_switches(root, chosen);
    auto order = std::make_shared<Order>();
    auto* command = add_order(
        root, chosen, {"gate", gate},
        {"may this version be deployed? exit 0 go, 3 known bad, 4 frozen or incident, 5 no rollback, 6 migration",
         order});
    command->add_option("service", order->service)->required();
    command->add_option("version", order->version)->required();
}

}  // namespace revertd::ctl
