// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/flight_recorder.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>

#include "daemon/journal/limits.h"
#include "tests/journal/faulty_disk.h"
#include "tests/journal/harness.h"
#include "tests/journal/temp_dir.h"

namespace revertd::journal {
namespace {

Snapshot snapshot(const std::string& service, int number, const std::string& incident = "") {
    return {.service = service,
            .at = Time(1s * number),
            .incident = incident,
            .bytes = std::string("w\0", 2) + std::to_string(number)};
}

TEST(FlightRecorder, gives_back_the_newest_snapshot_of_a_service) {
    const TempDir temp;
    auto opened = open_journal(temp.state());
    const Snapshot newest = snapshot("checkout", 3);
    ASSERT_TRUE(opened->record_flight(snapshot("checkout", 2)));
    auto hash = opened->record_flight(newest);
    ASSERT_TRUE(hash);
    EXPECT_EQ(*hash, snapshot_hash(newest));
    ASSERT_TRUE(opened->record_flight(snapshot("search", 4)));
    opened.close();
    opened = open_journal(temp.state());
    auto found = opened->latest_flight("checkout");
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->snapshot, newest);
    EXPECT_TRUE(found->ignored.empty());
    EXPECT_EQ(*opened->find_flight(*hash), newest);
    EXPECT_FALSE(opened->latest_flight("unheard-of")->snapshot);
    EXPECT_EQ(opened->find_flight("00").error().code, ErrorCode::NotFound);
}

TEST(FlightRecorder, has_a_snapshot_before_the_decision_that_cites_it_is_durable) {
    const TempDir temp;
    auto opened = open_journal(temp.state());
    for (int number = 1; number <= 10; ++number) {
        const Snapshot seen = snapshot("checkout", number, "inc-1");
        Entry decided = entry(number);
        decided.body = *opened->record_flight(seen);
        ASSERT_TRUE(opened.told->wait_for(*opened->append({decided})));
        auto found = opened->find_flight(decided.body);
        ASSERT_TRUE(found) << found.error().message;
        EXPECT_EQ(*found, seen);
    }
}

TEST(FlightRecorder, keeps_the_last_few_of_a_service_and_those_that_decisions_cite) {
    const TempDir temp;
    auto opened = open_journal(temp.state());
    auto pinned = opened->record_flight(snapshot("checkout", 1, "inc-1"));
    std::vector<Hash> hashes;
    for (int number = 2; number < 20; ++number) hashes.push_back(*opened->record_flight(snapshot("checkout", number)));
    auto other = opened->record_flight(snapshot("search", 1));
    opened.close();
    opened = open_journal(temp.state());
    EXPECT_TRUE(opened->find_flight(*pinned));
    EXPECT_TRUE(opened->find_flight(*other));
    for (std::size_t i = 0; i < hashes.size(); ++i) {
        EXPECT_EQ(opened->find_flight(hashes[i]).has_value(), i + kSnapshotsPerService >= hashes.size()) << i;
    }
}

TEST(FlightRecorder, keeps_only_so_many_that_decisions_cite) {
    const TempDir temp;
    auto opened = open_journal(temp.state());
    std::vector<Hash> hashes;
    for (int number = 0; number < kPinnedSnapshots + 10; ++number) {
        hashes.push_back(*opened->record_flight(snapshot("s" + std::to_string(number % 50), number, "inc")));
    }
    opened.close();
    opened = open_journal(temp.state());
    for (std::size_t i = 0; i < hashes.size(); ++i) EXPECT_EQ(opened->find_flight(hashes[i]).has_value(), i >= 10) << i;
}

TEST(FlightRecorder, makes_those_that_nobody_waits_for_durable_together_and_tells_nobody) {
    const TempDir temp;
    auto opened = open_journal(temp.state());
    ASSERT_TRUE(append_and_wait(opened, 1));
    const std::size_t told = opened.told->commits();
    const FaultyDisk disk(temp.state());
    const auto syncs_of = [&](const std::vector<std::string>& services) {
        const int before = disk.syncs();
        for (const std::string& service : services) EXPECT_TRUE(opened->record_flight(snapshot(service, 1)));
        while (!opened->latest_flight(services.back())->snapshot) continue;
        return disk.syncs() - before;
    };
    syncs_of({"the first makes the log"});
    const int of_one = syncs_of({"a"});
    EXPECT_EQ(syncs_of({"b", "c", "d", "e", "f"}), of_one);
    EXPECT_EQ(opened.told->commits(), told);
}

TEST(FlightRecorder, does_not_put_them_off_for_as_long_as_there_are_records) {
    class Stepping : public Clock {
      public:
        [[nodiscard]] Now now() const override { return {Time(since), WallTime(since)}; }

        std::atomic<Duration> since = Duration(1000s);
    } clock;

    const TempDir temp;
    auto told = std::make_shared<Told>();
    Options options{.dir = temp.state(), .clock = &clock, .durable = {}, .failed = {}, .reserve_bytes = 1 << 16};
    options.durable = [told](const Commit& commit) { told->durable(commit.seq); };
    Opened opened{told, Journal::open(std::move(options))};
    ASSERT_TRUE(opened.journal);
    ASSERT_TRUE(opened->record_flight(snapshot("checkout", 1)));
    int number = 1;
    // The journal's thread may have taken the snapshot only now: time goes on.
    while (!opened->latest_flight("checkout")->snapshot && number < 500) {
        clock.since = clock.since.load() + kRoutineWait;
        ASSERT_TRUE(append_and_wait(opened, number++));
    }
    EXPECT_LT(number, 500);
}

TEST(FlightRecorder, refuses_a_snapshot_beyond_its_limit) {
    const TempDir temp;
    auto opened = open_journal(temp.state());
    Snapshot large = snapshot("checkout", 1);
    large.bytes.assign(kMaxSnapshotBytes + 1, 'x');
    EXPECT_EQ(opened->record_flight(large).error().code, ErrorCode::Limit);
}

TEST(FlightRecorder, passes_over_a_changed_snapshot) {
    const TempDir temp;
    auto opened = open_journal(temp.state());
    const Snapshot older = snapshot("checkout", 111111);
    const Snapshot newer = snapshot("checkout", 222222);
    auto hash = opened->record_flight(older);
    hash = opened->record_flight(newer);
    opened.close();
    std::string bytes = read_bytes(temp.file("flight.db"));
    const auto at = bytes.find("222222");
    ASSERT_NE(at, std::string::npos);
    bytes[at] = '3';
    write_bytes(temp.file("flight.db"), bytes);
    std::filesystem::remove(temp.file("flight.db-wal"));
    opened = open_journal(temp.state());
    auto found = opened->latest_flight("checkout");
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->snapshot, older);
    EXPECT_EQ(found->ignored, std::vector{"snapshot " + *hash + " was changed"});
    EXPECT_EQ(opened->find_flight(*hash).error().code, ErrorCode::Corrupt);
}

TEST(FlightRecorder, believes_what_an_older_version_wrote_with_a_hash_that_only_decisions_need) {
    const TempDir temp;
    auto opened = open_journal(temp.state());
    ASSERT_TRUE(opened->record_flight(snapshot("checkout", 1)));
    opened.close();
    const Hash long_one = snapshot_hash(snapshot("checkout", 1, "inc-1"));
    EXPECT_EQ(long_one.size(), 64U);
    for (const auto& [hash, is_believed] : {std::pair(long_one, true), std::pair(Hash(64, '0'), false)}) {
        ASSERT_TRUE(Database::open(temp.file("flight.db"), Database::Mode::ReadWrite)
                        ->run("UPDATE snapshots SET hash = '" + hash + "'"));
        opened = open_journal(temp.state());
        EXPECT_EQ(opened->latest_flight("checkout")->snapshot.has_value(), is_believed);
        opened.close();
    }
}

TEST(FlightRecorder, starts_empty_when_its_file_is_unreadable_and_never_stops_the_journal) {
    const TempDir temp;
    auto opened = open_journal(temp.state());
    ASSERT_TRUE(opened->record_flight(snapshot("checkout", 1, "inc-1")));
    ASSERT_TRUE(append_and_wait(opened, 1));
    opened.close();
    write_bytes(temp.file("flight.db"), std::string(8192, '?'));
    opened = open_journal(temp.state());
    ASSERT_TRUE(opened.journal) << opened.journal.error().message;
    ASSERT_EQ(opened->notes().size(), 1u);
    EXPECT_EQ(opened->notes()[0], "the flight recorder was unreadable and starts empty");
    EXPECT_FALSE(opened->latest_flight("checkout")->snapshot);
    ASSERT_TRUE(opened->record_flight(snapshot("checkout", 2, "inc-1")));
    EXPECT_TRUE(append_and_wait(opened, 2));
    EXPECT_EQ(opened->latest_flight("checkout")->snapshot, snapshot("checkout", 2, "inc-1"));
    EXPECT_EQ(read_all(**opened.journal).size(), 2u);
}

TEST(FlightRecorder, damaged_anywhere_neither_lies_nor_stops_the_journal) {
    const TempDir temp;
    auto opened = open_journal(temp.state());
    for (int number = 1; number <= 12; ++number) {
        ASSERT_TRUE(opened->record_flight(snapshot(number % 2 == 0 ? "checkout" : "search", number)));
    }
    opened.close();
    const std::string good = read_bytes(temp.file("flight.db"));
    std::mt19937 random(3);
    for (int round = 0; round < 300; ++round) {
        const std::string dir = (temp.root() / "bad").string();
        copy_state(temp.state(), dir);
        std::filesystem::remove(dir + "/flight.db-wal");
        std::string bad = good;
        for (int flips = 0; flips < 3; ++flips) {
            auto& byte = bad[random() % bad.size()];
            byte = static_cast<char>(byte ^ (1 << random() % 8));
        }
        write_bytes(dir + "/flight.db", bad);
        const FaultyDisk no_real_syncs(dir);
        auto again = open_journal(dir);
        ASSERT_TRUE(again.journal) << again.journal.error().message;
        auto found = again->latest_flight("checkout");
        ASSERT_TRUE(found) << found.error().message;
        if (found->snapshot) {
            const auto number = static_cast<int>(found->snapshot->at.time_since_epoch() / 1s);
            EXPECT_EQ(found->snapshot->bytes, snapshot("checkout", number).bytes);
        }
        ASSERT_TRUE(again->record_flight(snapshot("checkout", 99, "inc-1")));
        ASSERT_TRUE(append_and_wait(again, 1)) << again.told->failures()[0];
    }
}

}  // namespace
}  // namespace revertd::journal
