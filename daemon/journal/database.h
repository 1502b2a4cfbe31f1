// SPDX-License-Identifier: Apache-2.0
// The part of SQLite that the journal uses, with errors as values.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace revertd::journal {

/// A prepared statement. What is bound must live until the next `step()` that returns false or an error.
class Statement {
  public:
    Statement& bind(int index, std::int64_t value);
    Statement& bind_text(int index, std::string_view value);
    Statement& bind_blob(int index, std::string_view value);

    /// True: a row is there; its views last until the next step. False: done, ready to be bound again.
    Result<bool> step();
    /// For statements that answer with no row.
    Result<void> run();
    /// Drops the rows that are left.
    void reset();

    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] std::string_view text(int column) const;
    [[nodiscard]] std::string_view blob(int column) const;

  private:
    friend class Database;

    explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };

    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
    int bind_result_ = 0;
};

/// One connection, for one thread at a time. Codes of its errors: Limit (disk full), Corrupt (not what this program
/// wrote), Unavailable (locked), else Io.
class Database {
  public:
    /// SQLite cuts a log that is longer when it begins it anew.
    static constexpr std::int64_t kLogSizeLimit = 16 * 1024 * 1024;

    enum class Mode { ReadOnly, ReadWrite };

    /// The file must exist and no part of the path may be a symbolic link. `ReadWrite` means a write-ahead log, synced
    /// at each commit, which is moved into the database only by `checkpoint()`.
    static Result<Database> open(const std::string& path, Mode mode);

    Result<void> run(const std::string& sql);
    Result<Statement> prepare(std::string_view sql);
    /// The first column of the first row of a question that always has one, such as a pragma.
    Result<std::int64_t> number(const std::string& sql);
    Result<std::string> word(const std::string& sql);

    /// All of `work` or nothing of it; durable on return in `ReadWrite`.
    Result<void> transaction(const std::function<Result<void>()>& work);

    /// Moves the log into the database as far as readers let it.
    Result<void> checkpoint();
    /// The same, waiting a little for readers, and leaves the log empty: then the database is one file.
    Result<void> empty_log();

    /// Frames in the write-ahead log after the last commit.
    [[nodiscard]] int log_frames() const { return *log_frames_; }

  private:
    struct Close {
        void operator()(sqlite3* connection) const;
    };

    explicit Database(sqlite3* connection);
    Result<void> move_log(int how);

    std::unique_ptr<int> log_frames_;
    std::unique_ptr<sqlite3, Close> connection_;
};

}  // namespace revertd::journal
