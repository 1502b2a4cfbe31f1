// SPDX-License-Identifier: Apache-2.0
#include "config/schema.h"

#include <CLI/CLI.hpp>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/exit_code.h"
#include "daemon/ctl/session.h"

namespace revertd::ctl {

void add_config_commands(CLI::App& root, Command& chosen) {
    auto* noun = root.add_subcommand("config", "the configuration: config schema");
    noun->require_subcommand(1);
    auto* verb = noun->add_subcommand("schema", "its JSON schema (draft-07), for editors");
    set_command(*verb, chosen, [](Session& session) {
        session.out() << config::json_schema();
        return kDone;
    });
}

}  // namespace revertd::ctl
