// SPDX-License-Identifier: Apache-2.0
// A disk that fails on demand. The test program defines fsync, write and their like itself, so that the calls of SQLite
// and of the journal pass here alike: no hook in either.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace revertd::journal {

/// What reached the kernel for one file below the watched directory.
struct DiskOperation {
    enum class Kind { Write, Truncate, Rename, Sync, Told };
    Kind kind;
    std::string file;
    std::uint64_t offset = 0;  // of Write; the size of Truncate; the record of Told
    std::string bytes;         // of Write; the old name of Rename
};

/// One at a time. Files outside of `dir` are left alone.
class FaultyDisk {
  public:
    explicit FaultyDisk(const std::string& dir);
    FaultyDisk(const FaultyDisk&) = delete;
    FaultyDisk& operator=(const FaultyDisk&) = delete;
    ~FaultyDisk();

    /// The nth sync from now answers EIO; with `for_good` all later ones too.
    void fail_sync(int nth, bool for_good);
    /// The nth write or change of size answers EIO.
    void fail_write(int nth);
    /// Writes that would make a file longer answer ENOSPC as long as `reserve` exists; for ever if it is empty.
    void fill_up(const std::string& reserve);
    void make_room();
    /// SIGKILL instead of the nth write, truncation, rename, removal or sync.
    void kill_before(int nth);

    void record();
    /// Marks in the recording that this record was reported durable.
    void told(std::uint64_t seq);
    [[nodiscard]] std::vector<DiskOperation> recording() const;

    [[nodiscard]] int syncs() const;
    /// Whether the fault that was asked for has come.
    [[nodiscard]] bool struck() const;
};

}  // namespace revertd::journal
