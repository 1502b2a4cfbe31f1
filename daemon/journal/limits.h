// SPDX-License-Identifier: Apache-2.0
// What the journal and the flight recorder will hold, and why it stops there.
#pragma once
#include <cstddef>
#include <cstdint>

namespace revertd::journal {

/// A record is a decision with its numbers, never a dump: SQLite's own limit (1 GB) would stall the loop for seconds.
inline constexpr std::size_t kMaxBodyBytes = 1 << 20;

/// What may wait for a disk that hangs. Beyond it the journal gives up, as it does on an error: nothing acts meanwhile
/// anyway.
inline constexpr std::size_t kMaxQueuedBytes = 64 << 20;

/// Kept allocated, given back to the file system when it is full: room for the outcomes of what is already running.
inline constexpr std::uint64_t kReserveBytes = 16 << 20;

/// Write-ahead log frames (of 4 KiB) after which they are moved into the database, when nothing waits to be written.
inline constexpr int kCheckpointFrames = 1000;

/// One snapshot of the windows of one service.
inline constexpr std::size_t kMaxSnapshotBytes = 16 << 20;

/// Snapshots kept for a restart; more than one, because the newest may turn out to be unreadable.
inline constexpr int kSnapshotsPerService = 4;

/// Snapshots kept because an incident cites them, over all services; the oldest goes first.
inline constexpr int kPinnedSnapshots = 256;

}  // namespace revertd::journal
