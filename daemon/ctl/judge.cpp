// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/exit_code.h"
#include "daemon/ctl/judge_stream.h"
#include "daemon/ctl/session.h"

namespace revertd::ctl {
namespace {

constexpr double kAlpha = 0.001;

struct Arguments {
    double alpha = kAlpha;
};

int judge(Session& session, const Arguments& arguments) {
    const auto& input = session.outside().input;
    if (!input) return session.refuse("judge has no input", "pipe a stream of cases into it");
    JudgeStream stream(arguments.alpha, session.out(), session.err());
    return stream.run(input) ? kDone : kFailed;
}

}  // namespace

void add_judge_command(CLI::App& root, Command& chosen) {
    auto arguments = std::make_shared<Arguments>();
    auto* verb =
        root.add_subcommand("judge", "reads recorded deploys on stdin and prints a verdict for each: no daemon");
    verb->add_option("--alpha", arguments->alpha, "share of healthy deploys that may be called bad (0.001)")
        ->check(CLI::Range(1e-9, 0.5));
    set_command(*verb, chosen, [arguments](Session& session) { return judge(session, *arguments); });
}

}  // namespace revertd::ctl
