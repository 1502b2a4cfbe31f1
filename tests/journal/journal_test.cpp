// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/journal.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "core/sha256.h"
#include "tests/journal/harness.h"
#include "tests/journal/temp_dir.h"

namespace revertd::journal {
namespace {

std::vector<Entry> numbered(int from, int to) {
    auto made = entries(from, to);
    for (Entry& one : made) one.seq = static_cast<std::uint64_t>(one.at.time_since_epoch() / 1s);
    return made;
}

/// SQLite writes on into a file that has no name any more, and the next start would find nothing of it.
TEST(Journal, ends_when_a_file_of_it_is_removed_or_replaced) {
    for (const std::string name : {"journal.db", "journal.db-wal", "head"}) {
        for (const bool replaced : {false, true}) {
            const TempDir temp;
            auto opened = open_journal(temp.state());
            ASSERT_TRUE(append_and_wait(opened, 1));
            if (replaced) {
                std::filesystem::copy_file(temp.file(name), temp.file("copy"));
                std::filesystem::rename(temp.file("copy"), temp.file(name));
            } else {
                std::filesystem::remove(temp.file(name));
            }
            EXPECT_FALSE(append_and_wait(opened, 2)) << name;
            EXPECT_EQ(opened.told->last(), 1u) << name;
            const auto why = opened.told->wait_for_failures(1);
            EXPECT_NE(why.at(0).find(name + " was removed or replaced"), std::string::npos) << why.at(0);
            EXPECT_FALSE(opened->append({entry(3)}));
        }
    }
}

TEST(Journal, ends_when_its_log_is_cut) {
    const TempDir temp;
    auto opened = open_journal(temp.state());
    ASSERT_TRUE(append_and_wait(opened, 1));
    std::filesystem::resize_file(temp.file("journal.db-wal"), 32);
    EXPECT_FALSE(append_and_wait(opened, 2));
    EXPECT_NE(opened.told->wait_for_failures(1).at(0).find("was cut"), std::string::npos);
}

TEST(Journal, gives_back_after_a_restart_what_was_appended) {
    const TempDir temp;
    {
        auto opened = open_journal(temp.state());
        ASSERT_TRUE(opened.journal) << opened.journal.error().message;
        auto last = opened->append(entries(1, 7));
        ASSERT_TRUE(last);
        EXPECT_EQ(*last, 7u);
        EXPECT_TRUE(opened.told->wait_for(7));
        EXPECT_EQ(read_all(**opened.journal), numbered(1, 7));
    }
    auto opened = open_journal(temp.state());
    ASSERT_TRUE(opened.journal) << opened.journal.error().message;
    EXPECT_EQ(opened->tail().seq, 7u);
    EXPECT_EQ(opened->tail().at, Time(7s));
    EXPECT_EQ(read_all(**opened.journal), numbered(1, 7));
    EXPECT_TRUE(append_and_wait(opened, 8));
    EXPECT_EQ(read_all(**opened.journal), numbered(1, 8));
}

TEST(Journal, writes_what_is_queued_before_it_ends) {
    const TempDir temp;
    auto opened = open_journal(temp.state());
    ASSERT_TRUE(opened.journal);
    ASSERT_TRUE(opened->append(entries(1, 100)));
    opened.close();
    EXPECT_EQ(opened.told->last(), 100u);
    EXPECT_EQ(read_all(**open_journal(temp.state()).journal), numbered(1, 100));
}

TEST(Journal, keeps_its_name_and_its_hashes_over_restarts) {
    const TempDir temp;
    auto opened = open_journal(temp.state());
    ASSERT_TRUE(append_and_wait(opened, 1));
    const std::string instance = opened->instance();
    const Hash hash = opened->tail().hash;
    opened.close();
    opened = open_journal(temp.state());
    EXPECT_EQ(opened->instance(), instance);
    EXPECT_EQ(instance.size(), 32u);
    EXPECT_EQ(opened->tail().hash, hash);
    EXPECT_TRUE(opened->notes().empty());
}

TEST(Journal, reads_from_a_record_on) {
    const TempDir temp;
    auto opened = open_journal(temp.state());
    ASSERT_TRUE(opened->append(entries(1, 9)));
    ASSERT_TRUE(opened.told->wait_for(9));
    std::vector<Entry> read;
    const auto collect = [&](const Entry& found) {
        read.push_back(found);
        return Result<void>();
    };
    ASSERT_TRUE(opened->for_each(6, collect));
    EXPECT_EQ(read, numbered(6, 9));
    ASSERT_TRUE(opened->for_each(10, collect));
    EXPECT_EQ(read.size(), 4u);
}

TEST(Journal, ends_a_reading_with_the_visitors_error) {
    const TempDir temp;
    auto opened = open_journal(temp.state());
    ASSERT_TRUE(opened->append(entries(1, 3)));
    ASSERT_TRUE(opened.told->wait_for(3));
    int seen = 0;
    auto read = opened->for_each(1, [&](const Entry&) -> Result<void> {
        if (++seen == 2) return Error(ErrorCode::Invalid, "what is this");
        return {};
    });
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().message, "what is this");
    EXPECT_EQ(seen, 2);
}

TEST(Journal, keeps_any_bytes_of_a_record) {
    const TempDir temp;
    auto opened = open_journal(temp.state());
    Entry strange = entry(1);
    strange.body = std::string("{\"a\":\"\\u0000\"}\0\xff'; DROP TABLE entries; --", 42);
    strange.service.clear();
    ASSERT_TRUE(opened->append({strange}));
    opened.close();
    opened = open_journal(temp.state());
    ASSERT_TRUE(opened.journal) << opened.journal.error().message;
    strange.seq = 1;
    EXPECT_EQ(read_all(**opened.journal), std::vector{strange});
}

TEST(Journal, pins_a_configuration_once_by_its_hash) {
    const TempDir temp;
    auto opened = open_journal(temp.state());
    const std::string text = "services:\n  checkout: {}\n";
    auto hash = opened->pin_config(text);
    ASSERT_TRUE(hash);
    EXPECT_EQ(*hash, sha256_hex(text));
    ASSERT_TRUE(opened->pin_config(text));
    ASSERT_TRUE(append_and_wait(opened, 1));
    auto found = opened->config_text(*hash);
    ASSERT_TRUE(found);
    EXPECT_EQ(*found, text);
    EXPECT_EQ(opened->config_text(sha256_hex("other")).error().code, ErrorCode::NotFound);
}

TEST(Journal, refuses_a_second_daemon_on_the_same_directory) {
    const TempDir temp;
    auto first = open_journal(temp.state());
    ASSERT_TRUE(first.journal);
    auto second = open_journal(temp.state());
    ASSERT_FALSE(second.journal);
    EXPECT_EQ(second.journal.error().code, ErrorCode::Conflict);
    EXPECT_NE(second.journal.error().message.find("process " + std::to_string(::getpid())), std::string::npos);
    first.close();
    EXPECT_TRUE(open_journal(temp.state()).journal);
}

TEST(Journal, refuses_a_directory_that_others_can_enter) {
    const TempDir temp;
    open_journal(temp.state()).close();
    ::chmod(temp.state().c_str(), 0750);
    auto opened = open_journal(temp.state());
    ASSERT_FALSE(opened.journal);
    EXPECT_EQ(opened.journal.error().code, ErrorCode::NotAllowed);
    EXPECT_EQ(opened.journal.error().hint, "chmod 700 " + temp.state());
}

TEST(Journal, refuses_planted_links) {
    for (const char* name : {"journal.db", "journal.db-wal", "head", "lock", "reserve", "flight.db", "failed"}) {
        for (const bool symbolic : {true, false}) {
            const TempDir temp;
            open_journal(temp.state()).close();
            const std::string elsewhere = (temp.root() / "elsewhere").string();
            if (std::filesystem::exists(temp.file(name))) {
                std::filesystem::rename(temp.file(name), elsewhere);
            } else {
                write_bytes(elsewhere, "");
            }
            if (symbolic) {
                std::filesystem::create_symlink(elsewhere, temp.file(name));
            } else {
                std::filesystem::create_hard_link(elsewhere, temp.file(name));
            }
            auto opened = open_journal(temp.state());
            ASSERT_FALSE(opened.journal) << name;
            EXPECT_EQ(opened.journal.error().code, ErrorCode::NotAllowed)
                << name << ": " << opened.journal.error().message;
        }
    }
}

TEST(Journal, refuses_a_record_beyond_its_limit) {
    const TempDir temp;
    auto opened = open_journal(temp.state());
    Entry large = entry(1);
    large.body.assign(kMaxBodyBytes + 1, ' ');
    auto seq = opened->append({large});
    ASSERT_FALSE(seq);
    EXPECT_EQ(seq.error().code, ErrorCode::Limit);
    EXPECT_TRUE(append_and_wait(opened, 1));
    EXPECT_EQ(opened->tail().seq, 1u);
}

TEST(Journal, is_read_while_it_is_written) {
    const TempDir temp;
    auto opened = open_journal(temp.state());
    for (int number = 1; number <= 50; ++number) {
        ASSERT_TRUE(opened->append({entry(number)}));
        const std::uint64_t durable = opened->tail().seq;
        EXPECT_GE(read_all(**opened.journal).size(), durable);
    }
    ASSERT_TRUE(opened.told->wait_for(50));
    EXPECT_EQ(read_all(**opened.journal), numbered(1, 50));
}

}  // namespace
}  // namespace revertd::journal
