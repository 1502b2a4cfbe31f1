// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <algorithm>
#include <ostream>

#include "config/explain.h"
#include "config/load.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/exit_code.h"
#include "daemon/ctl/github.h"
#include "daemon/ctl/json.h"
#include "daemon/ctl/junit.h"
#include "daemon/ctl/session.h"
#include "daemon/ctl/text.h"

namespace revertd::ctl {
namespace {

struct Arguments {
    std::vector<std::string> files;
    bool explain = false, live = false, strict = false;
};

bool has(const std::vector<Diagnostic>& diagnostics, Diagnostic::Severity severity) {
    return std::any_of(diagnostics.begin(), diagnostics.end(),
                       [severity](const Diagnostic& d) { return d.severity == severity; });
}

/// The finding, the line that it is about, and a caret under the place.
void print_finding(std::ostream& out, const Diagnostic& diagnostic) {
    out << "  " << printable(to_line(diagnostic)) << '\n';
    if (diagnostic.source_line.empty() || diagnostic.column == 0) return;
    out << "    " << printable(diagnostic.source_line) << '\n';
    out << "    " << std::string(diagnostic.column - 1, ' ') << "^\n";
}

void print_result(std::ostream& out, const std::string& file, const LoadResult& result) {
    out << "Checking " << file << '\n';
    out << (result.loaded ? " SUCCESS: " + file + " is valid" : std::string(" FAILED:")) << '\n';
    for (const auto& diagnostic : result.diagnostics) print_finding(out, diagnostic);
}

std::string to_json(const Diagnostic& diagnostic) {
    return json_object({{"file", diagnostic.file},
                        {"line", static_cast<double>(diagnostic.line)},
                        {"column", static_cast<double>(diagnostic.column)},
                        {"severity", std::string(to_string(diagnostic.severity))},
                        {"message", diagnostic.what},
                        {"hint", diagnostic.hint}});
}

void print_findings_as_json(Session& session, const std::vector<Diagnostic>& diagnostics) {
    std::string list;
    for (const auto& diagnostic : diagnostics) list += (list.empty() ? "" : ",") + to_json(diagnostic);
    if (const auto json = Json::parse("[" + list + "]")) print_json(session.out(), *json, session.options().format);
}

std::string words_of(const Diagnostic& diagnostic) {
    return diagnostic.what + (diagnostic.hint.empty() ? "" : "; " + diagnostic.hint);
}

void print_workflow_commands(Session& session, const std::vector<Diagnostic>& diagnostics) {
    for (const auto& diagnostic : diagnostics) {
        const bool is_error = diagnostic.severity == Diagnostic::Severity::Error;
        const bool is_warning = diagnostic.severity == Diagnostic::Severity::Warning;
        session.out() << workflow_command(is_error     ? "error"
                                          : is_warning ? "warning"
                                                       : "notice",
                                          {{"file", diagnostic.file},
                                           {"line", std::to_string(diagnostic.line)},
                                           {"col", std::to_string(diagnostic.column)},
                                           {"title", "revertctl check"}},
                                          words_of(diagnostic));
    }
}

/// One case a file.
TestSuite suite_of(const Arguments& arguments, const std::vector<Diagnostic>& diagnostics) {
    TestSuite suite{.name = "revertctl check", .classname = "revertd.check", .timestamp = {}, .cases = {}};
    for (const auto& file : arguments.files) {
        TestCase test{.name = file, .kind = "configuration", .message = {}, .details = {}};
        for (const auto& diagnostic : diagnostics) {
            if (diagnostic.file != file || diagnostic.severity != Diagnostic::Severity::Error) continue;
            if (test.result == TestCase::Result::Passed) test.message = words_of(diagnostic);
            test.result = TestCase::Result::Failed;
            test.details += to_line(diagnostic) + "\n";
        }
        suite.cases.push_back(std::move(test));
    }
    return suite;
}

int exit_code(const std::vector<Diagnostic>& diagnostics, bool strict) {
    if (has(diagnostics, Diagnostic::Severity::Error)) return kFailed;
    return strict && has(diagnostics, Diagnostic::Severity::Warning) ? kWarnings : kDone;
}

int check(Session& session, const Arguments& arguments) {
    if (arguments.live) return session.refuse("check --live is not built yet", "check without it reads the file only");
    LoadOptions options;
    options.credentials_directory = session.outside().environment("CREDENTIALS_DIRECTORY").value_or("");
    std::vector<Diagnostic> all;
    for (const auto& file : arguments.files) {
        const auto result = load_file(file, options);
        if (session.for_people()) print_result(session.out(), file, result);
        if (session.for_people() && arguments.explain && result.loaded) session.out() << explain(*result.loaded);
        all.insert(all.end(), result.diagnostics.begin(), result.diagnostics.end());
    }
    if (session.options().format == Format::GitHub) {
        print_workflow_commands(session, all);
    } else if (session.options().format == Format::JUnit) {
        session.out() << junit_xml(suite_of(arguments, all));
    } else if (!session.for_people()) {
        print_findings_as_json(session, all);
    }
    return exit_code(all, arguments.strict);
}

}  // namespace

void add_check_command(CLI::App& root, Command& chosen) {
    auto arguments = std::make_shared<Arguments>();
    auto* verb = root.add_subcommand("check", "checks configuration files: exit 0 valid, 1 invalid");
    verb->add_option("file", arguments->files)->required();
    verb->add_flag("--explain", arguments->explain, "prints what the file means, every default included");
    verb->add_flag("--strict", arguments->strict, "exit 3 when there are warnings");
    verb->add_flag("--live", arguments->live)->group("");
    set_command(*verb, chosen, [arguments](Session& session) { return check(session, *arguments); });
}

}  // namespace revertd::ctl
