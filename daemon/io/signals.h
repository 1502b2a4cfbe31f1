// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <csignal>
#include <functional>
#include <initializer_list>
#include <utility>
#include <vector>

#include "daemon/io/poller.h"

namespace revertd {

class Loop;

/// Signals of the process, told on the loop: not in a handler, where hardly anything may be done. Several of one kind
/// that come before the loop does are one. There is one of these in a process.
class Signals final : public Watcher {
  public:
    using Told = std::function<void(int signal)>;

    /// Throws std::system_error if the system has no descriptor for it.
    Signals(Loop& loop, std::initializer_list<int> signals, Told told);
    /// What was done with the signals before is done again.
    ~Signals() override;

    void on_ready(std::uint32_t events) override;

  private:
    Loop& loop_;
    Told told_;
    int fd_;
    std::vector<std::pair<int, struct sigaction>> before_;
};

}  // namespace revertd
