// SPDX-License-Identifier: Apache-2.0
// The grammar, a function for each noun: it adds its verbs to the tree, and the verb that was given becomes `chosen`.
#pragma once
#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace revertd::ctl {

class Session;

/// Runs a command and returns the exit code.
using Command = std::function<int(Session&)>;

void add_deploy_commands(CLI::App& root, Command& chosen);
void add_incident_commands(CLI::App& root, Command& chosen);
void add_service_commands(CLI::App& root, Command& chosen);
void add_ledger_commands(CLI::App& root, Command& chosen);
void add_check_command(CLI::App& root, Command& chosen);
void add_config_commands(CLI::App& root, Command& chosen);
void add_audit_commands(CLI::App& root, Command& chosen);
void add_test_commands(CLI::App& root, Command& chosen);
void add_init_command(CLI::App& root, Command& chosen);
/// freeze on|off and notify test.
void add_notify_commands(CLI::App& root, Command& chosen);
void add_judge_command(CLI::App& root, Command& chosen);
void add_top_command(CLI::App& root, Command& chosen);
void add_history_command(CLI::App& root, Command& chosen);
void add_recipe_commands(CLI::App& root, Command& chosen);
void add_completion_command(CLI::App& root, Command& chosen);

/// What may stand where the last of `words` is, a line each: the word, a tab, and what it means. `root` is the whole
/// grammar; names of services, deploys and incidents are asked of the daemon.
[[nodiscard]] std::vector<std::string> complete(const CLI::App& root, const std::vector<std::string>& words,
                                                Session& session);

/// Nothing for a duration, else why the text is none: a check of CLI11.
[[nodiscard]] std::string check_duration(const std::string& text);

/// `command` is what the verb does.
void set_command(CLI::App& verb, Command& chosen, Command command);

}  // namespace revertd::ctl
