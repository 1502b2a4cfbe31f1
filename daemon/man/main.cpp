// SPDX-License-Identifier: Apache-2.0
// Writes the manual from the tables that the programs use themselves: revertd-man DIRECTORY.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>

#include "config/keys.h"
#include "daemon/ctl/options.h"
#include "daemon/man/roff.h"
#include "daemon/options.h"
#include "daemon/runner/usage.h"

namespace revertd::man {
namespace {

/// "--limit N", "-o, --output FORMAT", or "SERVICE".
std::string term_of(const CLI::Option& option) {
    if (option.get_positional()) return option.get_name(true);
    std::string term;
    for (const auto& name : option.get_snames()) term += (term.empty() ? "-" : ", -") + name;
    for (const auto& name : option.get_lnames()) term += (term.empty() ? "--" : ", --") + name;
    if (option.get_items_expected_max() == 0) return term;
    const auto type = option.get_type_name();
    const auto open = type.find('{'), close = type.find('}');
    if (open == std::string::npos || close == std::string::npos) return term + " VALUE";
    std::string words = type.substr(open + 1, close - open - 1);
    std::replace(words.begin(), words.end(), ',', '|');
    return term + " " + words;
}

void add_options_of(Page& page, const CLI::App& app) {
    for (const auto* option : app.get_options()) {
        if (option->get_group().empty() || option->get_positional()) continue;
        const auto fallback = option->get_default_str();
        page.item(term_of(*option), option->get_description() + (fallback.empty() ? "" : " (" + fallback + ")"));
    }
}

std::string usage_of(const std::string& path, const CLI::App& app) {
    std::string line = path;
    for (const auto* option : app.get_options()) {
        if (!option->get_positional()) continue;
        const auto name = option->get_name(true) + (option->get_expected_max() > 1 ? "..." : "");
        line += option->get_required() ? " " + name : " [" + name + "]";
    }
    for (const auto* option : app.get_options())
        if (!option->get_positional() && option->get_required()) line += " " + term_of(*option);
    return line;
}

/// Every command that does something, with its own options.
void add_commands(Page& page, const CLI::App& app, const std::string& path) {
    for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
        if (command->get_group().empty()) continue;
        const std::string name = path.empty() ? command->get_name() : path + " " + command->get_name();
        const auto inner = command->get_subcommands([](const CLI::App*) { return true; });
        if (inner.empty() || command->get_require_subcommand_min() == 0) {
            page.subheading(usage_of(name, *command));
            page.paragraph(command->get_description());
            for (const auto* option : command->get_options())
                if (!option->get_group().empty() && !option->get_positional() && option->get_name() != "--help")
                    page.item(term_of(*option), option->get_description());
        }
        add_commands(page, *command, name);
    }
}

std::string revertctl() {
    CLI::App root;
    ctl::describe(root);
    Page page("revertctl", "1", "ask and steer revertd");
    page.heading("SYNOPSIS");
    page.paragraph("revertctl [OPTIONS] COMMAND [ARGUMENTS]");
    page.heading("DESCRIPTION");
    page.paragraph(root.get_description());
    page.paragraph(
        "Data goes to standard output, progress to standard error. Options of this list may stand before or "
        "behind the command.");
    page.heading("OPTIONS");
    add_options_of(page, root);
    page.heading("COMMANDS");
    add_commands(page, root, "");
    page.heading("EXIT STATUS");
    for (const auto& [code, words] :
         {std::pair{"0", "done; of a guard that was waited for: a healthy bake"},
          {"1", "an error, said on standard error; check: a file is invalid"},
          {"2", "wrong usage"},
          {"3", "check --strict: warnings; gate: the version is known to be bad"},
          {"4, 5, 6", "gate: an incident is open, the rollback is not ready, the migration is unsafe"},
          {"10", "regression, rolled back and verified"},
          {"11", "regression, the rollback failed"},
          {"12", "regression, not rolled back: denied, held, taken, or by policy"},
          {"13", "superseded by a newer deploy"},
          {"14", "inconclusive: too little could be seen"},
          {"15", "aborted by a person"},
          {"69", "revertd cannot be reached, or is not ready"},
          {"77", "not allowed"},
          {"124", "the time given by --timeout is over; the guard goes on"},
          {"130", "interrupted; the guard goes on"}})
        page.item(code, words);
    page.heading("ENVIRONMENT");
    page.item("REVERTD_ADDRESS", "where revertd listens, when --address is not given");
    page.item("NO_COLOR, CLICOLOR, CLICOLOR_FORCE",
              "no colour, no colour when 0, colour also where there is no terminal");
    page.item("GITHUB_OUTPUT, GITHUB_STEP_SUMMARY", "files that -o github appends to");
    page.item("CREDENTIALS_DIRECTORY", "where check looks up the names of credentials, if set");
    page.heading("EXAMPLES");
    page.example(
        "id=$(revertctl deploy start api --version \"$SHA\") && ./deploy.sh \"$SHA\"\nrevertctl deploy watch \"$id\" "
        "--wait");
    page.see_also("revertctl");
    return page.text();
}

std::string daemon() {
    CLI::App app;
    Options options;
    add_options(app, options);
    Page page("revertd", "8", "guard every deploy for its bake period and undo a bad one");
    page.heading("SYNOPSIS");
    page.paragraph("revertd [OPTIONS]");
    page.heading("DESCRIPTION");
    page.paragraph(
        "revertd learns of a deploy, watches the service through its health endpoint and its metrics, judges it "
        "against rules, and puts the last good version back: at once where the severity says so, after an "
        "approval where it asks for one. It executes nothing itself; revertd-runner does.");
    page.heading("OPTIONS");
    add_options_of(page, app);
    page.heading("SIGNALS");
    page.item("SIGHUP", "reads the configuration again; one that is not valid changes nothing");
    page.item("SIGTERM, SIGINT", "stops; a running step is handed over, never cut");
    page.heading("FILES");
    page.item("/etc/revertd/revertd.yaml", "the configuration");
    page.item("/var/lib/revertd", "journal, receipts and reports");
    page.item("/run/revertd/revertd.sock", "the socket of revertctl");
    page.item("/etc/revertd/HALT", "while it exists nothing acts");
    page.heading("EXIT STATUS");
    for (const auto& [code, words] :
         {std::pair{"0", "ended as asked"},
          {"1", "runtime failure"},
          {"2", "bad usage or configuration; all errors at once"},
          {"75", "another instance holds the state"},
          {"78", "the journal needs a person: revertctl state accept, after reading what it says"}})
        page.item(code, words);
    page.see_also("revertd");
    return page.text();
}

std::string runner() {
    Page page("revertd-runner", "8", "execute the steps that revertd decided on");
    page.heading("SYNOPSIS");
    page.paragraph("revertd-runner " + std::string(runner::kSynopsis));
    page.heading("DESCRIPTION");
    page.paragraph(runner::kPurpose);
    page.paragraph(
        "It writes an exclusive, durable receipt for each key before it starts a step: a second start with the same "
        "key is refused, whoever asks, and a restart of the daemon cuts nothing.");
    page.heading("OPTIONS");
    for (const auto& option : runner::kOptions) page.item(option.name, option.words);
    page.heading("EXIT STATUS");
    page.item("0", "ended as asked");
    page.item("1", "runtime failure");
    page.item("2", "bad usage");
    page.item("75", "another one holds the receipts");
    page.see_also("revertd-runner");
    return page.text();
}

/// `services.*.health.url` -> `services.NAME.health.url`
std::string shown_path(std::string_view path) {
    std::string out;
    for (const char c : path) out += c == '*' ? std::string("NAME") : std::string(1, c);
    return out;
}

std::string words_of(const config::Key& key) {
    std::string words(key.words);
    if (!key.range.empty()) words += "; " + std::string(key.range);
    if (!key.fallback.empty()) words += " (" + std::string(key.fallback) + ")";
    if (!key.feature.empty()) words += ". Not built yet: refused when written";
    return words;
}

std::string configuration() {
    Page page("revertd.yaml", "5", "the configuration of revertd");
    page.heading("DESCRIPTION");
    page.paragraph(
        "YAML, or JSON as its subset. Unknown keys, duplicate keys and values out of range are errors with their "
        "place. Durations are written 500ms, 30s, 5m, 1h30m, 1d; `off` switches a feature off. What is in "
        "effect, every default included, is said by");
    page.example("revertctl check /etc/revertd/revertd.yaml --explain");
    page.heading("EXAMPLE");
    page.example(
        "services:\n"
        "  api:\n"
        "    health: http://127.0.0.1:8080/health/ready\n"
        "    metrics: http://127.0.0.1:8080/metrics\n"
        "    rollback: { systemd: api.service, releases: /srv/api/releases }\n"
        "notify:\n"
        "  pagerduty: { routing_key_file: pagerduty }");
    page.heading("RULES");
    page.paragraph(
        "A rule is a sentence: SIGNAL OP VALUE[%|ms|s|x baseline|% baseline] [for DURATION], health down for "
        "DURATION, health fails N in a row, RULE N of M, SIGNAL absent for DURATION, rollout stuck, deploy failed; "
        "over DURATION is its window, clear VALUE where it clears.");
    page.heading("KEYS");
    page.paragraph(
        "NAME stands for a name of yours, [] for an element of a list, | for one of several. What is in "
        "parentheses holds when the key is not written. defaults may hold any key of a service.");
    for (const config::Key& key : config::all_keys()) page.item(shown_path(key.path), words_of(key));
    page.see_also("revertd.yaml");
    return page.text();
}

bool write(const std::string& path, const std::string& text) {
    std::ofstream file(path, std::ios::trunc);
    file << text << std::flush;
    if (!file) std::fprintf(stderr, "revertd-man: %s cannot be written\n", path.c_str());
    return static_cast<bool>(file);
}

}  // namespace
}  // namespace revertd::man

int main(int count, char** arguments) {
    using namespace revertd::man;
    if (count != 2) return std::fputs("usage: revertd-man DIRECTORY\n", stderr), 2;
    const std::string directory = std::string(arguments[1]) + "/";
    const bool written = write(directory + "revertctl.1", revertctl()) && write(directory + "revertd.8", daemon()) &&
                         write(directory + "revertd-runner.8", runner()) &&
                         write(directory + "revertd.yaml.5", configuration());
    return written ? 0 : 1;
}
