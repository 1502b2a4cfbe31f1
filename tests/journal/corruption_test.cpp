// SPDX-License-Identifier: Apache-2.0
// Whatever is changed behind the journal's back is noticed, or changes nothing.
#include <gtest/gtest.h>

#include <random>

#include "daemon/journal/audit.h"
#include "tests/journal/faulty_disk.h"
#include "tests/journal/harness.h"
#include "tests/journal/temp_dir.h"

namespace revertd::journal {
namespace {

constexpr int kRecords = 20;

// A journal with a pinned configuration, closed: all of it in the database, the log empty of news.
void fill(const std::string& dir) {
    auto opened = open_journal(dir);
    ASSERT_TRUE(opened->pin_config("services: { checkout: {} }\n"));
    ASSERT_TRUE(opened->append(entries(1, kRecords)));
    opened.close();
    ASSERT_EQ(opened.told->last(), static_cast<std::uint64_t>(kRecords));
}

// The same with the records still in the log, as kill -9 leaves them.
void fill_log(const TempDir& temp, const std::string& dir) {
    auto opened = open_journal(temp.state());
    for (int number = 1; number <= kRecords; ++number) ASSERT_TRUE(append_and_wait(opened, number));
    copy_state(temp.state(), dir);
    std::filesystem::remove(dir + "/journal.db-shm");
}

std::vector<Entry> exported(const std::string& dir, bool& intact) {
    std::vector<Entry> read;
    auto state = StateDir::open(dir, StateDir::Missing::Refuse);
    auto found = inspect(*state, [&](const Entry& entry, const Link&) {
        read.push_back(entry);
        return Result<void>();
    });
    intact = found && !found->fault && !found->fresh();
    return read;
}

// One bit of every few bytes; the files are opened as every start opens them.
void flip_everywhere(const std::string& dir, const std::string& name, std::size_t step) {
    bool intact = false;
    const auto expected = exported(dir, intact);
    ASSERT_TRUE(intact);
    ASSERT_EQ(expected.size(), static_cast<std::size_t>(kRecords));
    const std::string path = dir + "/" + name;
    const std::string good = read_bytes(path);
    std::mt19937 random(11);
    int noticed = 0;
    for (std::size_t at = 0; at < good.size(); at += step) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ (1 << random() % 8));
        write_bytes(path, bad);
        std::filesystem::remove(dir + "/journal.db-shm");
        const auto read = exported(dir, intact);
        noticed += intact ? 0 : 1;
        ASSERT_TRUE(!intact || read == expected) << "byte " << at << " of " << name;
    }
    write_bytes(path, good);
    EXPECT_GT(noticed, 0);
}

TEST(BitFlip, in_the_database_is_noticed_or_changes_nothing) {
    const TempDir temp;
    fill(temp.state());
    flip_everywhere(temp.state(), "journal.db", 11);
}

TEST(BitFlip, in_the_log_never_drops_a_record_silently) {
    const TempDir temp;
    const std::string dir = (temp.root() / "killed").string();
    fill_log(temp, dir);
    flip_everywhere(dir, "journal.db-wal", 61);
}

TEST(BitFlip, in_one_slot_of_the_head_leaves_the_other_to_witness) {
    const TempDir temp;
    fill(temp.state());
    const std::string good = read_bytes(temp.file("head"));
    ASSERT_EQ(good.size(), 8192u);
    for (std::size_t at = 0; at < good.size(); at += 31) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 1);
        write_bytes(temp.file("head"), bad);
        auto report = verify(temp.state());
        ASSERT_TRUE(report);
        EXPECT_TRUE(report->intact()) << at << ": " << report->fault->why;
        EXPECT_FALSE(report->notes.empty());
    }
}

void expect_refused(const std::string& dir, const std::string& words) {
    auto opened = open_journal(dir);
    ASSERT_FALSE(opened.journal);
    EXPECT_EQ(opened.journal.error().code, ErrorCode::Corrupt);
    EXPECT_NE(opened.journal.error().message.find(words), std::string::npos) << opened.journal.error().message;
    auto report = verify(dir);
    ASSERT_TRUE(report);
    ASSERT_FALSE(report->intact());
    EXPECT_NE(to_words(*report).find(words), std::string::npos) << to_words(*report);
}

TEST(LostTail, is_noticed_when_the_log_is_cut_anywhere) {
    const TempDir temp;
    const std::string killed = (temp.root() / "killed").string();
    fill_log(temp, killed);
    const std::string log = read_bytes(killed + "/journal.db-wal");
    ASSERT_GT(log.size(), 4096u * kRecords);
    for (std::size_t size = 0; size < log.size(); size += 1031) {
        const std::string dir = (temp.root() / "cut").string();
        copy_state(killed, dir);
        write_bytes(dir + "/journal.db-wal", log.substr(0, size));
        bool intact = false;
        const auto read = exported(dir, intact);
        EXPECT_FALSE(intact && read.size() < kRecords) << size;
    }
    std::filesystem::remove(killed + "/journal.db-wal");
    expect_refused(killed, "records 1 to 20 were durable and are gone: the journal ends at 0");
}

TEST(LostFiles, ask_for_a_person_unless_nothing_was_there) {
    for (const char* name : {"journal.db", "head"}) {
        const TempDir temp;
        fill(temp.state());
        std::filesystem::remove(temp.file(name));
        expect_refused(temp.state(),
                       name == std::string("head") ? "the head file is gone" : "the head file says that it held 20");
    }
    const TempDir temp;
    fill(temp.state());
    std::filesystem::remove(temp.file("journal.db"));
    std::filesystem::remove(temp.file("journal.db-wal"));
    std::filesystem::remove(temp.file("head"));
    EXPECT_TRUE(open_journal(temp.state()).journal) << "a new journal: only a witness elsewhere can tell";
}

TEST(OlderCopy, of_the_database_is_noticed) {
    const TempDir temp;
    const std::string backup = (temp.root() / "backup").string();
    fill(temp.state());
    copy_state(temp.state(), backup);
    auto opened = open_journal(temp.state());
    ASSERT_TRUE(append_and_wait(opened, 21));
    opened.close();
    std::filesystem::remove(temp.file("journal.db-wal"));
    write_bytes(temp.file("journal.db"), read_bytes(backup + "/journal.db"));
    expect_refused(temp.state(), "records 21 to 21 were durable and are gone");
}

TEST(OlderCopy, of_the_head_is_harmless_and_moved_forward) {
    const TempDir temp;
    fill(temp.state());
    const std::string old_head = read_bytes(temp.file("head"));
    auto opened = open_journal(temp.state());
    ASSERT_TRUE(append_and_wait(opened, 21));
    opened.close();
    write_bytes(temp.file("head"), old_head);
    opened = open_journal(temp.state());
    ASSERT_TRUE(opened.journal);
    ASSERT_EQ(opened->notes().size(), 1u);
    EXPECT_NE(opened->notes()[0].find("records 21 to 21 were written but not reported"), std::string::npos);
    EXPECT_EQ(verify(temp.state())->head->seq, 21u);
}

TEST(AnotherHistory, of_the_same_length_is_noticed) {
    const TempDir temp;
    const TempDir other;
    fill(temp.state());
    fill(other.state());
    write_bytes(temp.file("head"), read_bytes(other.file("head")));
    expect_refused(temp.state(), "record 20 is not the one that was durable");
}

}  // namespace
}  // namespace revertd::journal
