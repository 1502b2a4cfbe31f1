// SPDX-License-Identifier: Apache-2.0
// `audit` and `state`: work on the journal itself; without the daemon, but for pruning beside one.
#include "daemon/journal/audit.h"

#include <pwd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ostream>

#include "core/record.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/exit_code.h"
#include "daemon/ctl/json.h"
#include "daemon/ctl/session.h"
#include "daemon/runner/receipt_store.h"

namespace revertd::ctl {
namespace {

constexpr const char* kStorage = "/var/lib/revertd";
constexpr const char* kServiceReceipts = "/var/lib/revertd-runner";  // of the shipped units

struct Arguments {
    std::string storage = kStorage;
    std::string reason;
    std::string older_than = "90d";
};

std::string to_json(const journal::AuditReport& report) {
    return json_object(
        {{"intact", report.intact()},
         {"instance", report.instance},
         {"records", static_cast<double>(report.records)},
         {"last", static_cast<double>(report.tail.seq)},
         {"hash", report.tail.hash},
         {"fault", report.fault ? given(report.fault->why) : std::nullopt},
         {"fault_at", report.fault ? std::optional<JsonLeaf>(static_cast<double>(report.fault->seq)) : std::nullopt}});
}

int verify(Session& session, const Arguments& arguments) {
    const auto report = journal::verify(arguments.storage);
    if (!report) return session.fail("verify the journal in " + arguments.storage, report.error());
    if (session.for_people()) {
        session.out() << journal::to_words(*report);
    } else if (const auto json = Json::parse(to_json(*report))) {
        print_json(session.out(), *json, session.options().format);
    }
    return report->intact() ? kDone : kFailed;
}

int export_records(Session& session, const Arguments& arguments) {
    const auto print = [&](std::string_view line) { session.out() << line << '\n'; };
    const auto exported = journal::export_jsonl(arguments.storage, print);
    return exported ? kDone : session.fail("export the journal in " + arguments.storage, exported.error());
}

/// The person, also behind sudo: the journal keeps who accepted.
std::string user(const Outside& outside) {
    if (const auto sudo = outside.environment("SUDO_USER"); ::getuid() == 0 && sudo) return *sudo;
    const auto* entry = ::getpwuid(::getuid());
    return entry == nullptr ? std::to_string(::getuid()) : entry->pw_name;
}

void print_pruned(Session& session, const journal::PruneReport& done) {
    session.out() << done.more << " records pruned";
    if (done.before > 0) session.out() << ", " << done.before << " were before";
    if (done.seq > 0) session.out() << "; record " << done.seq << " vouches for them";
    session.out() << '\n';
}

/// A daemon holds the journal: it does it, if it is the one that is spoken to.
int prune_beside(Session& session, const Arguments& arguments, Error held) {
    const auto runs = session.client().get("/api/v1/status/runtimeinfo");
    const auto own = journal::verify(arguments.storage);
    if (!runs || !own || (*runs)["journal"].text() != own->instance) {
        held.hint =
            "name the daemon that holds it by --address, or stop it: bakes, waits and limits go on over a restart";
        return session.fail("prune the journal in " + arguments.storage, held);
    }
    const auto answer =
        session.client().post("/api/v1/audit/prune", json_object({{"older_than", arguments.older_than}}));
    if (!answer) return session.fail("prune the journal in " + arguments.storage, answer.error());
    const auto count = [&](const char* name) {
        return static_cast<std::uint64_t>((*answer)[name].number().value_or(0));
    };
    print_pruned(session, {count("more"), count("before"), count("seq")});
    return kDone;
}

int prune(Session& session, const Arguments& arguments) {
    journal::PruneOrder order;
    order.by = user(session.outside());
    order.wall = session.now().wall;
    order.before = order.wall - parse_duration(arguments.older_than).value_or(Duration{});
    const auto done = journal::prune(arguments.storage, order);
    if (!done && done.error().code == ErrorCode::Conflict) return prune_beside(session, arguments, done.error());
    if (!done) return session.fail("prune the journal in " + arguments.storage, done.error());
    print_pruned(session, *done);
    return kDone;
}

/// The journal has an intent with this key, or a person has let it go on without.
bool knows(const std::string& storage, const std::string& key) {
    bool found = false;
    const auto look = [&](std::string_view line) {
        const auto record = Json::parse(line);
        if (!record || found) return;
        const std::string kind = (*record)["kind"].text();
        const double seq = (*record)["seq"].number().value_or(0);
        found = (kind == Intent::kName && (*record)["body"]["key"].text() == key) ||
                (kind == StateAccepted::kName && seq > static_cast<double>(number_of(key)));
    };
    return journal::export_jsonl(storage, look) && found;
}

/// What the runner did stays done: the journal must know it, and numbers up to it are not given again.
void ask_receipts(const std::string& storage, journal::Acceptance& acceptance) {
    for (const std::string& receipts : {storage + "/runner", std::string(kServiceReceipts)}) {
        const std::string key = runner::ReceiptStore(receipts).newest();
        if (key.empty() || (receipts == kServiceReceipts && storage != kStorage)) continue;
        acceptance.witnessed_seq = std::max(acceptance.witnessed_seq, number_of(key));
        if (!knows(storage, key)) acceptance.unknown_step = key;
    }
}

int accept(Session& session, const Arguments& arguments) {
    journal::Acceptance acceptance;
    acceptance.by = user(session.outside());
    acceptance.reason = arguments.reason;
    acceptance.wall = session.now().wall;
    ask_receipts(arguments.storage, acceptance);
    const auto accepted = journal::accept(arguments.storage, acceptance);
    if (!accepted) return session.fail("accept the state in " + arguments.storage, accepted.error());
    session.out() << "accepted as record " << accepted->seq << ": " << accepted->kept << " records count on\n";
    if (accepted->accepted) session.out() << "what was wrong: " << accepted->accepted->why << '\n';
    session.out() << "the damaged files are kept in " << accepted->aside << '\n';
    return kDone;
}

CLI::App* add_offline(CLI::App& noun, Command& chosen, const std::pair<std::string, std::string>& name_and_help,
                      const std::pair<int (*)(Session&, const Arguments&), std::shared_ptr<Arguments>>& run) {
    auto* verb = noun.add_subcommand(name_and_help.first, name_and_help.second);
    verb->add_option("--storage.path", run.second->storage, "state directory of the daemon (/var/lib/revertd)");
    set_command(*verb, chosen, [run](Session& session) { return run.first(session, *run.second); });
    return verb;
}

}  // namespace

void add_audit_commands(CLI::App& root, Command& chosen) {
    auto* audit = root.add_subcommand("audit", "the journal: verify, export, prune");
    audit->require_subcommand(1);
    auto arguments = std::make_shared<Arguments>();
    add_offline(*audit, chosen, {"verify", "reads every record against its hash chain and its witness"},
                {verify, arguments});
    add_offline(*audit, chosen, {"export", "every record with its hashes, one JSON object a line"},
                {export_records, arguments});

    auto* pruning = add_offline(
        *audit, chosen, {"prune", "takes out what was said of deploys that are long over; the chain stays whole"},
        {prune, arguments});
    pruning->add_option("--older-than", arguments->older_than, "at least 1d (90d)")->check(check_duration);

    auto* state = root.add_subcommand("state", "a damaged journal: state accept");
    state->require_subcommand(1);
    auto* verb =
        add_offline(*state, chosen, {"accept", "goes on with what can be believed, after reading `audit verify`"},
                    {accept, arguments});
    verb->add_option("--reason", arguments->reason, "why; kept in the journal")->required();
}

}  // namespace revertd::ctl
