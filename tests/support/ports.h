// SPDX-License-Identifier: Apache-2.0
// Ports of loopback for tests: free, closed, or deaf.
#pragma once
#include <array>
#include <cstdint>

namespace revertd::test {

/// Binds a socket to 127.0.0.1 and a free port, which is written to `port`. Not yet listening.
[[nodiscard]] int bind_loopback(std::uint16_t& port);

/// A port of 127.0.0.1 on which nobody listens, kept reserved while it lives.
class ClosedPort {
  public:
    ClosedPort();
    ClosedPort(const ClosedPort&) = delete;
    ClosedPort& operator=(const ClosedPort&) = delete;
    ~ClosedPort();

    [[nodiscard]] std::uint16_t port() const { return port_; }

  private:
    int fd_;
    std::uint16_t port_;
};

/// A port of 127.0.0.1 that listens with a full queue: a further connection is neither made nor refused.
class FullQueue {
  public:
    FullQueue();
    FullQueue(const FullQueue&) = delete;
    FullQueue& operator=(const FullQueue&) = delete;
    ~FullQueue();

    [[nodiscard]] std::uint16_t port() const { return port_; }

  private:
    int listener_;
    std::uint16_t port_ = 0;
    std::array<int, 4> fillers_{};
};

}  // namespace revertd::test
