// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <ostream>

#include "config/load.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/exit_code.h"
#include "daemon/ctl/judge_stream.h"
#include "daemon/ctl/session.h"
#include "daemon/ctl/text.h"

namespace revertd::ctl {
namespace {

struct Arguments {
    std::string config;
};

int judge(Session& session, const Arguments& arguments) {
    const auto& input = session.outside().input;
    if (!input) return session.refuse("judge has no input", "pipe a stream of cases into it");
    double alpha = Loaded().alpha;
    if (!arguments.config.empty()) {
        const auto result = load_file(arguments.config);
        if (!result.loaded) {
            for (const auto& diagnostic : result.diagnostics) session.err() << printable(to_line(diagnostic)) << '\n';
            return kUsage;
        }
        alpha = result.loaded->alpha;
        if (alpha <= 0) return session.refuse("alpha is off in " + arguments.config, "write `alpha: 0.001`");
    }
    JudgeStream stream(alpha, session.out(), session.err());
    return stream.run(input) ? kDone : kFailed;
}

}  // namespace

void add_judge_command(CLI::App& root, Command& chosen) {
    auto arguments = std::make_shared<Arguments>();
    auto* verb =
        root.add_subcommand("judge", "reads recorded deploys on stdin and prints a verdict for each: no daemon");
    verb->add_option("--config", arguments->config, "the configuration whose alpha holds (0.001 without)");
    set_command(*verb, chosen, [arguments](Session& session) { return judge(session, *arguments); });
}

}  // namespace revertd::ctl
