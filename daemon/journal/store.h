// SPDX-License-Identifier: Apache-2.0
// journal.db: the records with their hashes, the configurations that guards pinned, and who this journal is.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "daemon/journal/chain.h"
#include "daemon/journal/database.h"
#include "daemon/journal/state_dir.h"

namespace revertd::journal {

/// An error of the visitor ends the walk and becomes its result.
using Visitor = std::function<Result<void>(const Entry&, const Link&)>;

struct Fault {
    std::uint64_t seq = 0;  // the first record concerned; 0: not one in particular
    std::string why;
};

/// What was found while reading the records in order, each checked against the one before it.
struct Walk {
    std::uint64_t records = 0;   // that continue the chain
    Tail tail;                   // the last of them
    std::optional<Fault> fault;  // why it ends there, if not because there are no more
};

class Store {
  public:
    static constexpr const char* kName = "journal.db";

    /// Makes a whole new database, filled by `fill`, in a directory beside the old one, which it then replaces in one
    /// rename: a crash leaves the one or the other. A log of the old one is removed first, so keep a copy if it may be
    /// needed.
    static Result<void> replace(const StateDir& dir, const Genesis& genesis,
                                const std::function<Result<void>(Store&)>& fill);

    /// NotFound if there is no file, or one without tables; Corrupt if it is no journal, or one of another version.
    static Result<Store> open(const StateDir& dir, Database::Mode mode);

    [[nodiscard]] const Genesis& genesis() const { return genesis_; }

    /// Reads the records after `after` up to and including `last`.
    Result<Walk> walk(const Tail& after, std::uint64_t last, const Visitor& visit);
    /// The end of the chain before record `seq`, as the link stored in it says; unproven until walked from the start.
    Result<Tail> before(std::uint64_t seq);

    /// One transaction, durable on return: the texts first, then the entries, whose `seq` must continue `after`.
    /// The bodies of the doomed are taken out; the space is used again, not given back.
    Result<Tail> append(const Tail& after, const std::vector<Entry>& entries, const std::vector<std::string>& configs,
                        const Doomed& doomed = {});

    /// Where the chain ends, as stored; unproven until walked.
    Result<Tail> end();

    /// Takes the bodies of these records out and appends the entry that says so: one transaction, durable on return.
    Result<Tail> blank(const Tail& after, const Doomed& records, const Entry& entry);

    /// Copies records as they are, with their links: those of blank ones cannot be computed again.
    Result<Tail> copy(const Tail& after, const std::vector<std::pair<Entry, Link>>& records);

    /// Counts this start. Its commit syncs the log, and with it whatever a killed process had written but not synced.
    Result<void> count_start();

    /// The configuration with this SHA-256. NotFound, or Corrupt if the text is not what it was.
    Result<std::string> config(const std::string& hash);
    Result<std::vector<std::string>> config_hashes();

    Result<void> checkpoint() { return database_.checkpoint(); }

    Result<void> empty_log() { return database_.empty_log(); }

    [[nodiscard]] int log_frames() const { return database_.log_frames(); }

  private:
    Store(Database database, Statement insert, Statement pin)
        : database_(std::move(database)), insert_(std::move(insert)), pin_(std::move(pin)) {}

    static Result<Store> create(const StateDir& dir, const Genesis& genesis);
    static Result<Store> prepare(Database database);
    Result<void> read_genesis();
    Result<void> blank(const Doomed& records);
    Result<void> insert(Tail& tail, const std::vector<Entry>& entries);
    Result<void> insert_linked(Tail& tail, const Entry& entry, const Link& link);

    Database database_;
    Statement insert_;
    Statement pin_;
    Genesis genesis_;
};

}  // namespace revertd::journal
