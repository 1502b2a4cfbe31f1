// SPDX-License-Identifier: Apache-2.0
// The journal: every decision, intent, outcome and verification, durable before what follows from it happens.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/result.h"
#include "daemon/journal/chain.h"
#include "daemon/journal/entry.h"
#include "daemon/journal/flight_recorder.h"
#include "daemon/journal/limits.h"

namespace revertd::journal {

/// Everything up to `seq` is on disk and witnessed.
struct Commit {
    std::uint64_t seq = 0;
    Duration took{};  // of the commit itself, its syncs included; not the time spent in the queue
};

struct Options {
    std::string dir;               // made with mode 0700 if missing; must be ours alone
    const Clock* clock = nullptr;  // also read on the journal's thread

    /// Both are called on the journal's thread, in order, perhaps before `open` has returned; they hand over to the
    /// loop.
    std::function<void(const Commit&)> durable;
    /// Nothing may act any more, until the next start. At most twice: when the disk is full, outcomes are still taken
    /// (`append` works, from the reserve); after any other error `append` refuses.
    std::function<void(const std::string& reason)> failed;

    std::uint64_t reserve_bytes = kReserveBytes;
};

class Journal {
  public:
    /// Verifies every record against the chain and the head before anything is written. Errors: Conflict, another
    /// daemon holds the directory (exit 75); Corrupt, a person must read what it says and accept it (exit 78);
    /// NotAllowed, Io, Limit.
    static Result<std::unique_ptr<Journal>> open(Options options);

    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;
    /// Writes what is queued, with its callbacks, and gives the directory free.
    ~Journal();

    /// Queues the entries as the next records, numbered in order, and answers the number of the last one. All of them
    /// become durable together, with whatever else waits: one sync. Refuses after a failure (Unavailable) and beyond
    /// the limits (Limit).
    ///
    /// `doomed`: records that lose their bodies in the same transaction, as one of the entries says.
    Result<std::uint64_t> append(std::vector<Entry> entries, Doomed doomed = {});

    /// Nothing that is appended becomes durable any more.
    [[nodiscard]] bool has_failed() const;

    /// Queues a configuration's whole text, durable not later than any record appended afterwards. Answers its SHA-256.
    Result<std::string> pin_config(std::string text);

    /// Queues a snapshot. One that an incident cites is durable before any record appended afterwards; the others are
    /// for a restart, and written a second's worth at once when nobody waits; if a disk hangs for long, the oldest of
    /// these are dropped.
    /// Answers the hash to cite it by.
    Result<Hash> record_flight(Snapshot snapshot);

    /// The same of one that nobody cites: its hash is made when it is written.
    Result<void> keep_flight(Snapshot snapshot);

    /// Durable records from `from` on, in order, from the calling thread. Corrupt if one does not continue the chain.
    Result<void> for_each(std::uint64_t from, const std::function<Result<void>(const Entry&)>& visit) const;
    Result<std::string> config_text(const std::string& hash) const;
    Result<Recovered> latest_flight(const std::string& service) const;
    Result<Snapshot> find_flight(const Hash& hash) const;

    /// The last durable record; its `seq` is what the runner's receipts are compared with.
    [[nodiscard]] Tail tail() const;
    /// Names this journal for good, e.g. in idempotency keys: 32 hex digits.
    [[nodiscard]] const std::string& instance() const;
    /// What was repaired at open and is worth a line in the log.
    [[nodiscard]] const std::vector<std::string>& notes() const;

  private:
    struct Impl;
    explicit Journal(std::unique_ptr<Impl> impl);

    std::unique_ptr<Impl> impl_;
};

}  // namespace revertd::journal
