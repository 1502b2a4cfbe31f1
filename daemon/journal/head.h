// SPDX-License-Identifier: Apache-2.0
// The witness beside the database: the last record that was reported durable.
//
// SQLite drops committed transactions without a word when one bit of its write-ahead log flips: the log then seems to
// end earlier, as after a crash. Only somebody outside the log can tell the two apart. So after each commit, and before
// it is reported, the number and hash of the last record are written here. They are synced when nothing waits for the
// disk: a decision and its intent would each pay for a second sync. Until then a power cut may take the newest slot;
// the database is then ahead of the other one, which is harmless, and of the records in between the log alone bears
// witness.
//
// The file has two slots of 4 KiB, written in turn. Replacing the whole file by rename would cost two syncs and a
// transaction of the file system's own for each decision; a slot costs one write in place and one fdatasync. A crash
// while one slot is written leaves the other, which is older.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"
#include "daemon/journal/chain.h"
#include "daemon/journal/state_dir.h"

namespace revertd::journal {

struct Head {
    std::uint64_t seq = 0;
    Hash hash;

    bool operator==(const Head&) const = default;
};

class HeadFile {
  public:
    static constexpr const char* kName = "head";

    /// What the readable slots say, newest first. Corrupt if none is readable or the two contradict one another;
    /// NotFound.
    static Result<std::vector<Head>> read(const StateDir& dir);

    /// Writes both slots, replacing the file, and keeps it open.
    static Result<HeadFile> create(const StateDir& dir, const Head& head);

    /// Outlives the process on return. After an error the file is in an unknown state and must not be written again.
    Result<void> write(const Head& head);

    /// Outlives the machine on return; the same of errors.
    Result<void> sync();

    /// Writes that no sync has followed yet.
    [[nodiscard]] int unsynced() const { return unsynced_; }

  private:
    HeadFile(File file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}

    File file_;
    std::string path_;
    std::uint64_t generation_ = 1;
    int unsynced_ = 0;
};

}  // namespace revertd::journal
