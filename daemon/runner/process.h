// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "actions/step.h"
#include "core/result.h"
#include "daemon/runner/fd.h"

namespace revertd::runner {

struct SpawnOptions {
    std::string input;             ///< on stdin; empty: /dev/null
    bool separate_errors = false;  ///< stderr has a pipe of its own
};

/// A child that waits at a gate: it has its pid, and does nothing until release() lets it execute the program. If the
/// runner dies before, it ends by itself without having done anything.
struct Process {
    pid_t pid = 0;  ///< leader of its own session and process group
    std::uint64_t start_ticks = 0;
    Fd output, errors;  ///< non-blocking
    Fd gate;
    Fd exec_error;  ///< holds errno if the program could not be executed
};

/// The program sees the given environment and PATH, its three standard descriptors, and nothing else of the runner.
[[nodiscard]] Result<Process> spawn_gated(const ExecCall& call, const SpawnOptions& options);

void release(Process& process);

/// Why execve failed; nothing if it did not.
[[nodiscard]] std::optional<int> exec_errno(const Process& process);

/// /proc/PID/stat field 22; nothing when there is no such process, or only its zombie.
[[nodiscard]] std::optional<std::uint64_t> start_ticks_of(pid_t pid);

/// To every process of the group; false when there is none left.
bool signal_group(pid_t leader, int signal);

}  // namespace revertd::runner
