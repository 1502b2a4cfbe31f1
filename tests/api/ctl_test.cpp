// SPDX-License-Identifier: Apache-2.0
// revertctl against the real server: both sides mean the same fields.
#include <gtest/gtest.h>

#include "tests/api/bed.h"
#include "tests/ctl/run.h"

namespace revertd::test {
namespace {

class Revertctl : public testing::Test {
  protected:
    ctl::Outcome run(const std::vector<std::string>& arguments) {
        ctl::Terminal terminal;
        terminal.environment["REVERTD_ADDRESS"] = bed_.address();
        return terminal.run(arguments);
    }

    Bed bed_;
};

#define EXPECT_SAYS(outcome, words) \
    EXPECT_NE((outcome).out.find(words), std::string::npos) << (outcome).out << (outcome).err

TEST_F(Revertctl, starts_and_shows_a_deploy) {
    bed_.on_loop([&] { bed_.backend().runs("v1"); });
    const auto started = run({"deploy", "start", "api", "--version", "v2", "--from", "v1", "--id", "d-9", "--migration",
                              "none", "--meta", "commit=1a2b"});
    EXPECT_EQ(started.code, 0) << started.err;
    EXPECT_EQ(started.out, "d-9\n");
    const auto shown = run({"deploy", "show", "d-9"});
    EXPECT_EQ(shown.code, 0) << shown.err;
    EXPECT_SAYS(shown, "api v2 (was v1)  deploy d-9  bake 15m");
    EXPECT_SAYS(shown, "waiting to see v2");
    EXPECT_SAYS(shown, "commit=1a2b");
}

TEST_F(Revertctl, draws_the_live_block) {
    bed_.bake();
    bed_.on_loop([&] {
        bed_.backend().judge({1, Verdict::Ok, false, 0.004, 0.05, 0.003, 1241, {}, false, false, {}});
    });
    const auto shown = run({"deploy", "show", "api"});
    EXPECT_SAYS(shown, "next check 3s");
    EXPECT_SAYS(shown, "only 2/3 up");
    EXPECT_SAYS(shown, "0.4%");
    EXPECT_SAYS(shown, "(base 0.3%, P1 > 5% for 2m)");
}

TEST_F(Revertctl, lists_deploys_and_incidents) {
    const std::string id = bed_.ask_for_approval();
    const auto deploys = run({"deploy", "list"});
    EXPECT_SAYS(deploys, "d-1");
    EXPECT_SAYS(deploys, "incident");
    const auto incidents = run({"incident", "list"});
    EXPECT_SAYS(incidents, id);
    EXPECT_SAYS(incidents, "awaiting_approval");
}

TEST_F(Revertctl, shows_and_answers_an_incident) {
    const std::string id = bed_.ask_for_approval();
    const auto shown = run({"incident", "show", id});
    EXPECT_SAYS(shown, "v2 -> v1");
    EXPECT_SAYS(shown, "errors 7.9 % is above 5 % for 2m");
    EXPECT_SAYS(run({"deploy", "show", "d-1"}), id + " waits for root");
    EXPECT_SAYS(run({"explain", id}), "errors held");
    EXPECT_SAYS(run({"incident", "report", id}), "# " + id);
    EXPECT_SAYS(run({"incident", "ack", id, "--reason", "on it"}), "acknowledged");
    EXPECT_SAYS(run({"hold", id, "--for", "10m", "--reason", "fix"}), "held (held)");
    EXPECT_SAYS(run({"deny", id}), "denied");
    EXPECT_SAYS(run({"take", id}), "taken");
    EXPECT_SAYS(run({"incident", "label", id, "true"}), "labelled");
    EXPECT_EQ(run({"approve", id}).code, 1);
    EXPECT_EQ(run({"approve", "i-999"}).code, 1);
}

TEST_F(Revertctl, approves) {
    const std::string id = bed_.ask_for_approval();
    EXPECT_SAYS(run({"approve", id, "--reason", "go"}), "approved");
    bed_.on_loop([&] { EXPECT_EQ(std::get<command::Approve>(bed_.backend().commands.back().second).reason, "go"); });
}

TEST_F(Revertctl, is_told_that_it_may_not) {
    const std::string id = bed_.ask_for_approval();
    bed_.set_peer({1001, "mallory", {}});
    const auto outcome = run({"approve", id});
    EXPECT_EQ(outcome.code, 77);
    EXPECT_NE(outcome.err.find("mallory is not listed"), std::string::npos);
}

TEST_F(Revertctl, shows_the_status) {
    const std::string id = bed_.ask_for_approval();
    const auto status = run({"status"});
    EXPECT_EQ(status.code, 0);
    for (const std::string& words :
         {std::string("enforce"), std::string("d-1 v2"), id + " awaiting_approval", std::string("yes")})
        EXPECT_SAYS(status, words);
    bed_.on_loop([&] { bed_.backend().is_ready = false; });
    EXPECT_EQ(run({"status"}).code, 69);
}

TEST_F(Revertctl, orders) {
    bed_.bake();
    const auto triggered = run({"trigger", "api", "--severity", "P1", "--reason", "customers call"});
    EXPECT_SAYS(triggered, "triggered as P1, incident i-");
    const auto ordered = run({"rollback", "start", "api", "--reason", "now"});
    EXPECT_SAYS(ordered, "rollback ordered, incident i-");
    EXPECT_SAYS(run({"halt", "api", "--abort", "--reason", "storm"}), "api: halted");
    EXPECT_SAYS(run({"resume", "api"}), "api: resumed");
    EXPECT_SAYS(run({"halt"}), "everything: halted");
    EXPECT_SAYS(run({"status"}), "HALTED");
    EXPECT_SAYS(run({"resume", "--reason", "over"}), "everything: resumed");
}

TEST_F(Revertctl, keeps_the_ledgers) {
    bed_.bake();
    EXPECT_SAYS(run({"good", "mark", "api", "v0", "--reason", "known"}), "marked good");
    EXPECT_SAYS(run({"good", "list", "api"}), "known");
    EXPECT_SAYS(run({"bad", "mark", "api", "team/v9"}), "marked bad");
    EXPECT_SAYS(run({"bad", "list", "api"}), "team/v9");
    EXPECT_EQ(run({"gate", "api", "team/v9"}).code, 3);
    EXPECT_EQ(run({"gate", "api", "v3"}).code, 0);
    EXPECT_SAYS(run({"bad", "forgive", "api", "team/v9"}), "forgiven");
    EXPECT_SAYS(run({"good", "unmark", "api", "v0"}), "no longer good");
}

TEST_F(Revertctl, ends_deploys) {
    bed_.bake();
    EXPECT_EQ(run({"deploy", "finish", "d-1"}).code, 0);
    EXPECT_EQ(run({"deploy", "abort", "d-1", "--reason", "wrong branch"}).code, 0);
    const auto watched = run({"deploy", "watch", "d-1", "--wait"});
    EXPECT_EQ(watched.code, 15);
    EXPECT_SAYS(watched, "aborted by root: wrong branch");
}

TEST_F(Revertctl, follows_the_events_of_a_guard) {
    bed_.bake();
    run({"deploy", "abort", "d-1"});
    const auto watched = run({"deploy", "watch", "d-1", "--wait", "-o", "jsonl"});
    EXPECT_EQ(watched.code, 15) << watched.err;
    EXPECT_SAYS(watched, R"("type":"guard.opened")");
    EXPECT_SAYS(watched, R"("exit_code":15)");
}

}  // namespace
}  // namespace revertd::test
