// SPDX-License-Identifier: Apache-2.0
// What one batch does to the disk, in the order that makes it safe. No thread, no queue: the journal has those.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"
#include "daemon/journal/flight_recorder.h"
#include "daemon/journal/head.h"
#include "daemon/journal/store.h"

namespace revertd::journal {

/// What gathered while the last batch was written.
struct Batch {
    std::vector<Snapshot> snapshots;
    std::vector<std::string> configs;
    std::vector<Entry> entries;
    Doomed doomed;  ///< one of the entries says so

    [[nodiscard]] bool empty() const { return snapshots.empty() && configs.empty() && entries.empty(); }
};

class Writer {
  public:
    /// Takes an inspected directory, locked by the caller, and makes everything that was read from it durable.
    static Result<Writer> open(const StateDir& dir, Store store, const Tail& tail);

    /// Corrupt if a file is not the one that was opened, or is shorter than it was: what is written to it nobody will
    /// find again (S43).
    [[nodiscard]] Result<void> check_files(const StateDir& dir);

    /// Snapshots, then one transaction, then the head, in that order: durable when it returns, but for the head, which
    /// `tidy_up` syncs. After an error other than Limit what the disk holds is unknown, and the writer must not be used
    /// again.
    Result<void> write(const Batch& batch);

    enum class Tidying { Nothing, WhenQuiet, AtOnce };

    [[nodiscard]] Tidying tidying() const;

    /// Syncs the head and moves the logs that have grown into their databases; to be called when nobody waits. Limit:
    /// nothing is lost, the log grows.
    Result<void> tidy_up();

    /// The last thing before an orderly end. What cannot be moved now stays in the logs, which the next start reads as
    /// well.
    void empty_logs();

    [[nodiscard]] const Tail& tail() const { return tail_; }

    [[nodiscard]] bool flight_recorder_set_aside() const { return flight_.set_aside(); }

  private:
    Writer(Store store, HeadFile head, FlightRecorder flight, Tail tail)
        : store_(std::move(store)), head_(std::move(head)), flight_(std::move(flight)), tail_(std::move(tail)) {}

    Store store_;
    HeadFile head_;
    FlightRecorder flight_;
    Tail tail_;
    std::vector<std::pair<std::string, FileId>> files_;
};

}  // namespace revertd::journal
