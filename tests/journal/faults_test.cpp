// SPDX-License-Identifier: Apache-2.0
// A disk that fails: nothing that was reported durable is lost, and nothing is reported that is not.
#include <gtest/gtest.h>

#include "daemon/journal/audit.h"
#include "tests/journal/faulty_disk.h"
#include "tests/journal/harness.h"
#include "tests/journal/temp_dir.h"

namespace revertd::journal {
namespace {

Snapshot snapshot_of(int number) {
    return {.service = "checkout",
            .at = Time(1s * number),
            .incident = "inc-1",
            .bytes = "windows " + std::to_string(number)};
}

constexpr int kAppends = 6;

// Appends until something fails; one commit each.
void use(Opened& opened) {
    for (int number = 1; number <= kAppends; ++number) {
        if (number == 3) static_cast<void>(opened->record_flight(snapshot_of(number)));
        if (!append_and_wait(opened, number)) return;
    }
}

void expect_prefix(Journal& journal, std::uint64_t reported) {
    const auto read = read_all(journal);
    ASSERT_GE(read.size(), reported);
    for (std::size_t i = 0; i < read.size(); ++i) {
        Entry expected = entry(static_cast<int>(i) + 1);
        expected.seq = i + 1;
        EXPECT_EQ(read[i], expected);
    }
}

// What must hold after a failing disk was replaced by a good one.
void expect_that_a_person_is_asked(const std::string& dir, std::uint64_t reported, const std::string& context) {
    auto reopened = open_journal(dir);
    ASSERT_FALSE(reopened.journal) << context;
    EXPECT_EQ(reopened.journal.error().code, ErrorCode::Corrupt) << context;
    auto accepted = accept(dir, {.by = "ana", .reason = "disk replaced", .wall = WallTime(1s)});
    ASSERT_TRUE(accepted) << context << accepted.error().message;
    EXPECT_GE(accepted->kept, reported) << context;
    reopened = open_journal(dir);
    ASSERT_TRUE(reopened.journal) << context << reopened.journal.error().message;
}

TEST(FailingDisk, ends_the_journal_at_any_failed_sync_and_asks_a_person_at_the_next_start) {
    bool struck = true;
    int failures = 0;
    for (int nth = 1; struck; ++nth) {
        for (const bool for_good : {false, true}) {
            const TempDir temp;
            open_journal(temp.state()).close();
            std::uint64_t reported = 0;
            bool opened_well = false;
            bool failed = false;
            {
                FaultyDisk disk(temp.state());
                disk.fail_sync(nth, for_good);
                auto opened = open_journal(temp.state());
                opened_well = opened.journal.has_value();
                if (opened_well) {
                    use(opened);
                    reported = opened.told->last();
                    const bool refused = !opened->append({entry(kAppends + 1)});
                    EXPECT_EQ(refused, reported < kAppends) << "nothing is taken after a failure";
                    opened.close();
                    failed = !opened.told->failures().empty();
                    reported = opened.told->last();
                }
                struck = disk.struck();
            }
            const std::string context = "sync " + std::to_string(nth) + (for_good ? " and all later: " : ": ");
            EXPECT_TRUE(!struck || !opened_well || failed || reported == kAppends + 1) << context;
            // The marker cannot be written on a disk that fails for good; everything reported is there all the same.
            failed = failed || !opened_well;
            if (failed && !for_good) expect_that_a_person_is_asked(temp.state(), reported, context);
            if (failed && for_good) expect_prefix(**open_journal(temp.state()).journal, reported);
            failures += failed ? 1 : 0;
        }
    }
    EXPECT_GT(failures, 2 * kAppends);
}

TEST(FailingDisk, loses_nothing_reported_at_any_failed_write) {
    bool struck = true;
    for (int nth = 1; struck; ++nth) {
        const TempDir temp;
        std::uint64_t reported = 0;
        {
            FaultyDisk disk(temp.state());
            disk.fail_write(nth);
            auto opened = open_journal(temp.state());
            if (opened.journal) use(opened);
            reported = opened.told->last();
            struck = disk.struck();
        }
        auto reopened = open_journal(temp.state());
        if (reopened.journal) {
            expect_prefix(**reopened.journal, reported);
        } else {
            EXPECT_EQ(reopened.journal.error().code, ErrorCode::Corrupt)
                << nth << ": " << reopened.journal.error().message;
            auto accepted = accept(temp.state(), {.by = "ana", .reason = "disk replaced", .wall = WallTime(1s)});
            ASSERT_TRUE(accepted) << nth << ": " << accepted.error().message;
            EXPECT_GE(accepted->kept, reported) << nth;
        }
    }
}

// The number of the entry that met the failure.
int append_until_failure(Opened& opened, int number) {
    for (;; ++number) {
        append_and_wait(opened, number);
        if (!opened.told->failures().empty()) return number;
    }
}

TEST(FullDisk, gives_its_reserve_to_the_outcomes_and_lets_nothing_act) {
    const TempDir temp;
    auto opened = open_journal(temp.state());
    ASSERT_TRUE(append_and_wait(opened, 1));
    FaultyDisk disk(temp.state());
    disk.fill_up(temp.file("reserve"));
    const int struck = append_until_failure(opened, 2);
    EXPECT_NE(opened.told->failures()[0].find("the disk is full"), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(temp.file("reserve")));
    EXPECT_TRUE(append_and_wait(opened, struck + 1));
    opened.close();
    EXPECT_EQ(opened.told->last(), static_cast<std::uint64_t>(struck) + 1);
    EXPECT_EQ(opened.told->failures().size(), 1u);
    expect_prefix(**open_journal(temp.state()).journal, static_cast<std::uint64_t>(struck) + 1);
}

TEST(FullDisk, ends_the_journal_when_the_reserve_is_used_up_and_the_next_start_needs_nobody) {
    const TempDir temp;
    std::uint64_t reported = 0;
    auto opened = open_journal(temp.state());
    ASSERT_TRUE(append_and_wait(opened, 1));
    {
        FaultyDisk disk(temp.state());
        disk.fill_up("");
        const int struck = append_until_failure(opened, 2);
        EXPECT_EQ(opened.told->wait_for_failures(2).size(), 2u);
        EXPECT_EQ(opened->append({entry(struck + 1)}).error().code, ErrorCode::Unavailable);
        opened.close();
        reported = opened.told->last();
        EXPECT_EQ(reported, static_cast<std::uint64_t>(struck) - 1);
    }
    auto reopened = open_journal(temp.state());
    ASSERT_TRUE(reopened.journal) << reopened.journal.error().message;
    EXPECT_EQ(read_all(**reopened.journal).size(), reported);
}

TEST(GroupCommit, writes_everything_that_waits_with_the_syncs_of_one) {
    const TempDir temp;
    auto opened = open_journal(temp.state());
    ASSERT_TRUE(append_and_wait(opened, 1));
    const FaultyDisk disk(temp.state());
    const int before = disk.syncs();
    ASSERT_TRUE(opened->append(entries(2, 501)));
    ASSERT_TRUE(opened.told->wait_for(501));
    EXPECT_LE(disk.syncs() - before, 2) << "one of the log, and the head of the record before if it was quiet";
    EXPECT_EQ(opened.told->commits(), 2u);
}

TEST(Head, is_synced_after_its_last_write_when_the_journal_ends) {
    const TempDir temp;
    auto opened = open_journal(temp.state());
    FaultyDisk disk(temp.state());
    disk.record();
    ASSERT_TRUE(append_and_wait(opened, 1));
    opened.close();
    int unsynced = 0, writes = 0;
    for (const DiskOperation& operation : disk.recording()) {
        if (!operation.file.ends_with("head")) continue;
        const bool is_write = operation.kind == DiskOperation::Kind::Write;
        writes += is_write ? 1 : 0;
        unsynced = is_write ? unsynced + 1 : 0;
    }
    EXPECT_EQ(writes, 1);
    EXPECT_EQ(unsynced, 0);
}

}  // namespace
}  // namespace revertd::journal
