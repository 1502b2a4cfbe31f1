// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/store.h"

#include <unistd.h>

#include <limits>

#include "core/sha256.h"

namespace revertd::journal {

namespace {

constexpr std::int64_t kSchemaVersion = 1;

constexpr const char* kSchema = R"(
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY, at_ns INTEGER NOT NULL, wall_ns INTEGER NOT NULL, kind TEXT NOT NULL, service TEXT NOT NULL,
    incident TEXT NOT NULL, body TEXT NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
CREATE TABLE configs (hash TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
)";

constexpr const char* kSelect =
    "SELECT seq, at_ns, wall_ns, kind, service, incident, body, prev, hash FROM entries WHERE seq > ?1 AND seq <= ?2 "
    "ORDER BY seq";

void read_row(const Statement& row, Entry& entry, Link& link) {
    entry.seq = static_cast<std::uint64_t>(row.integer(0));
    entry.at = Time(Duration(row.integer(1)));
    entry.wall = WallTime(Duration(row.integer(2)));
    entry.kind = row.text(3);
    entry.service = row.text(4);
    entry.incident = row.text(5);
    entry.body = row.text(6);
    link.previous = row.text(7);
    link.own = row.text(8);
}

// Negative numbers cannot be asked for: SQLite's are signed, a chain never gets that far.
std::int64_t signed_seq(std::uint64_t seq) {
    constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
    return seq > static_cast<std::uint64_t>(kMax) ? kMax : static_cast<std::int64_t>(seq);
}

Result<void> plain_files(const StateDir& dir) {
    for (const char* suffix : {"", "-wal", "-shm"}) {
        auto plain = dir.has(std::string(Store::kName) + suffix);
        if (!plain) return plain.error();
        if (!*plain && *suffix == '\0') return Error(ErrorCode::NotFound, "there is no " + dir.file(Store::kName));
    }
    return {};
}

Result<void> remove_files(const StateDir& dir, std::initializer_list<const char*> suffixes) {
    for (const char* suffix : suffixes) {
        auto removed = dir.remove_file(std::string(Store::kName) + suffix);
        if (!removed) return removed;
    }
    return {};
}

}  // namespace

Result<void> Store::replace(const StateDir& dir, const Genesis& genesis,
                            const std::function<Result<void>(Store&)>& fill) {
    auto scratch = StateDir::open(dir.file("new"), StateDir::Missing::Create);
    if (!scratch) return scratch.error();
    auto done = remove_files(*scratch, {"", "-wal", "-shm", "-journal"});
    if (!done) return done;
    {
        auto store = create(*scratch, genesis);
        if (!store) return store.error();
        done = fill(*store);
        if (done) done = store->empty_log();
        if (!done) return done;
    }
    done = remove_files(dir, {"-wal", "-shm"});
    if (done) done = dir.take_file(*scratch, kName);
    if (done) done = remove_files(*scratch, {"-wal", "-shm"});
    if (done) ::rmdir(scratch->path().c_str());
    return done;
}

Result<Store> Store::create(const StateDir& dir, const Genesis& genesis) {
    auto made = dir.make_empty_file(kName);
    if (!made) return made.error();
    auto database = Database::open(dir.file(kName), Database::Mode::ReadWrite);
    if (!database) return database.error();
    made = database->transaction([&]() -> Result<void> {
        auto tables = database->run(kSchema);
        if (!tables) return tables;
        auto meta = database->prepare("INSERT INTO meta VALUES ('instance', ?1), ('created_ns', ?2), ('starts', '0')");
        if (!meta) return meta.error();
        const std::string created = std::to_string(genesis.created.time_since_epoch().count());
        auto written = meta->bind_text(1, genesis.instance).bind_text(2, created).run();
        if (!written) return written;
        return database->run("PRAGMA user_version = " + std::to_string(kSchemaVersion));
    });
    if (!made) return made.wrap("create " + dir.file(kName));
    return prepare(std::move(*database));
}

Result<Store> Store::open(const StateDir& dir, Database::Mode mode) {
    auto plain = plain_files(dir);
    if (!plain) return plain.error();
    auto database = Database::open(dir.file(kName), mode);
    if (!database) return database.error();
    auto version = database->number("PRAGMA user_version");
    if (!version) return version.wrap("read " + dir.file(kName));
    if (*version == 0) return Error(ErrorCode::NotFound, dir.file(kName) + " holds no journal");
    if (*version != kSchemaVersion) {
        return Error(ErrorCode::Corrupt, dir.file(kName) + " is of version " + std::to_string(*version) +
                                             ", this program knows " + std::to_string(kSchemaVersion));
    }
    return prepare(std::move(*database));
}

Result<Store> Store::prepare(Database database) {
    auto insert = database.prepare("INSERT INTO entries VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
    if (!insert) return insert.error();
    auto pin = database.prepare("INSERT INTO configs VALUES (?1, ?2) ON CONFLICT (hash) DO NOTHING");
    if (!pin) return pin.error();
    Store store(std::move(database), std::move(*insert), std::move(*pin));
    auto read = store.read_genesis();
    if (!read) return read.error();
    return store;
}

Result<void> Store::read_genesis() {
    auto instance = database_.word("SELECT value FROM meta WHERE name = 'instance'");
    if (!instance) return instance.error();
    auto created = database_.number("SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'created_ns'");
    if (!created) return created.error();
    genesis_ = {std::move(*instance), WallTime(Duration(*created))};
    return {};
}

Result<Walk> Store::walk(const Tail& after, std::uint64_t last, const Visitor& visit) {
    auto rows = database_.prepare(kSelect);
    if (!rows) return rows.error();
    rows->bind(1, signed_seq(after.seq)).bind(2, signed_seq(last));
    Walk walk{.records = 0, .tail = after, .fault = {}};
    Entry entry;
    Link link;
    for (;;) {
        auto row = rows->step();
        if (!row && row.error().code != ErrorCode::Corrupt) return row.error();
        if (!row) {
            walk.fault = Fault{walk.tail.seq + 1, row.error().message};
            return walk;
        }
        if (!*row) return walk;
        read_row(*rows, entry, link);
        if (auto why = break_in_chain(walk.tail, entry, link)) {
            walk.fault = Fault{walk.tail.seq + 1, std::move(*why)};
            return walk;
        }
        walk.tail = {entry.seq, link.own, entry.at, entry.wall};
        ++walk.records;
        auto visited = visit(entry, link);
        if (!visited) return visited.error();
    }
}

Result<Tail> Store::before(std::uint64_t seq) {
    if (seq <= 1) return Tail{.seq = 0, .hash = genesis_.hash()};
    auto row =
        database_.prepare("SELECT seq, hash, at_ns, wall_ns FROM entries WHERE seq < ?1 ORDER BY seq DESC LIMIT 1");
    if (!row) return row.error();
    auto there = row->bind(1, signed_seq(seq)).step();
    if (!there) return there.error();
    if (!*there) return Tail{.seq = 0, .hash = genesis_.hash()};
    return Tail{static_cast<std::uint64_t>(row->integer(0)), Hash(row->text(1)), Time(Duration(row->integer(2))),
                WallTime(Duration(row->integer(3)))};
}

Result<Tail> Store::append(const Tail& after, const std::vector<Entry>& entries,
                           const std::vector<std::string>& configs, const Doomed& doomed) {
    Tail tail = after;
    auto done = database_.transaction([&]() -> Result<void> {
        for (const std::string& text : configs) {
            const std::string hash = sha256_hex(text);
            auto pinned = pin_.bind_text(1, hash).bind_text(2, text).run();
            if (!pinned) return pinned;
        }
        if (auto blanked = blank(doomed); !blanked) return blanked;
        return insert(tail, entries);
    });
    if (!done) return done.wrap("write the journal");
    return tail;
}

Result<void> Store::blank(const Doomed& records) {
    if (records.empty()) return {};
    auto update = database_.prepare("UPDATE entries SET body = '' WHERE seq = ?1 AND hash = ?2");
    if (!update) return update.error();
    for (const auto& [seq, hash] : records) {
        auto blanked = update->bind(1, signed_seq(seq)).bind_text(2, hash).run();
        if (!blanked) return blanked;
    }
    return {};
}

Result<void> Store::insert(Tail& tail, const std::vector<Entry>& entries) {
    for (const Entry& entry : entries) {
        auto inserted = insert_linked(tail, entry, {tail.hash, chain_hash(tail.hash, entry)});
        if (!inserted) return inserted;
    }
    return {};
}

Result<void> Store::insert_linked(Tail& tail, const Entry& entry, const Link& link) {
    if (auto why = break_in_chain(tail, entry, link)) return Error(ErrorCode::Internal, *why);
    insert_.bind(1, signed_seq(entry.seq)).bind(2, entry.at.time_since_epoch().count());
    insert_.bind(3, entry.wall.time_since_epoch().count()).bind_text(4, entry.kind).bind_text(5, entry.service);
    insert_.bind_text(6, entry.incident).bind_text(7, entry.body).bind_text(8, link.previous).bind_text(9, link.own);
    auto inserted = insert_.run();
    if (inserted) tail = {entry.seq, link.own, entry.at, entry.wall};
    return inserted;
}

Result<Tail> Store::end() {
    return before(static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
}

Result<Tail> Store::blank(const Tail& after, const Doomed& records, const Entry& entry) {
    auto tail = append(after, {entry}, {}, records);
    if (!tail) return tail;
    if (auto done = database_.run("VACUUM"); !done) return done.wrap("prune the journal");
    return tail;
}

Result<Tail> Store::copy(const Tail& after, const std::vector<std::pair<Entry, Link>>& records) {
    Tail tail = after;
    auto done = database_.transaction([&]() -> Result<void> {
        for (const auto& [entry, link] : records)
            if (auto inserted = insert_linked(tail, entry, link); !inserted) return inserted;
        return {};
    });
    if (!done) return done.wrap("write the journal");
    return tail;
}

Result<void> Store::count_start() {
    return database_.run("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE name = 'starts'");
}

Result<std::string> Store::config(const std::string& hash) {
    auto row = database_.prepare("SELECT text FROM configs WHERE hash = ?1");
    if (!row) return row.error();
    auto there = row->bind_text(1, hash).step();
    if (!there) return there.error();
    if (!*there) return Error(ErrorCode::NotFound, "the journal holds no configuration " + hash);
    std::string text(row->text(0));
    if (sha256_hex(text) != hash) return Error(ErrorCode::Corrupt, "configuration " + hash + " was changed");
    return text;
}

Result<std::vector<std::string>> Store::config_hashes() {
    auto row = database_.prepare("SELECT hash FROM configs ORDER BY hash");
    if (!row) return row.error();
    std::vector<std::string> hashes;
    for (;;) {
        auto there = row->step();
        if (!there) return there.error();
        if (!*there) return hashes;
        hashes.emplace_back(row->text(0));
    }
}

}  // namespace revertd::journal
