// SPDX-License-Identifier: Apache-2.0
#include "daemon/notify/outbox.h"

#include <sqlite3.h>

#include <condition_variable>
#include <cstdio>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

namespace revertd {

namespace {

constexpr const char* kSchema =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
    "CREATE TABLE IF NOT EXISTS pending(seq INTEGER NOT NULL, channel TEXT NOT NULL, PRIMARY KEY(seq, channel)) STRICT;"
    "CREATE TABLE IF NOT EXISTS kept(channel TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY "
    "KEY(channel, key)) STRICT;"
    "DELETE FROM kept WHERE rowid <= (SELECT max(rowid) FROM kept) - 20000;"  // newer than the pages that still matter
    "CREATE TABLE IF NOT EXISTS last(id INTEGER PRIMARY KEY CHECK(id = 1), seq INTEGER NOT NULL) STRICT;";

struct Change {
    enum class Kind { Accept, Done, Keep } kind;
    std::uint64_t seq;
    std::vector<std::string> channels;
    std::string key = {}, value = {};
};

}  // namespace

struct Outbox::Impl {
    sqlite3* db = nullptr;
    std::uint64_t last = 0;
    std::vector<Pending> pending;
    std::map<std::pair<std::string, std::string>, std::string> kept;  // of the loop's thread
    std::mutex mutex;
    std::condition_variable wake;
    std::deque<Change> queue;
    bool stopping = false;
    std::thread thread;

    ~Impl() {
        {
            const std::lock_guard lock(mutex);
            stopping = true;
        }
        wake.notify_all();
        if (thread.joinable()) thread.join();
        sqlite3_close(db);
    }

    bool load() {
        if (sqlite3_exec(db, kSchema, nullptr, nullptr, nullptr) != SQLITE_OK) return false;
        return read("SELECT seq FROM last",
                    [&](sqlite3_stmt* row) { last = static_cast<std::uint64_t>(sqlite3_column_int64(row, 0)); }) &&
               read("SELECT channel, key, value FROM kept",
                    [&](sqlite3_stmt* row) {
                        kept[{column(row, 0), column(row, 1)}] = column(row, 2);
                    }) &&
               read("SELECT seq, channel FROM pending ORDER BY seq", [&](sqlite3_stmt* row) {
                   pending.push_back({static_cast<std::uint64_t>(sqlite3_column_int64(row, 0)), column(row, 1)});
               });
    }

    static std::string column(sqlite3_stmt* row, int index) {
        return reinterpret_cast<const char*>(sqlite3_column_text(row, index));
    }

    template <class F>
    bool read(const char* sql, F each) {
        sqlite3_stmt* statement = nullptr;
        if (sqlite3_prepare_v2(db, sql, -1, &statement, nullptr) != SQLITE_OK) return false;
        int code = SQLITE_ROW;
        while ((code = sqlite3_step(statement)) == SQLITE_ROW) each(statement);
        sqlite3_finalize(statement);
        return code == SQLITE_DONE;
    }

    void write(const char* sql, std::uint64_t seq, const std::string& channel) {
        sqlite3_stmt* statement = nullptr;
        if (sqlite3_prepare_v2(db, sql, -1, &statement, nullptr) != SQLITE_OK) return;
        sqlite3_bind_int64(statement, 1, static_cast<sqlite3_int64>(seq));
        if (!channel.empty()) sqlite3_bind_text(statement, 2, channel.c_str(), -1, SQLITE_TRANSIENT);
        sqlite3_step(statement);  // a mark that cannot be written costs a second delivery after a restart
        sqlite3_finalize(statement);
    }

    void write_kept(const Change& change) {
        const char* sql = change.value.empty()
                              ? "DELETE FROM kept WHERE channel = ?1 AND key = ?2"
                              : "INSERT INTO kept VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE SET value = excluded.value";
        sqlite3_stmt* statement = nullptr;
        if (sqlite3_prepare_v2(db, sql, -1, &statement, nullptr) != SQLITE_OK) return;
        int index = 0;
        for (const std::string* text : {&change.channels.front(), &change.key, &change.value})
            if (!text->empty()) sqlite3_bind_text(statement, ++index, text->c_str(), -1, SQLITE_TRANSIENT);
        sqlite3_step(statement);
        sqlite3_finalize(statement);
    }

    void apply(const Change& change) {
        if (change.kind == Change::Kind::Keep) return write_kept(change);
        if (change.kind == Change::Kind::Done) {
            write("DELETE FROM pending WHERE seq = ?1 AND channel = ?2", change.seq, change.channels.front());
            return;
        }
        for (const std::string& channel : change.channels)
            write("INSERT OR IGNORE INTO pending VALUES(?1, ?2)", change.seq, channel);
        write("INSERT INTO last VALUES(1, ?1) ON CONFLICT(id) DO UPDATE SET seq = max(seq, excluded.seq)", change.seq,
              {});
    }

    void run() {
        std::unique_lock lock(mutex);
        for (;;) {
            wake.wait(lock, [&] { return stopping || !queue.empty(); });
            if (queue.empty()) return;
            std::deque<Change> batch;
            batch.swap(queue);
            lock.unlock();
            sqlite3_exec(db, "BEGIN", nullptr, nullptr, nullptr);
            for (const Change& change : batch) apply(change);
            sqlite3_exec(db, "COMMIT", nullptr, nullptr, nullptr);
            lock.lock();
        }
    }

    void add(Change change) {
        {
            const std::lock_guard lock(mutex);
            queue.push_back(std::move(change));
        }
        wake.notify_one();
    }
};

Result<std::unique_ptr<Outbox>> Outbox::open(const std::string& dir) {
    const std::string path = dir + "/outbox.db";
    for (const bool again : {false, true}) {
        auto impl = std::make_unique<Impl>();
        const bool opened =
            sqlite3_open_v2(path.c_str(), &impl->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW,
                            nullptr) == SQLITE_OK;
        if (opened && impl->load()) {
            impl->thread = std::thread([raw = impl.get()] { raw->run(); });
            return std::unique_ptr<Outbox>(new Outbox(std::move(impl)));
        }
        if (again) return Error(ErrorCode::Io, path + ": " + sqlite3_errmsg(impl->db));
        impl.reset();
        std::rename(path.c_str(), (path + ".unreadable").c_str());
    }
    return Error(ErrorCode::Io, path + " cannot be opened");
}

Outbox::Outbox(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Outbox::~Outbox() = default;

std::uint64_t Outbox::last_seq() const {
    return impl_->last;
}

const std::vector<Outbox::Pending>& Outbox::pending() const {
    return impl_->pending;
}

void Outbox::accept(std::uint64_t seq, const std::vector<std::string>& channels) {
    impl_->add({Change::Kind::Accept, seq, channels});
}

void Outbox::keep(const std::string& channel, const std::string& key, const std::string& value) {
    if (value.empty())
        impl_->kept.erase({channel, key});
    else
        impl_->kept[{channel, key}] = value;
    impl_->add({Change::Kind::Keep, 0, {channel}, key, value});
}

std::string Outbox::kept(const std::string& channel, const std::string& key) const {
    const auto found = impl_->kept.find({channel, key});
    return found == impl_->kept.end() ? std::string{} : found->second;
}

void Outbox::done(std::uint64_t seq, const std::string& channel) {
    impl_->add({Change::Kind::Done, seq, {channel}});
}

}  // namespace revertd
