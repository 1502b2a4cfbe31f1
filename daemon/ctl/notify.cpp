// SPDX-License-Identifier: Apache-2.0
// Whether people would hear of it, and whether they want deploys now.
#include <CLI/CLI.hpp>
#include <ostream>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/exit_code.h"
#include "daemon/ctl/json.h"
#include "daemon/ctl/session.h"
#include "daemon/ctl/text.h"

namespace revertd::ctl {
namespace {

struct Freeze {
    std::string service, reason;
};

int set_freeze(Session& session, const Freeze& freeze, bool on) {
    const std::string verb = on ? "freeze" : "unfreeze";
    const auto path =
        freeze.service.empty() ? "/api/v1/" + verb : "/api/v1/services/" + encoded(freeze.service) + "/" + verb;
    const auto answer = session.client().post(path, json_object({{"reason", given(freeze.reason)}}));
    const auto what = freeze.service.empty() ? std::string("everything") : freeze.service;
    return session.show(verb + " " + what, answer, [&](const Json& state) {
        const auto why = printable(state["frozen_why"].text());
        session.out() << what << ": " << (why.empty() ? "deploys are welcome" : why) << '\n';
    });
}

/// Exit 1 when any channel did not take it, or there is none.
int test(Session& session) {
    const auto answer = session.client().post("/api/v1/notify/test", "{}");
    bool all = true;
    std::size_t channels = 0;
    const int code = session.show("notify test", answer, [&](const Json& results) {
        Table table({"CHANNEL", "DELIVERED", "ANSWER"});
        for (const auto& r : results.items())
            table.add({r["channel"].text(), r["delivered"].truth() ? "yes" : "NO", printable(r["words"].text())});
        if (!results.items().empty()) table.print(session.out());
    });
    if (code != kDone) return code;
    for (const auto& r : answer->items()) {
        ++channels;
        all = all && r["delivered"].truth();
    }
    if (channels == 0) session.err() << "no channel is configured: nobody is told\n";
    return all && channels > 0 ? kDone : kFailed;
}

}  // namespace

void add_notify_commands(CLI::App& root, Command& chosen) {
    auto* noun = root.add_subcommand("freeze", "closes the gate for deploys; never restrains a rollback");
    noun->require_subcommand(1);
    for (const bool on : {true, false}) {
        auto freeze = std::make_shared<Freeze>();
        auto* verb = noun->add_subcommand(on ? "on" : "off", on ? "no deploys, of one service or of all"
                                                                : "takes a person's freeze back; hours stay");
        verb->add_option("service", freeze->service);
        auto* reason = verb->add_option("--reason", freeze->reason, "why; kept in the journal");
        if (on) reason->required();
        set_command(*verb, chosen, [freeze, on](Session& session) { return set_freeze(session, *freeze, on); });
    }
    auto* notify = root.add_subcommand("notify", "notify test: pages every channel once");
    notify->require_subcommand(1);
    set_command(*notify->add_subcommand("test", "sends a test page and prints what each channel answered"), chosen,
                test);
}

}  // namespace revertd::ctl
