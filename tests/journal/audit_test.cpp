// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/audit.h"

#include <gtest/gtest.h>
#include <rapidjson/document.h>
#include <sqlite3.h>

#include "daemon/journal/codec.h"
#include "tests/journal/harness.h"
#include "tests/journal/temp_dir.h"

namespace revertd::journal {
namespace {

void fill(const std::string& dir, int records) {
    auto opened = open_journal(dir);
    ASSERT_TRUE(opened->append(entries(1, records)));
    ASSERT_TRUE(opened->pin_config("services: { checkout: {} }\n"));
}

// What somebody with write access and a good tool does.
void tamper(const std::string& dir, const std::string& sql) {
    sqlite3* connection = nullptr;
    ASSERT_EQ(sqlite3_open((dir + "/journal.db").c_str(), &connection), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(connection, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(connection);
    sqlite3_close(connection);
}

struct Tampering {
    const char* sql;
    std::uint64_t seq;
    const char* words;
};

TEST(Verify, names_the_first_broken_record_and_why) {
    const Tampering all[] = {
        {"UPDATE entries SET body = replace(body, '7.3', '0.3') WHERE seq = 5", 5, "record 5 was changed"},
        {"UPDATE entries SET at_ns = at_ns + 1 WHERE seq = 6", 6, "record 6 was changed"},
        {"UPDATE entries SET service = incident, incident = service WHERE seq = 2", 2, "record 2 was changed"},
        {"UPDATE entries SET hash = prev WHERE seq = 3", 3, "record 3 was changed"},
        {"DELETE FROM entries WHERE seq = 4", 4, "records 4 to 4 are missing"},
        {"DELETE FROM entries WHERE seq BETWEEN 1 AND 3", 1, "records 1 to 3 are missing"},
        {"DELETE FROM entries WHERE seq = 9", 9, "records 9 to 9 were durable and are gone"},
        {"UPDATE entries SET seq = 100 WHERE seq = 3; UPDATE entries SET seq = 3 WHERE seq = 4;"
         " UPDATE entries SET seq = 4 WHERE seq = 100",
         3, "record 3 does not follow record 2"},
        {"UPDATE meta SET value = 'other' WHERE name = 'instance'", 1, "record 1 does not follow record 0"},
        {"UPDATE configs SET text = text || ' '", 0, "was changed"},
        {"UPDATE entries SET body = CAST(zeroblob(9) AS TEXT) WHERE seq = 1", 1, "record 1 was changed"},
        {"PRAGMA user_version = 7", 0, "is of version 7"},
        {"DROP TABLE entries", 0, "no such table"},
    };
    for (const Tampering& one : all) {
        const TempDir temp;
        fill(temp.state(), 9);
        tamper(temp.state(), one.sql);
        auto report = verify(temp.state());
        ASSERT_TRUE(report) << one.sql << report.error().message;
        ASSERT_FALSE(report->intact()) << one.sql;
        EXPECT_EQ(report->fault->seq, one.seq) << one.sql;
        EXPECT_NE(report->fault->why.find(one.words), std::string::npos) << report->fault->why;
        EXPECT_EQ(open_journal(temp.state()).journal.error().code, ErrorCode::Corrupt) << one.sql;
    }
}

TEST(Verify, says_intact_with_the_head_hash_also_beside_a_running_daemon) {
    const TempDir temp;
    auto opened = open_journal(temp.state());
    for (int number = 1; number <= 30; ++number) {
        ASSERT_TRUE(opened->append({entry(number)}));
        const std::uint64_t before = opened.told->last();
        auto report = verify(temp.state());
        ASSERT_TRUE(report) << report.error().message;
        ASSERT_TRUE(report->intact()) << report->fault->why;
        EXPECT_GE(report->records, before);
    }
    ASSERT_TRUE(opened.told->wait_for(30));
    const auto words = to_words(*verify(temp.state()));
    EXPECT_NE(words.find("the head file witnesses record 30, hash " + opened->tail().hash), std::string::npos) << words;
    EXPECT_TRUE(words.ends_with("intact\n")) << words;
}

TEST(Verify, changes_nothing) {
    const TempDir temp;
    fill(temp.state(), 5);
    const std::string database = read_bytes(temp.file("journal.db"));
    const std::string head = read_bytes(temp.file("head"));
    ASSERT_TRUE(verify(temp.state()));
    EXPECT_EQ(read_bytes(temp.file("journal.db")), database);
    EXPECT_EQ(read_bytes(temp.file("head")), head);
}

TEST(Verify, finds_no_journal_where_there_is_none) {
    const TempDir temp;
    EXPECT_EQ(verify(temp.state()).error().code, ErrorCode::NotFound);
    std::filesystem::create_directory(temp.state());
    std::filesystem::permissions(temp.state(), std::filesystem::perms::owner_all);
    EXPECT_EQ(verify(temp.state()).error().code, ErrorCode::NotFound);
}

const Acceptance kAna{
    .by = "ana", .reason = "the disk was replaced", .wall = WallTime(1795144400s), .witnessed_seq = 0};

TEST(Accept, goes_on_from_what_can_be_believed_and_says_what_was_lost) {
    const TempDir temp;
    fill(temp.state(), 9);
    tamper(temp.state(), "UPDATE entries SET body = '{}' WHERE seq = 6");
    auto accepted = accept(temp.state(), kAna);
    ASSERT_TRUE(accepted) << accepted.error().message;
    EXPECT_EQ(accepted->kept, 5u);
    EXPECT_EQ(accepted->seq, 10u) << "no number is given twice";
    EXPECT_TRUE(std::filesystem::exists(accepted->aside + "/journal.db"));

    auto opened = open_journal(temp.state());
    ASSERT_TRUE(opened.journal) << opened.journal.error().message;
    const auto read = read_all(**opened.journal);
    ASSERT_EQ(read.size(), 6u);
    EXPECT_EQ(read[5].kind, kAcceptedKind);
    EXPECT_EQ(read[5].at, read[4].at);
    EXPECT_EQ(
        read[5].body,
        R"({"by":"ana","reason":"the disk was replaced","found":"record 6 was changed: its hash does not match its content",)"
        R"("kept_to":5,"lost_to":9})");
    auto fact = decode(read[5].kind, read[5].body);
    ASSERT_TRUE(fact) << fact.error().message;
    EXPECT_EQ(std::get<StateAccepted>(*fact).by, "ana");
    EXPECT_EQ(*opened->append({entry(1)}), 11u);
    opened.close();
    EXPECT_TRUE(verify(temp.state())->intact());
    EXPECT_TRUE(open_journal(temp.state()).journal);
}

TEST(Accept, keeps_name_and_configurations) {
    const TempDir temp;
    auto opened = open_journal(temp.state());
    const std::string instance = opened->instance();
    const std::string hash = *opened->pin_config("mode: observe\n");
    ASSERT_TRUE(append_and_wait(opened, 1));
    opened.close();
    std::filesystem::remove(temp.file("head"));
    ASSERT_TRUE(accept(temp.state(), kAna));
    opened = open_journal(temp.state());
    EXPECT_EQ(opened->instance(), instance);
    EXPECT_EQ(*opened->config_text(hash), "mode: observe\n");
    EXPECT_EQ(opened->tail().seq, 2u);
}

TEST(Accept, begins_a_new_journal_behind_the_lost_numbers_when_the_database_is_gone) {
    const TempDir temp;
    fill(temp.state(), 9);
    write_bytes(temp.file("journal.db"), "this is no database");
    auto accepted = accept(temp.state(), kAna);
    ASSERT_TRUE(accepted) << accepted.error().message;
    EXPECT_EQ(accepted->kept, 0u);
    EXPECT_EQ(accepted->seq, 10u);
    EXPECT_TRUE(open_journal(temp.state()).journal);
}

TEST(Accept, believes_a_witness_elsewhere_that_knows_more) {
    const TempDir temp;
    fill(temp.state(), 9);
    Acceptance acceptance = kAna;
    acceptance.witnessed_seq = 30;
    auto accepted = accept(temp.state(), acceptance);
    ASSERT_TRUE(accepted) << accepted.error().message;
    EXPECT_EQ(accepted->kept, 9u);
    EXPECT_EQ(accepted->seq, 31u);
}

TEST(Accept, believes_a_witness_elsewhere_that_knows_another_past) {
    const TempDir temp;
    fill(temp.state(), 40);
    Acceptance acceptance = kAna;
    acceptance.witnessed_seq = 30;
    acceptance.unknown_step = "api/d-1/i-2/1.0.30";
    auto accepted = accept(temp.state(), acceptance);
    ASSERT_TRUE(accepted) << accepted.error().message;
    EXPECT_EQ(accepted->seq, 41u);
}

TEST(Accept, refuses_an_intact_journal_and_a_running_daemon) {
    const TempDir temp;
    fill(temp.state(), 3);
    EXPECT_EQ(accept(temp.state(), kAna).error().code, ErrorCode::Invalid);
    auto opened = open_journal(temp.state());
    EXPECT_EQ(accept(temp.state(), kAna).error().code, ErrorCode::Conflict);
}

TEST(Export, writes_a_line_a_record_that_can_be_checked_elsewhere) {
    const TempDir temp;
    {
        auto opened = open_journal(temp.state());
        Entry odd = entry(3);
        odd.body = "not\nJSON";
        ASSERT_TRUE(opened->append({entry(1), entry(2), odd}));
    }
    std::vector<std::string> lines;
    ASSERT_TRUE(export_jsonl(temp.state(), [&](std::string_view line) { lines.emplace_back(line); }));
    ASSERT_EQ(lines.size(), 3u);
    Hash previous;
    for (const std::string& line : lines) {
        rapidjson::Document read;
        ASSERT_FALSE(read.Parse(line.c_str()).HasParseError()) << line;
        EXPECT_TRUE(previous.empty() || previous == read["prev"].GetString());
        previous = read["hash"].GetString();
    }
    EXPECT_NE(lines[1].find(R"("kind":"decided","service":"service-2","incident":"inc-2","body":{"number":2,)"),
              std::string::npos)
        << lines[1];
    EXPECT_NE(lines[2].find(R"("body":"not\nJSON")"), std::string::npos) << lines[2];
    tamper(temp.state(), "UPDATE entries SET kind = 'x' WHERE seq = 2");
    lines.clear();
    EXPECT_EQ(export_jsonl(temp.state(), [&](std::string_view line) { lines.emplace_back(line); }).error().code,
              ErrorCode::Corrupt);
    EXPECT_EQ(lines.size(), 1u);
}

}  // namespace
}  // namespace revertd::journal
