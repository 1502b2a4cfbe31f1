// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <ostream>

#include "daemon/ctl/block.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/exit_code.h"
#include "daemon/ctl/github.h"
#include "daemon/ctl/json.h"
#include "daemon/ctl/session.h"
#include "daemon/ctl/text.h"
#include "daemon/ctl/watch.h"

namespace revertd::ctl {
namespace {

constexpr const char* kDeployments = "/api/v1/deployments";

struct WatchArguments {
    WatchOptions options;
    std::string timeout;
    std::string inconclusive = "fail";
};

struct StartArguments {
    std::string service, version, from, id, by, migration;
    std::vector<std::string> meta;
    bool wait = false;
    WatchArguments watch;
};

struct ListArguments {
    std::string service;
    unsigned limit = 20;
};

struct EndArguments {
    std::string id, reason;
    bool failed = false;
};

int watch_guard(Session& session, const WatchArguments& arguments) {
    WatchOptions options = arguments.options;
    options.inconclusive_passes = arguments.inconclusive == "pass";
    if (!arguments.timeout.empty()) options.timeout = parse_duration(arguments.timeout);
    return watch(session, options);
}

/// `k=v` in any number; nothing if one of them has no key.
std::optional<std::map<std::string, std::string>> meta_of(const std::vector<std::string>& pairs) {
    std::map<std::string, std::string> meta;
    for (const auto& pair : pairs) {
        const auto equals = pair.find('=');
        if (equals == 0 || equals == std::string::npos) return std::nullopt;
        meta[pair.substr(0, equals)] = pair.substr(equals + 1);
    }
    return meta;
}

/// On stderr in every format: the output is what was asked for, and a deploy that nobody can see is news.
void warn(Session& session, const Json& deployment) {
    for (const auto& warning : deployment["warnings"].items())
        session.err() << "warning: " << printable(warning.text()) << '\n';
}

int watch_started(Session& session, const Json& deployment, const StartArguments& arguments) {
    WatchArguments watched = arguments.watch;
    watched.options.target = deployment["id"].text();
    watched.options.wait = true;
    watched.options.end_on_err = true;
    return watch_guard(session, watched);
}

/// The id is an output at once: a later step may be the one that waits.
int start_in_github(Session& session, const Json& deployment, const StartArguments& arguments) {
    const auto id = deployment["id"].text();
    if (const auto set = set_outputs(session.outside(), {{"deployment", id}}); !set)
        return session.fail("start a guard of " + arguments.service, set.error());
    if (arguments.wait) return watch_started(session, deployment, arguments);
    session.out() << workflow_command("notice", {{"title", "revertd"}},
                                      "the guard of " + arguments.service + " " + arguments.version + " is " + id);
    return kDone;
}

int start(Session& session, const StartArguments& arguments) {
    const auto meta = meta_of(arguments.meta);
    if (!meta) return session.refuse("--meta is written key=value", "e.g. --meta commit=1a2b3c");
    if (session.options().format == Format::JUnit && !arguments.wait)
        return session.refuse("-o junit tells how a guard ended: use it with --wait", "or with deploy watch --wait");
    const auto body = json_object({{"service", arguments.service},
                                   {"version", arguments.version},
                                   {"from", given(arguments.from)},
                                   {"id", given(arguments.id)},
                                   {"by", given(arguments.by)},
                                   {"migration", given(arguments.migration)},
                                   {"meta", *meta}});
    const auto answer = session.client().post(kDeployments, body);
    const auto doing = "start a guard of " + arguments.service;
    const auto print_id = [&](const Json& deployment) { session.out() << deployment["id"].text() << std::endl; };
    if (!answer) return session.fail(doing, answer.error());
    warn(session, *answer);
    if (session.options().format == Format::GitHub) return start_in_github(session, *answer, arguments);
    if (!arguments.wait) return session.show(doing, answer, print_id);
    if (session.for_people()) print_id(*answer);
    return watch_started(session, *answer, arguments);
}

int list(Session& session, const ListArguments& arguments) {
    auto path = std::string(kDeployments) + "?limit=" + std::to_string(arguments.limit);
    if (!arguments.service.empty()) path += "&service=" + encoded(arguments.service);
    return session.show("list deployments", session.client().get(path), [&](const Json& deployments) {
        if (deployments.items().empty()) {
            session.err() << "no deployments yet\n";
            return;
        }
        Table table({"ID", "SERVICE", "VERSION", "FROM", "STATE", "EXIT", "INCIDENT", "STARTED"});
        for (const auto& d : deployments.items()) {
            table.add({d["id"].text(), d["service"].text(), d["version"].text(), d["from"].text(), d["state"].text(),
                       d["exit_code"].text(), d["incident"].text(),
                       when_words(d["started"].text(), session.now().wall)});
        }
        table.print(session.out());
    });
}

void print_fact(std::ostream& out, const std::string& name, const std::string& value) {
    if (!value.empty()) out << "  " << pad(name, 12) << printable(value) << '\n';
}

void print_deployment(Session& session, const Json& deployment) {
    const auto now = session.now().wall;
    auto& out = session.out();
    out << render_block(deployment, {}, {.columns = 200, .colour = false, .now = now});
    for (const auto* name : {"started", "first_seen", "bake_ends", "finished"}) {
        print_fact(out, name, when_words(deployment[name].text(), now));
    }
    for (const auto* name : {"by", "migration", "incident", "exit_code", "report"}) {
        print_fact(out, name, deployment[name].text());
    }
    for (const auto* name : {"power", "excluded"})
        for (const auto& words : deployment[name].items()) print_fact(out, name, words.text());
    for (const auto& [key, value] : deployment["meta"].members()) print_fact(out, "meta", key + "=" + value.text());
}

int show(Session& session, const std::string& id) {
    const auto answer = session.client().get(std::string(kDeployments) + "/" + encoded(id));
    return session.show("show " + id, answer, [&](const Json& d) { print_deployment(session, d); });
}

int finish(Session& session, const EndArguments& arguments) {
    const auto path = std::string(kDeployments) + "/" + encoded(arguments.id) + "/finish";
    const auto answer = session.client().post(path, json_object({{"failed", arguments.failed}}));
    return session.show("finish " + arguments.id, answer, [&](const Json&) {
        const auto* words =
            arguments.failed ? ": the rollout is told to have failed" : ": the rollout is told complete";
        session.out() << arguments.id << words << '\n';
    });
}

int abort(Session& session, const EndArguments& arguments) {
    const auto path = std::string(kDeployments) + "/" + encoded(arguments.id) + "/abort";
    const auto answer = session.client().post(path, json_object({{"reason", given(arguments.reason)}}));
    return session.show("abort " + arguments.id, answer, [&](const Json&) {
        session.out() << arguments.id << ": aborted, nothing is judged any more\n";
    });
}

void add_watch_options(CLI::App& verb, WatchArguments& arguments) {
    verb.add_option("--timeout", arguments.timeout, "give up watching after this time (exit 124); the guard goes on")
        ->check(check_duration);
    verb.add_option("--inconclusive", arguments.inconclusive, "fail: exit 14 (default); pass: exit 0")
        ->check(CLI::IsMember({"fail", "pass"}));
}

void add_start(CLI::App& deploy, Command& chosen) {
    auto arguments = std::make_shared<StartArguments>();
    auto* verb = deploy.add_subcommand("start", "opens the guard of a deploy; prints its id");
    verb->add_option("service", arguments->service)->required();
    verb->add_option("--version", arguments->version, "the version that is being deployed")->required();
    verb->add_option("--from", arguments->from, "the version that it replaces");
    verb->add_option("--id", arguments->id, "id of the deploy: the same id is the same guard");
    verb->add_option("--migration", arguments->migration, "what it does to the database")
        ->check(CLI::IsMember({"none", "additive", "destructive"}));
    verb->add_option("--by", arguments->by, "who deploys, if sent by root or a listed agent");
    verb->add_option("--meta", arguments->meta, "key=value, kept with the deploy (repeatable)")->expected(1);
    verb->get_option("--meta")->take_all();
    verb->add_flag("--wait", arguments->wait, "then watch it; the exit code is that of the guard");
    add_watch_options(*verb, arguments->watch);
    set_command(*verb, chosen, [arguments](Session& session) { return start(session, *arguments); });
}

void add_watch(CLI::App& deploy, Command& chosen) {
    auto arguments = std::make_shared<WatchArguments>();
    auto* verb = deploy.add_subcommand("watch", "follows a guard to its end");
    verb->add_option("deploy", arguments->options.target, "id, or a service: its newest deploy")->required();
    verb->add_flag("--wait", arguments->options.wait, "the exit code is that of the guard");
    add_watch_options(*verb, *arguments);
    set_command(*verb, chosen, [arguments](Session& session) { return watch_guard(session, *arguments); });
}

void add_list_and_show(CLI::App& deploy, Command& chosen) {
    auto arguments = std::make_shared<ListArguments>();
    auto* list_verb = deploy.add_subcommand("list", "newest deploys first");
    list_verb->add_option("service", arguments->service);
    list_verb->add_option("--limit", arguments->limit, "at most so many (20)");
    set_command(*list_verb, chosen, [arguments](Session& session) { return list(session, *arguments); });

    auto id = std::make_shared<std::string>();
    auto* show_verb = deploy.add_subcommand("show", "one deploy as it is now");
    show_verb->add_option("deploy", *id, "id, or a service: its newest deploy")->required();
    set_command(*show_verb, chosen, [id](Session& session) { return show(session, *id); });
}

void add_ends(CLI::App& deploy, Command& chosen) {
    auto arguments = std::make_shared<EndArguments>();
    auto* finish_verb = deploy.add_subcommand("finish", "the deploy tool says that the rollout is complete");
    finish_verb->add_option("deploy", arguments->id)->required();
    finish_verb->add_flag("--failed", arguments->failed, "or that it gave up half-way");
    set_command(*finish_verb, chosen, [arguments](Session& session) { return finish(session, *arguments); });

    auto* abort_verb = deploy.add_subcommand("abort", "stops judging a deploy");
    abort_verb->add_option("deploy", arguments->id)->required();
    abort_verb->add_option("--reason", arguments->reason);
    set_command(*abort_verb, chosen, [arguments](Session& session) { return abort(session, *arguments); });
}

}  // namespace

void add_deploy_commands(CLI::App& root, Command& chosen) {
    auto* deploy = root.add_subcommand("deploy", "guards of deploys: start, watch, list, show, finish, abort");
    deploy->require_subcommand(1);
    add_start(*deploy, chosen);
    add_watch(*deploy, chosen);
    add_list_and_show(*deploy, chosen);
    add_ends(*deploy, chosen);
}

}  // namespace revertd::ctl
