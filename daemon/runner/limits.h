// SPDX-License-Identifier: Apache-2.0
// Every limit of the runner, with its reason. All are on by default.
#pragma once
#include <cstddef>

#include "core/clock.h"

namespace revertd::runner {

/// Kept of what a step prints, its end: enough for a stack trace, small enough for a page. The rest is read and
/// dropped.
inline constexpr std::size_t kOutputTail = 64 * 1024;

/// After a step's program has ended, what is still in its pipe is read up to here: a flooding grandchild has no end.
inline constexpr std::size_t kLastDrain = 1024 * 1024;

/// One request or answer. The largest is an answer whose output is escaped control characters, six bytes each.
inline constexpr std::size_t kMaxLine = 1024 * 1024;

/// Answers that a client does not fetch; then it is disconnected.
inline constexpr std::size_t kMaxUnsent = 8 * 1024 * 1024;

/// Steps at the same time: `limits.overall` is a few an hour; more is a mistake.
inline constexpr std::size_t kMaxSteps = 32;

/// Probes at the same time, each a process: every service may ask at once after a restart.
inline constexpr std::size_t kMaxProbes = 64;

/// The daemon, revertctl's tests, and one that is just being replaced.
inline constexpr std::size_t kMaxClients = 16;

/// Between SIGTERM and SIGKILL to the group.
inline constexpr Duration kGrace = 10s;

/// After its leader has ended: a child that the leader itself has just killed is still dying, and no survivor.
inline constexpr Duration kDyingGrace = 200ms;

/// After SIGKILL: a process that the kernel does not end by then hangs in it, and is told as a survivor.
inline constexpr Duration kKillPatience = 2s;

/// How often a step of a former runner, or a group that outlives its leader, is looked at.
inline constexpr Duration kLook = 100ms;

/// Pipes of programs that steps left behind: closing one would end its writer by SIGPIPE.
inline constexpr std::size_t kMaxLeftovers = 64;

/// Name, TCP and TLS of an http step together.
inline constexpr Duration kHttpConnect = 10s;

/// A request waits this long for a runner that is just starting.
inline constexpr Duration kConnectPatience = 5s;
inline constexpr Duration kReconnect = 50ms;

/// What the client waits beyond a deadline: the grace, and the fsync of the result.
inline constexpr Duration kAnswerMargin = 20s;

/// For an answer that needs no process: a receipt is one small file.
inline constexpr Duration kQueryPatience = 10s;

/// What a program finds in PATH, and nothing else of the runner's environment.
inline constexpr const char* kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

}  // namespace revertd::runner
