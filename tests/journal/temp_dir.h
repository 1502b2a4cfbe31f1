// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <string>

namespace revertd::journal {

/// A directory of its own, gone at the end of the test.
class TempDir {
  public:
    TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir();

    /// Where the journal goes; not made yet.
    [[nodiscard]] std::string state() const { return (root_ / "state").string(); }

    [[nodiscard]] std::string file(const std::string& name) const { return (root_ / "state" / name).string(); }

    [[nodiscard]] const std::filesystem::path& root() const { return root_; }

  private:
    std::filesystem::path root_;
};

[[nodiscard]] std::string read_bytes(const std::string& path);
void write_bytes(const std::string& path, const std::string& bytes);
/// Replaces the directory `to` by what `from` holds.
void copy_state(const std::string& from, const std::string& to);

}  // namespace revertd::journal
