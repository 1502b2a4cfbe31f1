// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <ostream>

#include "config/load.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/exit_code.h"
#include "daemon/ctl/guard_case.h"
#include "daemon/ctl/judge_case.h"
#include "daemon/ctl/judge_stream.h"
#include "daemon/ctl/session.h"
#include "daemon/ctl/text.h"

namespace revertd::ctl {
namespace {

struct Arguments {
    std::string config;
    bool power = false;
};

int judge(Session& session, const Arguments& arguments) {
    const auto& input = session.outside().input;
    if (!input) return session.refuse("judge has no input", "pipe a stream of cases into it");
    if (arguments.power && !arguments.config.empty())
        return session.refuse("--power is of the detectors alone", "leave --config out");
    if (arguments.config.empty()) {
        const double alpha = Loaded().alpha;
        const bool power = arguments.power;
        JudgeStream stream([alpha, power](const JudgeLine& header) { return JudgeCase::open(header, alpha, power); },
                           session.out(), session.err());
        return stream.run(input) ? kDone : kFailed;
    }
    const auto result = load_file(arguments.config);
    if (!result.loaded) {
        for (const auto& diagnostic : result.diagnostics) session.err() << printable(to_line(diagnostic)) << '\n';
        return kUsage;
    }
    const auto& services = result.loaded->settings.services;
    if (services.empty()) return session.refuse("there is no service in " + arguments.config, "write one");
    const GuardedService service(*services.begin()->second);
    for (const std::string& signal : service.without_data())
        session.err() << "revertctl: judge: a stream has no `" << printable(signal) << "`: its rules are left out\n";
    JudgeStream stream([&service](const JudgeLine& header) { return GuardCase::open(header, service); }, session.out(),
                       session.err());
    return stream.run(input) ? kDone : kFailed;
}

}  // namespace

void add_judge_command(CLI::App& root, Command& chosen) {
    auto arguments = std::make_shared<Arguments>();
    auto* verb =
        root.add_subcommand("judge", "reads recorded deploys on stdin and prints a verdict for each: no daemon");
    verb->add_option("--config", arguments->config,
                     "the deploys of its first service, by name: through its whole guard, not the detectors alone");
    verb->add_flag(
        "--power", arguments->power,
        "says beside each verdict what would have been found, by the time before the deploy: seconds a case; "
        "not with --config");
    set_command(*verb, chosen, [arguments](Session& session) { return judge(session, *arguments); });
}

}  // namespace revertd::ctl
