// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <ostream>

#include "core/edit_distance.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/exit_code.h"

namespace revertd::ctl {
namespace {

constexpr const char* kPurpose = "Asks and steers revertd, which guards every deploy and undoes a bad one.";
constexpr const char* kDefaultAddress = "unix:/run/revertd/revertd.sock";

/// Commands and output formats that the contract names and this version does not have.
constexpr std::array kNotBuilt = {"drill", "backtest", "replay"};

/// Which commands have more formats than table, json and jsonl.
struct Offer {
    std::string_view format;
    Format value;
    std::array<std::string_view, 4> commands;
};

constexpr std::array<Offer, 4> kOffers{
    Offer{"md", Format::Markdown, {"incident report"}},
    Offer{"html", Format::Html, {"incident report"}},
    Offer{"github", Format::GitHub, {"check", "deploy start", "deploy watch", "gate"}},
    Offer{"junit", Format::JUnit, {"check", "deploy start", "deploy watch", "recipes test"}},
};

struct Parsed {
    std::string address;
    std::string format = "table";
    bool no_progress = false;
    Command command;
};

int version(Session& session) {
    const auto daemon = session.client().get("/api/v1/status/buildinfo");
    if (!session.for_people()) {
        const Json info = daemon ? *daemon : Json();
        session.out() << R"({"revertctl":")" REVERTD_VERSION R"(","revertd":)" << info.line() << "}\n";
        return kDone;
    }
    session.out() << "revertctl " REVERTD_VERSION "\n";
    // The version of the program is known without the daemon: one that is down is no error here.
    if (daemon) session.out() << "revertd " << (*daemon)["version"].text() << '\n';
    return kDone;
}

/// Known by name and outside every group: neither the help nor a hint offers it.
void add_not_built(CLI::App& parent, const std::string& name) {
    parent.add_subcommand(name, "not built yet")->group("");
}

void add_globals(CLI::App& root, Parsed& parsed) {
    root.add_option("-o,--output", parsed.format,
                    "table, json or jsonl; md and html for reports, github and junit for CI")
        ->check(CLI::IsMember({"table", "json", "jsonl", "md", "html", "github", "junit"}));
    root.add_option("--address", parsed.address, "unix:/path or a URL (also REVERTD_ADDRESS)");
    root.add_flag("--no-progress", parsed.no_progress, "no progress on stderr");
}

void add_commands(CLI::App& root, Parsed& parsed) {
    add_check_command(root, parsed.command);
    add_config_commands(root, parsed.command);
    add_deploy_commands(root, parsed.command);
    add_service_commands(root, parsed.command);
    add_incident_commands(root, parsed.command);
    add_ledger_commands(root, parsed.command);
    add_audit_commands(root, parsed.command);
    add_notify_commands(root, parsed.command);
    add_test_commands(root, parsed.command);
    add_init_command(root, parsed.command);
    add_judge_command(root, parsed.command);
    add_top_command(root, parsed.command);
    add_history_command(root, parsed.command);
    add_recipe_commands(root, parsed.command);
    add_completion_command(root, parsed.command);
    set_command(*root.add_subcommand("version", "versions of revertctl and of the daemon"), parsed.command, version);
    for (const auto* name : kNotBuilt) add_not_built(root, name);
}

/// The command or option that was probably meant by a word that `app` does not know; nothing if none is near.
std::string nearest(const CLI::App& app, const std::string& word) {
    std::vector<std::string> names;
    for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
        if (!command->get_group().empty()) names.push_back(command->get_name());
    }
    for (const auto* level = &app; level != nullptr; level = level->get_parent()) {
        for (const auto* option : level->get_options()) names.push_back(option->get_name());
    }
    std::string best;
    std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
    for (const auto& name : names) {
        const auto distance = edit_distance(word, name);
        if (distance < least) {
            least = distance;
            best = name;
        }
    }
    return best;
}

/// "revertctl deploy" of the deepest command that was understood.
std::string path_of(const CLI::App& app) {
    return app.get_parent() == nullptr ? app.get_name() : path_of(*app.get_parent()) + " " + app.get_name();
}

int not_built(const std::string& what, std::ostream& err) {
    print_error(err, what, Error(ErrorCode::Invalid, "not built yet in version " REVERTD_VERSION));
    return kUsage;
}

/// The last command that was understood.
const CLI::App& deepest_of(const CLI::App& app) {
    return app.get_subcommands().empty() ? app : deepest_of(*app.get_subcommands().front());
}

int usage_error(const CLI::App& root, const CLI::ParseError& error, std::ostream& err) {
    const auto& deepest = deepest_of(root);
    if (deepest.get_group().empty()) return not_built(path_of(deepest), err);
    const auto unknown = root.remaining(true);
    const auto path = path_of(deepest);
    if (unknown.empty()) {
        print_error(err, path, Error(ErrorCode::Invalid, error.what(), path + " --help shows the usage"));
        return kUsage;
    }
    const bool is_option = unknown.front().starts_with('-');
    const auto near = nearest(deepest, unknown.front().substr(0, unknown.front().find('=')));
    const auto what = std::string(is_option ? "unknown option" : "unexpected argument") + " '" + unknown.front() + "'";
    const auto hint = near.empty() ? path + " --help shows the usage"
                                   : "did you mean `" + (is_option ? near : path + " " + near) + "`?";
    print_error(err, path, Error(ErrorCode::Invalid, what, hint));
    return kUsage;
}

/// NO_COLOR wins over everything, CLICOLOR_FORCE over what the terminal is.
bool wants_colour(const Outside& outside, bool live) {
    const auto variable = [&](const char* name) { return outside.environment(name).value_or(""); };
    if (!variable("NO_COLOR").empty()) return false;
    if (const auto force = variable("CLICOLOR_FORCE"); !force.empty() && force != "0") return true;
    return live && variable("CLICOLOR") != "0";
}

GlobalOptions globals(const Parsed& parsed, const Outside& outside) {
    GlobalOptions options;
    options.address = parsed.address;
    if (options.address.empty()) options.address = outside.environment("REVERTD_ADDRESS").value_or(kDefaultAddress);
    if (parsed.format == "json") options.format = Format::Json;
    if (parsed.format == "jsonl") options.format = Format::JsonLines;
    for (const Offer& offer : kOffers)
        if (parsed.format == offer.format) options.format = offer.value;
    options.progress = !parsed.no_progress;
    options.live = outside.err_is_terminal && outside.environment("TERM").value_or("") != "dumb";
    options.colour = wants_colour(outside, options.live);
    return options;
}

/// Why the format is none of this command's; empty: it is.
std::string not_offered(const std::string& format, const std::string& command) {
    for (const Offer& offer : kOffers) {
        if (offer.format != format) continue;
        if (std::find(offer.commands.begin(), offer.commands.end(), command) != offer.commands.end()) return {};
        std::string names;
        for (const auto name : offer.commands)
            if (!name.empty()) names += (names.empty() ? "" : ", ") + std::string(name);
        return "output format '" + format + "' is for " + names + " only";
    }
    return {};
}

int run_command(const CLI::App& root, const Parsed& parsed, Outside& outside) {
    const auto path = path_of(deepest_of(root));
    if (!parsed.command) return not_built(path, outside.err);
    Session session(outside, globals(parsed, outside));
    const auto command = path.substr(std::min(path.size(), root.get_name().size() + 1));
    if (const auto why = not_offered(parsed.format, command); !why.empty())
        return session.refuse(why, "use table, json or jsonl");
    return parsed.command(session);
}

void build(CLI::App& root, Parsed& parsed) {
    root.fallthrough();  // global options may stand after the verb; subcommands inherit this
    root.require_subcommand(1);
    root.set_version_flag("--version", "revertctl " REVERTD_VERSION);
    add_globals(root, parsed);
    add_commands(root, parsed);
}

/// `revertctl __complete -- WORDS…`: what the completions of the shells ask. No grammar applies: the words are
/// unfinished.
int print_completions(const CLI::App& root, const std::vector<std::string>& arguments, Outside& outside) {
    std::vector<std::string> words(arguments.begin() + 1, arguments.end());
    if (!words.empty() && words.front() == "--") words.erase(words.begin());
    Parsed parsed;
    for (std::size_t i = 0; i + 1 < words.size(); ++i)
        if (words[i] == "--address") parsed.address = words[i + 1];
    Session session(outside, globals(parsed, outside));
    for (const auto& line : complete(root, words, session)) outside.out << line << '\n';
    return kDone;
}

}  // namespace

std::string check_duration(const std::string& text) {
    return parse_duration(text) ? "" : "'" + text + "' is not a duration like 90s, 10m or 1h30m";
}

void set_command(CLI::App& verb, Command& chosen, Command command) {
    verb.callback([&chosen, command = std::move(command)] { chosen = command; });
}

void describe(CLI::App& root) {
    static Parsed unused;  // the options of the grammar refer to it
    root.name("revertctl");
    root.description(kPurpose);
    build(root, unused);
}

int run(const std::vector<std::string>& arguments, Outside& outside) {
    CLI::App root(kPurpose, "revertctl");
    Parsed parsed;
    build(root, parsed);
    if (!arguments.empty() && arguments.front() == "__complete") return print_completions(root, arguments, outside);
    try {
        root.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    } catch (const CLI::Success& success) {  // --help and --version
        return root.exit(success, outside.out, outside.err);
    } catch (const CLI::ParseError& error) {
        return usage_error(root, error, outside.err);
    }
    return run_command(root, parsed, outside);
}

}  // namespace revertd::ctl
