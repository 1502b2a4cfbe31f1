// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>

#include "core/result.h"
#include "daemon/runner/fd.h"

namespace revertd::api {

using runner::Fd;

/// A socket that listens. A unix socket that was bound here is removed from its path at the end.
class Listener {
  public:
    /// `unix:/path` or a loopback address with a port (`127.0.0.1:9477`, `[::1]:9477`, `localhost:9477`; port 0: any).
    /// Errors: Invalid, in words, for anything else; Conflict if somebody listens there.
    [[nodiscard]] static Result<Listener> open(const std::string& address);

    /// A listening socket of the service manager; the descriptor is owned from here on, also on error.
    [[nodiscard]] static Result<Listener> adopt(int fd);

    Listener(Listener&& other) noexcept = default;
    Listener& operator=(Listener&& other) = delete;
    ~Listener();

    [[nodiscard]] int fd() const { return fd_.get(); }

    [[nodiscard]] bool is_unix() const { return port_ == 0; }

    [[nodiscard]] std::uint16_t port() const { return port_; }

  private:
    explicit Listener(Fd fd) : fd_(std::move(fd)) {}

    static Result<Listener> open_unix(const std::string& path);
    static Result<Listener> open_tcp(const std::string& address);

    Fd fd_;
    std::uint16_t port_ = 0;
    std::string path_;  // to be removed
    ino_t inode_ = 0;
};

}  // namespace revertd::api
