// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "core/result.h"
#include "daemon/api/backend.h"
#include "daemon/api/limits.h"
#include "daemon/api/peer.h"

namespace revertd {

class Loop;

/// The HTTP API on unix sockets, where the kernel says who asks, and on TCP of loopback, which is for reading only.
class Server {
  public:
    struct Options {
        api::ApiLimits limits;
        api::PeerDirectory::Lookup lookup = api::look_up_peer;
    };

    Server(Loop& loop, Backend& backend);
    Server(Loop& loop, Backend& backend, Options options);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    /// Closes every connection; answers that are still owed are dropped.
    ~Server();

    /// `unix:/path` or a loopback address as `127.0.0.1:9477`. Errors: Invalid in words, Conflict if somebody is there.
    Result<void> listen(const std::string& address);

    /// A listening socket of the service manager (systemd::listen_sockets); owned from here on, also on error.
    Result<void> adopt(int fd);

    /// Of the last TCP address: what port 0 became.
    [[nodiscard]] std::uint16_t port() const;

    [[nodiscard]] std::size_t connections() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace revertd
