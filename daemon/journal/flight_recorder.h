// SPDX-License-Identifier: Apache-2.0
// Snapshots of the windows that the Judge looked at: what a restart loads, and what a decision cites by its hash.
//
// In a database of its own, because it is written more often than the journal and may be lost without harm: what is
// missing after a restart is blind (S38). An unreadable database is set aside and begun anew; an unreadable snapshot is
// passed over.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "daemon/journal/chain.h"
#include "daemon/journal/database.h"
#include "daemon/journal/state_dir.h"

namespace revertd::journal {

struct Snapshot {
    std::string service;
    Time at{};
    std::string incident;  // not empty: a decision cites it, it is kept longer
    std::string bytes;     // the Judge's own encoding

    bool operator==(const Snapshot&) const = default;
};

/// Covers service, time and bytes, not the incident: naming one does not change what was seen. What a decision cites
/// has a SHA-256, as evidence; the others, which nobody cites and only damage is looked for in, 16 digits of a checksum
/// that costs a tenth.
[[nodiscard]] Hash snapshot_hash(const Snapshot& snapshot);

struct Recovered {
    std::optional<Snapshot> snapshot;
    std::vector<std::string> ignored;  // newer ones that could not be believed, and why
};

class FlightRecorder {
  public:
    static constexpr const char* kName = "flight.db";

    /// Makes the file if needed. `set_aside()` tells whether an unreadable one was replaced.
    static Result<FlightRecorder> open(const StateDir& dir);

    /// One transaction, durable on return; older snapshots beyond the limits go in the same one. Io, Limit.
    Result<void> write(const std::vector<Snapshot>& snapshots);

    /// Frames that wait to be moved into the database, and moving them.
    [[nodiscard]] int log_frames() const { return database_.log_frames(); }

    Result<void> tidy_up();

    Result<void> empty_log() { return database_.empty_log(); }

    [[nodiscard]] bool set_aside() const { return set_aside_; }

    /// The newest snapshot of a service whose hash is right. For any thread; the directory need not be locked.
    static Result<Recovered> latest(const StateDir& dir, std::string_view service);
    /// The snapshot that a decision cites; NotFound, Corrupt.
    static Result<Snapshot> find(const StateDir& dir, const Hash& hash);

  private:
    FlightRecorder(const StateDir& dir, Database database) : dir_(&dir), database_(std::move(database)) {}

    static Result<Database> open_database(const StateDir& dir);
    static Result<void> move_away(const StateDir& dir);
    Result<void> write_all(const std::vector<Snapshot>& snapshots);

    const StateDir* dir_;
    Database database_;
    bool set_aside_ = false;
};

}  // namespace revertd::journal
