// SPDX-License-Identifier: Apache-2.0
// `test rules FILE…`: unit tests of rules with given series, offline.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <ostream>

#include "config/document.h"
#include "config/load.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/exit_code.h"
#include "daemon/ctl/json.h"
#include "daemon/ctl/rules_case.h"
#include "daemon/ctl/session.h"
#include "daemon/ctl/text.h"

namespace revertd::ctl {
namespace {

struct Outcome {
    std::string file, name;
    std::vector<std::string> failures;
};

bool print_errors(Session& session, std::vector<Diagnostic> diagnostics) {
    bool any = false;
    for (const Diagnostic& d : diagnostics) {
        if (d.severity != Diagnostic::Severity::Error) continue;
        session.err() << printable(to_line(d)) << '\n';
        any = true;
    }
    return any;
}

/// Nothing when the file itself, or its configuration, is wrong: that has been said.
std::optional<std::vector<Outcome>> run_file(Session& session, const std::string& file) {
    const auto text = config::read_config_file(file);
    if (!text) return session.err() << file << ": " << text.error().message << '\n', std::nullopt;
    Diagnostics diagnostics(file, *text);
    const auto root = config::parse_document(*text, diagnostics);
    const auto cases = root ? read_cases(*root, diagnostics) : std::vector<RulesCase>{};
    const config::Node* config_key = root && root->is_map() ? root->find("config") : nullptr;
    if (root && config_key == nullptr)
        diagnostics.error({1, 1}, "`config` is missing", "the file whose rules are tested");
    if (print_errors(session, diagnostics.take())) return std::nullopt;
    const auto config_file = std::filesystem::path(file).parent_path() / config_key->text;
    const LoadResult loaded = load_file(config_file.string());
    if (print_errors(session, loaded.diagnostics) || !loaded.loaded) return std::nullopt;
    std::vector<Outcome> out;
    for (const RulesCase& test : cases) {
        const auto settings = loaded.loaded->settings.find(test.service);
        Outcome outcome{file, test.name, {}};
        if (!settings) {
            outcome.failures.push_back("no service " + test.service + " in " + config_file.string());
        } else {
            const auto failures = run_case(test, *settings);
            outcome.failures = failures ? *failures : std::vector<std::string>{failures.error().message};
        }
        out.push_back(std::move(outcome));
    }
    return out;
}

void print(Session& session, const Outcome& outcome) {
    if (!session.for_people()) {
        std::string all;
        for (const std::string& failure : outcome.failures) all += (all.empty() ? "" : "\n") + failure;
        session.out() << json_object({{"file", outcome.file},
                                      {"test", outcome.name},
                                      {"passed", outcome.failures.empty()},
                                      {"failures", given(all)}})
                      << '\n';
        return;
    }
    session.out() << (outcome.failures.empty() ? "PASS  " : "FAIL  ") << printable(outcome.name) << '\n';
    for (const std::string& failure : outcome.failures) session.out() << "      " << printable(failure) << '\n';
}

int test_rules(Session& session, const std::vector<std::string>& files) {
    std::size_t failed = 0, passed = 0;
    bool broken = false;
    for (const std::string& file : files) {
        const auto outcomes = run_file(session, file);
        broken = broken || !outcomes;
        for (const Outcome& outcome : outcomes.value_or(std::vector<Outcome>{})) {
            print(session, outcome);
            ++(outcome.failures.empty() ? passed : failed);
        }
    }
    if (session.for_people()) session.out() << passed << " passed, " << failed << " failed\n";
    return failed > 0 || broken ? kFailed : kDone;
}

}  // namespace

void add_test_commands(CLI::App& root, Command& chosen) {
    auto* noun = root.add_subcommand("test", "test rules FILE: unit tests of rules");
    noun->require_subcommand(1);
    auto files = std::make_shared<std::vector<std::string>>();
    auto* verb = noun->add_subcommand("rules", "tests rules with given series: exit 0 all passed, 1 otherwise");
    verb->add_option("file", *files)->required();
    set_command(*verb, chosen, [files](Session& session) { return test_rules(session, *files); });
}

}  // namespace revertd::ctl
