// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace revertd::runner {

/// Lets what a step's processes leave behind become children of this process instead of init's, so that they can be
/// found, and reaped.
void adopt_orphans();

/// Children of this process other than `ours`, the ones that it started itself: they were left behind by their parents.
/// Only those that began at `since` (start_ticks_of) or later.
[[nodiscard]] std::vector<pid_t> orphans_since(std::uint64_t since, const std::vector<pid_t>& ours);

/// Every process that comes from `leader` or one of its `orphans`, but not the leader itself: their children's
/// children, and whoever still carries `REVERTD_KEY=<key>` in the environment that it was started with, also behind a
/// double fork in a session of its own. A process that has both wiped its environment and lost its parents is found as
/// an orphan only.
[[nodiscard]] std::vector<pid_t> descendants_of(pid_t leader, const std::string& key,
                                                const std::vector<pid_t>& orphans = {});

/// Reaps children that have ended, but none of `ours`: whoever waits for those wants their status.
void reap_orphans(const std::vector<pid_t>& ours);

}  // namespace revertd::runner
