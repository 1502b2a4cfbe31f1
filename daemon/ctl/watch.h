// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>

#include "core/clock.h"
#include "daemon/ctl/session.h"

namespace revertd::ctl {

struct WatchOptions {
    std::string target;               ///< deployment id, or a service: then its newest deployment
    bool wait = false;                ///< the exit code is that of the guard
    std::optional<Duration> timeout;  ///< 124 after it; the guard goes on
    bool inconclusive_passes = false;
    bool end_on_err = false;  ///< stdout has carried the id already (`deploy start --wait`)
};

/// Follows a guard to its end and returns the exit code. A restart of the daemon is bridged for a minute.
[[nodiscard]] int watch(Session& session, const WatchOptions& options);

}  // namespace revertd::ctl
