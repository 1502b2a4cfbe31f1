// SPDX-License-Identifier: Apache-2.0
// `--runner=auto|child|unix:PATH`: where the daemon finds its runner.
#pragma once
#include <string>

#include "core/result.h"

namespace revertd {

struct RunnerPlace {
    std::string socket;
    bool own = false;  ///< started by us, detached: to be launched again when it is gone
};

/// The socket of the shipped service. `auto` takes it if somebody listens there.
inline constexpr const char* kServiceSocket = "/run/revertd-runner/runner.sock";

/// `Invalid`: the mode is none of the three, or the storage's path is too long for a socket.
[[nodiscard]] Result<RunnerPlace> find_runner(const std::string& mode, const std::string& storage);

/// Nothing if somebody listens at `place.socket` already; otherwise starts `program`, detached, with its receipts
/// beside the socket, and returns when it listens (a few milliseconds). It ends when its daemon is gone and no step
/// runs.
[[nodiscard]] Result<void> launch_runner(const RunnerPlace& place, const std::string& program);

/// revertd-runner beside the running program.
[[nodiscard]] std::string runner_program();

}  // namespace revertd
