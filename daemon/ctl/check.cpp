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
#include "daemon/ctl/live_check.h"
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

// -- live

std::string to_json(const LiveFinding& finding) {
    const auto series = finding.series ? std::optional<JsonLeaf>(static_cast<double>(*finding.series)) : std::nullopt;
    return json_object({{"service", finding.service},
                        {"what", finding.what},
                        {"good", finding.good},
                        {"value", given(finding.value)},
                        {"series", series},
                        {"age", seconds(finding.age)},
                        {"words", given(finding.words)}});
}

void print_live(Session& session, const std::vector<LiveFinding>& findings) {
    Table table({"SERVICE", "WHAT", "", "VALUE", "SERIES", "AGE", "WORDS"});
    for (const auto& f : findings) {
        const auto whole = std::chrono::ceil<std::chrono::milliseconds>(f.age);
        table.add({f.service, f.what, f.good ? "ok" : "BAD", f.value, f.series ? std::to_string(*f.series) : "",
                   whole > Duration::zero() ? to_words(whole) : "", f.words});
    }
    table.print(session.out());
}

/// What a file asks, asked once; nothing of a file that is not valid.
Result<std::vector<LiveFinding>> ask_live(const Arguments& arguments, const LoadResult& result) {
    if (!arguments.live || !result.loaded) return std::vector<LiveFinding>{};
    return check_live(*result.loaded);
}

// -- all of it

struct Found {
    std::vector<Diagnostic> diagnostics;
    std::vector<LiveFinding> live;
};

void print_as_json(Session& session, const Arguments& arguments, const Found& found) {
    if (!arguments.live) return print_findings_as_json(session, found.diagnostics);
    std::string diagnostics, live;
    for (const auto& diagnostic : found.diagnostics)
        diagnostics += (diagnostics.empty() ? "" : ",") + to_json(diagnostic);
    for (const auto& finding : found.live) live += (live.empty() ? "" : ",") + to_json(finding);
    const auto json = Json::parse("{\"diagnostics\":[" + diagnostics + "],\"live\":[" + live + "]}");
    if (json) print_json(session.out(), *json, session.options().format);
}

void add_live_cases(TestSuite& suite, const std::vector<LiveFinding>& findings) {
    for (const auto& finding : findings) {
        TestCase test{.name = finding.service + ": " + finding.what, .kind = "live", .message = {}, .details = {}};
        test.message = finding.value + (finding.words.empty() ? "" : ": " + finding.words);
        if (!finding.good) test.result = TestCase::Result::Failed;
        suite.cases.push_back(std::move(test));
    }
}

void print_for_programs(Session& session, const Arguments& arguments, const Found& found) {
    if (session.options().format == Format::JUnit) {
        TestSuite suite = suite_of(arguments, found.diagnostics);
        add_live_cases(suite, found.live);
        session.out() << junit_xml(suite);
    } else if (session.options().format == Format::GitHub) {
        print_workflow_commands(session, found.diagnostics);
        for (const auto& finding : found.live)
            if (!finding.good)
                session.out() << workflow_command("error", {{"title", "revertctl check --live"}},
                                                  finding.service + ": " + finding.what + ": " + finding.words);
    } else {
        print_as_json(session, arguments, found);
    }
}

int check(Session& session, const Arguments& arguments) {
    LoadOptions options;
    options.credentials_directory = session.outside().environment("CREDENTIALS_DIRECTORY").value_or("");
    Found found;
    for (const auto& file : arguments.files) {
        const auto result = load_file(file, options);
        if (session.for_people()) print_result(session.out(), file, result);
        if (session.for_people() && arguments.explain && result.loaded) session.out() << explain(*result.loaded);
        const auto live = ask_live(arguments, result);
        if (!live) return session.fail("check --live " + file, live.error());
        if (session.for_people() && !live->empty()) print_live(session, *live);
        found.diagnostics.insert(found.diagnostics.end(), result.diagnostics.begin(), result.diagnostics.end());
        found.live.insert(found.live.end(), live->begin(), live->end());
    }
    if (!session.for_people()) print_for_programs(session, arguments, found);
    const bool all_good = std::all_of(found.live.begin(), found.live.end(), [](const auto& f) { return f.good; });
    return all_good ? exit_code(found.diagnostics, arguments.strict) : static_cast<int>(kFailed);
}

}  // namespace

void add_check_command(CLI::App& root, Command& chosen) {
    auto arguments = std::make_shared<Arguments>();
    auto* verb = root.add_subcommand("check", "checks configuration files: exit 0 valid, 1 invalid");
    verb->add_option("file", arguments->files)->required();
    verb->add_flag("--explain", arguments->explain, "prints what the file means, every default included");
    verb->add_flag("--strict", arguments->strict, "exit 3 when there are warnings");
    verb->add_flag("--live", arguments->live, "asks every target and what runs once; exit 1 when something is wrong");
    set_command(*verb, chosen, [arguments](Session& session) { return check(session, *arguments); });
}

}  // namespace revertd::ctl
