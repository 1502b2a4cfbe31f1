// SPDX-License-Identifier: Apache-2.0
// The directory that holds the state: ours alone, and nothing in it is a link to elsewhere.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

namespace revertd::journal {

/// An open file descriptor, closed at the end of its scope.
class File {
  public:
    explicit File(int fd = -1) : fd_(fd) {}

    File(File&& other) noexcept : fd_(other.release()) {}

    File& operator=(File&& other) noexcept;
    ~File();

    [[nodiscard]] int fd() const { return fd_; }

    [[nodiscard]] bool is_open() const { return fd_ >= 0; }

    int release();

  private:
    int fd_;
};

/// Which file a name stands for, and how long it is.
struct FileId {
    std::uint64_t device = 0, inode = 0, size = 0;
};

class StateDir {
  public:
    enum class Missing { Create, Refuse };

    /// Must be a directory of mode 0700 that belongs to the user of this process; errors: NotFound, NotAllowed, Io.
    static Result<StateDir> open(const std::string& path, Missing missing);

    /// Exclusive until this object ends, also against other processes; Conflict if another has it.
    Result<void> lock();

    [[nodiscard]] const std::string& path() const { return path_; }

    [[nodiscard]] std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }

    /// False if there is no such file; NotAllowed unless it is a plain file of ours with one name.
    Result<bool> has(const std::string& name) const;
    /// NotFound if it stands for none.
    Result<FileId> id_of(const std::string& name) const;
    Result<File> open_file(const std::string& name, int flags) const;
    Result<std::string> read_file(const std::string& name) const;

    /// Whole or not at all, and durable on return.
    Result<void> replace_file(const std::string& name, std::string_view content) const;
    Result<void> rename_file(const std::string& name, const std::string& to) const;
    /// Moves a file of another directory here, over one of the same name.
    Result<void> take_file(const StateDir& from, const std::string& name) const;
    Result<void> remove_file(const std::string& name) const;
    Result<void> make_empty_file(const std::string& name) const;

    /// A file of that many allocated bytes; Limit if the file system has no room for it.
    Result<void> reserve(const std::string& name, std::uint64_t bytes) const;

    Result<void> sync() const;

  private:
    StateDir(std::string path, File dir) : path_(std::move(path)), dir_(std::move(dir)) {}

    std::string path_;
    File dir_;
    File lock_;
};

/// The words for errno, e.g. "write /var/lib/revertd/head: No space left on device". ENOSPC and EDQUOT are `Limit`.
[[nodiscard]] Error errno_error(const std::string& doing);

}  // namespace revertd::journal
