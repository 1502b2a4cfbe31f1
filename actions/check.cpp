// SPDX-License-Identifier: Apache-2.0
// What is refused when the configuration is loaded, so that nobody learns of it at three in the morning.
#include <algorithm>
#include <array>
#include <optional>

#include "actions/bind.h"
#include "actions/placeholders.h"
#include "actions/relative_undo.h"
#include "actions/rollback.h"

namespace revertd {
namespace {

std::vector<std::string> texts_of(const Param& argv) {
    std::vector<std::string> texts;
    for (const Param& item : argv.items) texts.push_back(item.text);
    return texts;
}

bool uses_anywhere(const Param& tree, std::string_view name) {
    if (tree.is_scalar()) return uses_placeholder(tree.text, name);
    return std::any_of(tree.items.begin(), tree.items.end(),
                       [&](const Param& item) { return uses_anywhere(item, name); });
}

void report(const Param& at, const std::optional<LintFinding>& finding, std::vector<Problem>& problems) {
    if (finding) problems.push_back({false, at.line, at.column, finding->message, finding->hint});
}

/// Of what a list of steps is for: a rollback goes to a version; what is left after it failed does not.
enum class Aim { Version, Anything };

void check_command(const Param& argv, Aim aim, std::vector<Problem>& problems) {
    const std::vector<std::string> texts = texts_of(argv);
    const auto relative = find_relative_undo(texts);
    report(argv, relative, problems);
    report(argv, find_shell_text(texts), problems);
    for (const Param& item : argv.items)
        if (item.text.find("${") != std::string::npos && !placeholders_in(item.text).empty())
            problems.push_back({false, item.line, item.column, "`$` before a placeholder would be passed on as it is",
                                "no shell is involved: write {to}, not ${to}"});
    const bool with_target = std::any_of(argv.items.begin() + 1, argv.items.end(),
                                         [](const Param& item) { return uses_anywhere(item, "to"); });
    if (aim == Aim::Version && !relative && !with_target)
        problems.push_back(
            {false, argv.line, argv.column, "the command uses {to} nowhere, so it cannot go to a named version",
             "a rollback goes to a version that was verified good, never to \"the one before\": pass \"{to}\""});
}

/// Asking is never told the answer, and happens before there is a target.
void check_asking(const Param& probe, std::vector<Problem>& problems) {
    static constexpr std::array<std::string_view, 5> kActing{"to", "from", "deploy", "incident", "key"};
    for (const std::string_view name : kActing) {
        if (!uses_anywhere(probe, name)) continue;
        problems.push_back({false, probe.line, probe.column, "{" + std::string(name) + "} cannot be used in current",
                            "it is asked what runs, also when nothing is to be done; {service} is known"});
    }
    if (probe.is_list()) report(probe, find_shell_text(texts_of(probe)), problems);
}

void check_environment(const Param& env, std::vector<Problem>& problems) {
    for (const Param& item : env.items) {
        if (!item.key.starts_with("LD_") && !item.key.starts_with("REVERTD_")) continue;
        problems.push_back(
            {false, item.key_line, item.key_column, "'" + item.key + "' cannot be set here",
             item.key.starts_with("LD_") ? "it changes which code the program runs" : "revertd sets it"});
    }
}

void check_entry(const Param& entry, Aim aim, std::vector<Problem>& problems) {
    const std::size_t before = problems.size();
    const BoundEntry bound = bind_entry(entry, problems);
    if (problems.size() > before) return;  // the lints below rely on the shapes
    const Param& scope = bound.scope;
    if (const Param* argv = scope.find("exec")) check_command(*argv, aim, problems);
    if (const Param* env = scope.find("env")) check_environment(*env, problems);
    if (aim == Aim::Anything) return;
    if (const Param* hook = scope.find("webhook"); hook != nullptr && !uses_anywhere(*hook, "to"))
        problems.push_back(
            {true, hook->line, hook->column, "the webhook does not say {to}: its receiver must know the version",
             "a receiver that goes to \"the one before\" restores the bad version when it is called twice"});
    const std::optional<Param> probe = bound.recipe->observe ? resolve(*bound.recipe->observe, scope) : std::nullopt;
    if (!probe)
        problems.push_back({true, entry.line, entry.column,
                            "nothing says which version runs, so every action asks first",
                            "add current: a command, or { http: URL, json: /pointer }"});
    else
        check_asking(*probe, problems);
}

}  // namespace

std::vector<Problem> check_rollback(const RollbackSpec& spec) {
    std::vector<Problem> problems;
    if (spec.entries.empty())
        problems.push_back({false, 0, 0, "rollback is an empty list", "name a recipe, or leave it out"});
    for (const Param& entry : spec.entries) check_entry(entry, Aim::Version, problems);
    return problems;
}

std::vector<Problem> check_exhausted(const RollbackSpec& spec) {
    std::vector<Problem> problems;
    if (spec.entries.empty())
        problems.push_back({false, 0, 0, "on_exhausted is an empty list", "name a step, or leave it out"});
    for (const Param& entry : spec.entries) check_entry(entry, Aim::Anything, problems);
    return problems;
}

}  // namespace revertd
