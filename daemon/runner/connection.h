// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "daemon/runner/fd.h"

namespace revertd::runner {

/// Lines in, lines out, over one non-blocking socket.
class Connection {
  public:
    Connection(std::uint64_t id, Fd socket) : id_(id), socket_(std::move(socket)) {}

    [[nodiscard]] std::uint64_t id() const { return id_; }

    [[nodiscard]] int fd() const { return socket_.get(); }

    [[nodiscard]] bool is_open() const { return static_cast<bool>(socket_); }

    [[nodiscard]] bool wants_to_write() const { return !unsent_.empty(); }

    /// Complete lines that have arrived, without newlines. Closes at the end, at an error, at a line beyond its limit.
    [[nodiscard]] std::vector<std::string> read_lines();

    /// Sends what can be sent now and keeps the rest; closes when the other side fetches nothing.
    void send(const std::string& line);
    void flush();

    void close() { socket_.reset(); }

  private:
    std::uint64_t id_;
    Fd socket_;
    std::string received_, unsent_;
};

}  // namespace revertd::runner
