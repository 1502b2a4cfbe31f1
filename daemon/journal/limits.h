// SPDX-License-Identifier: Apache-2.0
// What the journal and the flight recorder will hold, and why it stops there.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/clock.h"

namespace revertd::journal {

/// A record is a decision with its numbers, never a dump: SQLite's own limit (1 GB) would stall the loop for seconds.
inline constexpr std::size_t kMaxBodyBytes = 1 << 20;

/// What may wait for a disk that hangs. Beyond it the journal gives up, as it does on an error: nothing acts meanwhile
/// anyway.
inline constexpr std::size_t kMaxQueuedBytes = 64 << 20;

/// Kept allocated, given back to the file system when it is full: room for the outcomes of what is already running.
inline constexpr std::uint64_t kReserveBytes = 16 << 20;

/// Write-ahead log frames (of 4 KiB) after which they are moved into the database, once nothing has been queued for
/// kQuiet: a decision is followed by its intent within that time, and neither is to wait for it. Few, so that what
/// comes nevertheless waits for milliseconds. Beyond the second limit it is done at once.
inline constexpr int kCheckpointFrames = 128;
inline constexpr int kCheckpointAtOnce = 2000;
inline constexpr Duration kQuiet = 20ms;

/// Heads written but not synced yet; they are synced when nothing has been queued for kQuiet, and at once beyond this.
inline constexpr int kHeadsAtOnce = 64;

/// Snapshots that no decision cites, written at once: a decision that comes meanwhile waits so long.
inline constexpr std::size_t kRoutineSnapshots = 16;

/// They wait so long for others: a sync costs more than what it makes durable, and a crash loses that much of windows
/// which are older anyway.
inline constexpr Duration kRoutineWait = 1s;

/// Of those that may wait for a disk that hangs: enough for the windows of a thousand services.
inline constexpr std::size_t kMaxRoutineBytes = 16 << 20;

/// One snapshot of the windows of one service.
inline constexpr std::size_t kMaxSnapshotBytes = 16 << 20;

/// Snapshots kept for a restart; more than one, because the newest may turn out to be unreadable.
inline constexpr int kSnapshotsPerService = 4;

/// Snapshots kept because an incident cites them, over all services; the oldest goes first.
inline constexpr int kPinnedSnapshots = 256;

}  // namespace revertd::journal
