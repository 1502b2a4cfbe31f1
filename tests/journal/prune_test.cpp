// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "core/state.h"
#include "daemon/journal/audit.h"
#include "daemon/journal/codec.h"
#include "tests/journal/harness.h"
#include "tests/journal/temp_dir.h"

namespace revertd::journal {
namespace {

constexpr WallTime kBegin(1795144327s);

/// A guard of `deploy` with what is said in it; every record a day after the one before.
std::vector<Fact> guard(const std::string& deploy, bool closed) {
    GuardOpened opened;
    opened.deploy = deploy, opened.service = "api", opened.version = deploy + "-v";
    RuleChanged rule;
    rule.service = "api", rule.text = "errors > 5%", rule.words = "errors 7 %", rule.holds = true;
    std::vector<Fact> out{opened, rule, Paged{"api", deploy, {}, "warning", "trigger", "told", {}}};
    if (!closed) return out;
    out.emplace_back(GuardClosed{deploy, DeployState::Healthy, 0, Reason::BakePassed, "passed"});
    out.emplace_back(StandingChanged{"api", deploy + "-v", Standing::Good, "passed its bake", "revertd"});
    return out;
}

void fill(const std::string& dir, const std::vector<std::vector<Fact>>& parts) {
    auto opened = open_journal(dir);
    std::uint64_t seq = 0;
    for (const auto& part : parts)
        for (const Fact& fact : part) {
            ++seq;
            const Record record{seq, Time(Duration(24h) * static_cast<int>(seq)),
                                kBegin + Duration(24h) * static_cast<int>(seq), fact};
            ASSERT_TRUE(opened->append({to_entry(record)}));
        }
    ASSERT_TRUE(opened.told->wait_for(seq));
}

State fold(const std::string& dir) {
    auto opened = open_journal(dir);
    State state;
    EXPECT_TRUE(opened->for_each(1, [&](const Entry& entry) -> Result<void> {
        const auto record = to_record(entry);
        if (!record) return record.error();
        state.apply(*record);
        return {};
    }));
    return state;
}

void tamper(const std::string& dir, const std::string& sql) {
    sqlite3* connection = nullptr;
    ASSERT_EQ(sqlite3_open((dir + "/journal.db").c_str(), &connection), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(connection, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(connection);
}

PruneOrder order(int days) {
    return {"ana", kBegin + Duration(24h) * days, kBegin + Duration(24h) * 400};
}

TEST(Prune, takes_out_what_was_said_and_keeps_chain_and_state) {
    const TempDir temp;
    fill(temp.state(), {guard("d-1", true), guard("d-2", true)});
    const State before = fold(temp.state());
    const auto pruned = prune(temp.state(), order(6));
    ASSERT_TRUE(pruned) << pruned.error().message;
    EXPECT_EQ(pruned->more, 2U) << "verdict and page of the first";
    EXPECT_EQ(pruned->seq, 11U);
    const auto report = verify(temp.state());
    ASSERT_TRUE(report);
    EXPECT_TRUE(report->intact()) << report->fault->why;
    const State after = fold(temp.state());
    EXPECT_EQ(after.service("api")->standing("d-1-v"), Standing::Good);
    EXPECT_EQ(after.deployment("d-1")->exit_code, 0);
    EXPECT_EQ(after.deployments.size(), before.deployments.size());
    // and once more, when more is old: the newest record vouches for all
    const auto again = prune(temp.state(), order(399));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->more, 2U);
    EXPECT_EQ(again->before, 2U);
    EXPECT_TRUE(verify(temp.state())->intact());
    EXPECT_EQ(prune(temp.state(), order(399))->seq, 0U) << "nothing is left to do";
}

TEST(Prune, touches_nothing_since_the_oldest_open_guard) {
    const TempDir temp;
    fill(temp.state(), {guard("d-1", true), guard("d-2", false), guard("d-3", true)});
    const auto pruned = prune(temp.state(), order(399));
    ASSERT_TRUE(pruned);
    EXPECT_EQ(pruned->more, 2U) << "of d-1 only";
}

TEST(Prune, does_not_make_room_for_other_gaps) {
    for (const char* sql :
         {"UPDATE entries SET body = '' WHERE seq = 4", "UPDATE entries SET hash = prev WHERE seq = 2",
          "UPDATE entries SET body = '' WHERE seq = 11", "DELETE FROM entries WHERE seq = 2"}) {
        const TempDir temp;
        fill(temp.state(), {guard("d-1", true), guard("d-2", true)});
        ASSERT_TRUE(prune(temp.state(), order(6)));
        tamper(temp.state(), sql);
        EXPECT_FALSE(verify(temp.state())->intact()) << sql;
        EXPECT_EQ(prune(temp.state(), order(399)).error().code, ErrorCode::Corrupt) << sql;
    }
    const TempDir temp;
    fill(temp.state(), {guard("d-1", true)});
    tamper(temp.state(), "UPDATE entries SET body = '' WHERE seq = 2");
    const auto report = verify(temp.state());
    ASSERT_FALSE(report->intact());
    EXPECT_NE(report->fault->why.find("no pruning says so"), std::string::npos) << report->fault->why;
}

TEST(Prune, beside_a_running_journal_is_one_transaction_with_the_record_that_says_so) {
    const TempDir temp;
    fill(temp.state(), {guard("d-1", true), guard("d-2", true)});
    {
        auto running = open_journal(temp.state());
        const auto plan = plan_prune(temp.state(), order(6).before);
        ASSERT_TRUE(plan) << plan.error().message;
        EXPECT_EQ(plan->records.size(), 2U);
        EXPECT_TRUE(verify(temp.state())->intact()) << "nothing has changed yet";
        const Record said{11, Time(Duration(24h) * 400), kBegin + Duration(24h) * 400,
                          Pruned{"ana", plan->digest, plan->blank, plan->records.size()}};
        ASSERT_TRUE(running->append({to_entry(said)}, plan->records));
        ASSERT_TRUE(running.told->wait_for(11));
        const auto report = verify(temp.state());
        EXPECT_TRUE(report && report->intact()) << (report && report->fault ? report->fault->why : "");
        const auto again = plan_prune(temp.state(), order(6).before);
        ASSERT_TRUE(again);
        EXPECT_TRUE(again->records.empty());
        EXPECT_EQ(again->before, 2U);
    }
    EXPECT_EQ(fold(temp.state()).service("api")->standing("d-1-v"), Standing::Good);
    EXPECT_EQ(prune(temp.state(), order(399))->more, 2U) << "and the other way goes on from there";
    EXPECT_TRUE(verify(temp.state())->intact());
}

TEST(Prune, waits_for_the_daemon_to_end) {
    const TempDir temp;
    fill(temp.state(), {guard("d-1", true)});
    auto running = open_journal(temp.state());
    EXPECT_EQ(prune(temp.state(), order(399)).error().code, ErrorCode::Conflict);
}

TEST(Prune, a_pruned_journal_can_be_accepted_when_its_end_is_damaged) {
    const TempDir temp;
    fill(temp.state(), {guard("d-1", true), guard("d-2", true)});
    ASSERT_TRUE(prune(temp.state(), order(6)));
    {
        auto opened = open_journal(temp.state());
        ASSERT_TRUE(opened->append({to_entry({12, Time(500h), kBegin, Halted{"api", "ana", "x"}})}));
        ASSERT_TRUE(opened.told->wait_for(12));
    }
    tamper(temp.state(), "UPDATE entries SET body = '{}' WHERE seq = 12");
    const auto accepted = accept(temp.state(), {.by = "ana", .reason = "seen", .wall = kBegin});
    ASSERT_TRUE(accepted) << accepted.error().message;
    const auto report = verify(temp.state());
    EXPECT_TRUE(report->intact()) << report->fault->why;
}

}  // namespace
}  // namespace revertd::journal
