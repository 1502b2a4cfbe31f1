// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <utility>

#include "core/result.h"

namespace revertd::runner {

/// Owns a descriptor.
class Fd {
  public:
    Fd() = default;

    explicit Fd(int fd) : fd_(fd) {}

    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

    Fd& operator=(Fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }

    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;

    ~Fd() { reset(); }

    [[nodiscard]] int get() const { return fd_; }

    explicit operator bool() const { return fd_ >= 0; }

    void reset();

  private:
    int fd_ = -1;
};

/// "what: <words of errno>"; ENOENT is `NotFound`, EEXIST `Conflict`, the rest `Io`.
[[nodiscard]] Error system_error(const std::string& what);

/// All of it, or an error; retried after signals.
[[nodiscard]] Result<void> write_all(int fd, std::string_view bytes);

/// Up to `limit` bytes from the start of a small file.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t limit);

[[nodiscard]] Result<void> fsync_directory(const std::string& path);

}  // namespace revertd::runner
