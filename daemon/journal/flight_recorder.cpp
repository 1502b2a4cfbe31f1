// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/flight_recorder.h"

#include <algorithm>
#include <cstring>

#include "core/sha256.h"
#include "daemon/journal/limits.h"

namespace revertd::journal {

namespace {

constexpr const char* kSchema = R"(
PRAGMA secure_delete = OFF;
CREATE TABLE IF NOT EXISTS snapshots (
    id INTEGER PRIMARY KEY, service TEXT NOT NULL, at_ns INTEGER NOT NULL, incident TEXT NOT NULL, hash TEXT NOT NULL,
    bytes BLOB NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS snapshots_by_service ON snapshots (service, incident = '', id);
CREATE INDEX IF NOT EXISTS snapshots_by_hash ON snapshots (hash);
CREATE INDEX IF NOT EXISTS snapshots_pinned ON snapshots (id) WHERE incident <> '';
)";

constexpr const char* kInsert =
    "INSERT INTO snapshots (service, at_ns, incident, hash, bytes) VALUES (?1, ?2, ?3, ?4, ?5)";

constexpr const char* kDropOld =
    "DELETE FROM snapshots WHERE service = ?1 AND (incident = '') = 1 AND id NOT IN (SELECT id FROM snapshots"
    " WHERE service = ?1 AND (incident = '') = 1 ORDER BY id DESC LIMIT ?2)";

constexpr const char* kDropPinned =
    "DELETE FROM snapshots WHERE incident <> '' AND id NOT IN (SELECT id FROM snapshots WHERE incident <> ''"
    " ORDER BY id DESC LIMIT ?1)";

constexpr const char* kColumns = "SELECT service, at_ns, incident, hash, bytes FROM snapshots ";

Hash evidence_of(const Snapshot& snapshot) {
    const std::string at = std::to_string(snapshot.at.time_since_epoch().count());
    return Sha256().field("revertd snapshot 1").field(snapshot.service).field(at).field(snapshot.bytes).finish_hex();
}

/// Eight bytes at once, each step reversible: whatever changes in eight bytes of it changes the sum.
std::uint64_t add_up(std::uint64_t sum, std::string_view bytes) {
    while (!bytes.empty()) {
        std::uint64_t eight = 0;
        const std::size_t size = std::min(bytes.size(), sizeof eight);
        std::memcpy(&eight, bytes.data(), size);
        bytes.remove_prefix(size);
        sum = (sum ^ eight) * 0x9e3779b97f4a7c15U;
        sum ^= sum >> 32U;
    }
    return sum;
}

Hash checksum_of(const Snapshot& snapshot) {
    const std::string name = snapshot.service + '/' + std::to_string(snapshot.at.time_since_epoch().count()) + '/' +
                             std::to_string(snapshot.bytes.size());
    std::uint64_t sum = add_up(add_up(1, name), snapshot.bytes);
    Hash out(16, '0');
    for (std::size_t i = out.size(); i-- > 0; sum >>= 4) out[i] = "0123456789abcdef"[sum & 15];
    return out;
}

// Nothing if the bytes are not those that were hashed. Databases of older versions have a SHA-256 of everything.
std::optional<Snapshot> read_row(const Statement& row) {
    Snapshot snapshot{std::string(row.text(0)), Time(Duration(row.integer(1))), std::string(row.text(2)),
                      std::string(row.blob(4))};
    const std::string_view written = row.text(3);
    const bool is_evidence = written.size() > 16;
    if ((is_evidence ? evidence_of(snapshot) : checksum_of(snapshot)) != written) return std::nullopt;
    return snapshot;
}

}  // namespace

Hash snapshot_hash(const Snapshot& snapshot) {
    return snapshot.incident.empty() ? checksum_of(snapshot) : evidence_of(snapshot);
}

Result<FlightRecorder> FlightRecorder::open(const StateDir& dir) {
    auto database = open_database(dir);
    const bool unreadable = !database && database.error().code == ErrorCode::Corrupt;
    if (unreadable) {
        auto moved = move_away(dir);
        if (!moved) return moved.error();
        database = open_database(dir);
    }
    if (!database) return database.wrap("flight recorder");
    FlightRecorder recorder(dir, std::move(*database));
    recorder.set_aside_ = unreadable;
    return recorder;
}

Result<Database> FlightRecorder::open_database(const StateDir& dir) {
    auto made = dir.make_empty_file(kName);
    if (!made) return made.error();
    auto database = Database::open(dir.file(kName), Database::Mode::ReadWrite);
    if (!database) return database.error();
    auto ready = database->run(kSchema);
    if (!ready) return ready.error();
    return database;
}

Result<void> FlightRecorder::move_away(const StateDir& dir) {
    for (const char* suffix : {"-wal", "-shm"}) {
        auto removed = dir.remove_file(std::string(kName) + suffix);
        if (!removed) return removed;
    }
    return dir.rename_file(kName, std::string(kName) + ".damaged");
}

Result<void> FlightRecorder::write(const std::vector<Snapshot>& snapshots) {
    auto written = write_all(snapshots);
    if (written || written.error().code != ErrorCode::Corrupt) return written;
    // A second connection to the old file must be gone before the file is.
    auto fresh = open(*dir_);
    if (fresh && !fresh->set_aside_) {
        auto moved = move_away(*dir_);
        if (!moved) return moved;
        fresh = open(*dir_);
    }
    if (!fresh) return fresh.error();
    *this = std::move(*fresh);
    set_aside_ = true;
    return write_all(snapshots);
}

// What is damaged is met again by the next write, which begins anew.
Result<void> FlightRecorder::tidy_up() {
    auto done = database_.checkpoint();
    if (!done && done.error().code == ErrorCode::Corrupt) return {};
    return done;
}

Result<void> FlightRecorder::write_all(const std::vector<Snapshot>& snapshots) {
    auto insert = database_.prepare(kInsert);
    if (!insert) return insert.error();
    auto drop_old = database_.prepare(kDropOld);
    if (!drop_old) return drop_old.error();
    auto drop_pinned = database_.prepare(kDropPinned);
    if (!drop_pinned) return drop_pinned.error();
    auto done = database_.transaction([&]() -> Result<void> {
        for (const Snapshot& snapshot : snapshots) {
            const Hash hash = snapshot_hash(snapshot);
            insert->bind_text(1, snapshot.service).bind(2, snapshot.at.time_since_epoch().count());
            insert->bind_text(3, snapshot.incident).bind_text(4, hash).bind_blob(5, snapshot.bytes);
            auto inserted = insert->run();
            if (inserted) inserted = drop_old->bind_text(1, snapshot.service).bind(2, kSnapshotsPerService).run();
            if (!inserted) return inserted;
        }
        return drop_pinned->bind(1, kPinnedSnapshots).run();
    });
    if (!done) return done.wrap("write the flight recorder");
    return {};
}

Result<Recovered> FlightRecorder::latest(const StateDir& dir, std::string_view service) {
    Recovered recovered;
    auto there = dir.has(kName);
    if (!there) return there.error();
    if (!*there) return recovered;
    auto database = Database::open(dir.file(kName), Database::Mode::ReadOnly);
    if (!database) return database.error();
    auto rows = database->prepare(std::string(kColumns) + "WHERE service = ?1 ORDER BY id DESC");
    if (!rows) return rows.error();
    rows->bind_text(1, service);
    for (;;) {
        auto row = rows->step();
        if (!row && row.error().code != ErrorCode::Corrupt) return row.error();
        if (!row) recovered.ignored.push_back(row.error().message);
        if (!row || !*row) return recovered;
        recovered.snapshot = read_row(*rows);
        if (recovered.snapshot) return recovered;
        recovered.ignored.push_back("snapshot " + std::string(rows->text(3)) + " was changed");
    }
}

Result<Snapshot> FlightRecorder::find(const StateDir& dir, const Hash& hash) {
    auto there = dir.has(kName);
    if (!there) return there.error();
    if (!*there) return Error(ErrorCode::NotFound, "there is no " + dir.file(kName));
    auto database = Database::open(dir.file(kName), Database::Mode::ReadOnly);
    if (!database) return database.error();
    auto rows = database->prepare(std::string(kColumns) + "WHERE hash = ?1 LIMIT 1");
    if (!rows) return rows.error();
    auto row = rows->bind_text(1, hash).step();
    if (!row) return row.error();
    if (!*row) return Error(ErrorCode::NotFound, "the flight recorder does not hold snapshot " + hash);
    auto snapshot = read_row(*rows);
    if (!snapshot) return Error(ErrorCode::Corrupt, "snapshot " + hash + " was changed");
    return std::move(*snapshot);
}

}  // namespace revertd::journal
