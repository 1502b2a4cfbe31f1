// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/database.h"

#include <sqlite3.h>

namespace revertd::journal {

namespace {

ErrorCode code_of(int result) {
    switch (result & 0xff) {
        case SQLITE_FULL:
            return ErrorCode::Limit;
        // The statements are fixed: when one does not fit the file, the file is not what this program wrote.
        case SQLITE_ERROR:
        case SQLITE_CONSTRAINT:
        case SQLITE_MISMATCH:
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return ErrorCode::Corrupt;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return ErrorCode::Unavailable;
        default:
            return ErrorCode::Io;
    }
}

Error error_of(sqlite3* connection, int result) {
    std::string words = sqlite3_errstr(result);
    if (connection != nullptr && sqlite3_extended_errcode(connection) != SQLITE_OK) words = sqlite3_errmsg(connection);
    return {code_of(result), "SQLite error " + std::to_string(result) + ": " + words};
}

int remember_frames(void* frames, sqlite3*, const char*, int count) {
    *static_cast<int*>(frames) = count;
    return SQLITE_OK;
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
    sqlite3_finalize(statement);
}

Statement& Statement::bind(int index, std::int64_t value) {
    bind_result_ |= sqlite3_bind_int64(statement_.get(), index, value);
    return *this;
}

// A view without data would be bound as NULL.
Statement& Statement::bind_text(int index, std::string_view value) {
    const char* data = value.data() != nullptr ? value.data() : "";
    bind_result_ |= sqlite3_bind_text64(statement_.get(), index, data, value.size(), SQLITE_STATIC, SQLITE_UTF8);
    return *this;
}

Statement& Statement::bind_blob(int index, std::string_view value) {
    const char* data = value.data() != nullptr ? value.data() : "";
    bind_result_ |= sqlite3_bind_blob64(statement_.get(), index, data, value.size(), SQLITE_STATIC);
    return *this;
}

Result<bool> Statement::step() {
    if (bind_result_ != SQLITE_OK) return Error(ErrorCode::Internal, "a value could not be bound");
    const int result = sqlite3_step(statement_.get());
    if (result == SQLITE_ROW) return true;
    if (result == SQLITE_DONE) {
        reset();
        return false;
    }
    const Error error = error_of(sqlite3_db_handle(statement_.get()), result);
    reset();
    return error;
}

Result<void> Statement::run() {
    auto stepped = step();
    if (!stepped) return stepped.error();
    reset();
    return {};
}

void Statement::reset() {
    sqlite3_reset(statement_.get());
    bind_result_ = SQLITE_OK;
}

std::int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
}

std::string_view Statement::text(int column) const {
    const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
    if (data == nullptr) return {};
    return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::string_view Statement::blob(int column) const {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
    if (data == nullptr) return {};
    return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

void Database::Close::operator()(sqlite3* connection) const {
    sqlite3_close_v2(connection);
}

Database::Database(sqlite3* connection) : log_frames_(std::make_unique<int>(0)), connection_(connection) {}

Result<Database> Database::open(const std::string& path, Mode mode) {
    const int access = mode == Mode::ReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    sqlite3* connection = nullptr;
    const int result =
        sqlite3_open_v2(path.c_str(), &connection,
                        access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE, nullptr);
    Database database(connection);
    if (result != SQLITE_OK) return Result<void>(error_of(connection, result)).wrap("cannot open " + path);
    sqlite3_busy_timeout(connection, 2000);
    sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    // Leaving changes nothing: a reader must not, and a writer whose sync failed must not sync again.
    sqlite3_db_config(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    if (mode == Mode::ReadOnly) return database;
    auto log = database.word("PRAGMA journal_mode = WAL");
    if (!log) return log.wrap("cannot open " + path);
    if (*log != "wal") return Error(ErrorCode::Io, path + ": no write-ahead log on this file system (" + *log + ")");
    auto prepared = database.run(
        "PRAGMA cache_size = -256; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA "
        "journal_size_limit = " +
        std::to_string(kLogSizeLimit));
    if (!prepared) return prepared.wrap("cannot open " + path);
    sqlite3_wal_hook(connection, remember_frames, database.log_frames_.get());
    return database;
}

Result<void> Database::run(const std::string& sql) {
    const int result = sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr);
    if (result != SQLITE_OK) return error_of(connection_.get(), result);
    return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    const int result = sqlite3_prepare_v3(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                                          SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (result != SQLITE_OK) return error_of(connection_.get(), result);
    return Statement(statement);
}

Result<std::int64_t> Database::number(const std::string& sql) {
    auto statement = prepare(sql);
    if (!statement) return statement.error();
    auto row = statement->step();
    if (!row) return row.error();
    if (!*row) return Error(ErrorCode::Corrupt, "no answer to: " + sql);
    return statement->integer(0);
}

Result<std::string> Database::word(const std::string& sql) {
    auto statement = prepare(sql);
    if (!statement) return statement.error();
    auto row = statement->step();
    if (!row) return row.error();
    if (!*row) return Error(ErrorCode::Corrupt, "no answer to: " + sql);
    return std::string(statement->text(0));
}

// SQLite rolls back by itself after most errors; after the others it is told to.
Result<void> Database::transaction(const std::function<Result<void>()>& work) {
    auto done = run("BEGIN IMMEDIATE");
    if (done) done = work();
    if (done) done = run("COMMIT");
    if (!done && sqlite3_get_autocommit(connection_.get()) == 0) {
        sqlite3_exec(connection_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
    }
    return done;
}

Result<void> Database::checkpoint() {
    return move_log(SQLITE_CHECKPOINT_PASSIVE);
}

Result<void> Database::empty_log() {
    return move_log(SQLITE_CHECKPOINT_TRUNCATE);
}

// A reader may keep part of the log in use: then less of it is moved, which is no error.
Result<void> Database::move_log(int how) {
    const int result = sqlite3_wal_checkpoint_v2(connection_.get(), nullptr, how, nullptr, nullptr);
    if (result != SQLITE_OK && code_of(result) != ErrorCode::Unavailable) return error_of(connection_.get(), result);
    *log_frames_ = 0;
    return {};
}

}  // namespace revertd::journal
