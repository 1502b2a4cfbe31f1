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

    [[nodiscard]] bool is_open() const { return open_; }

    [[nodiscard]] bool wants_to_write() const { return !unsent_.empty(); }

    /// Complete lines that have arrived, without newlines. Closed at the end, at an error, at a line beyond its limit.
    [[nodiscard]] std::vector<std::string> read_lines();

    /// Sends what can be sent now and keeps the rest; closed when the other side fetches nothing.
    void send(const std::string& line);
    void flush();

    /// The descriptor lives on until the object's end: whoever polls it must be able to forget it first. (A closed one
    /// stays in an epoll set for as long as a program that is just being executed holds its copy.)
    void close() { open_ = false; }

  private:
    std::uint64_t id_;
    Fd socket_;
    bool open_ = true;
    std::string received_, unsent_;
};

}  // namespace revertd::runner
