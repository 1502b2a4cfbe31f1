// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <map>
#include <string>

#include "core/engine.h"
#include "core/judge.h"
#include "daemon/shell/meters.h"

namespace revertd {

/// Of one channel: pages that arrived, and pages that were given up, by why.
struct NotificationCounts {
    std::uint64_t delivered = 0;
    std::map<std::string, std::uint64_t> failed;
};

/// What the daemon's own metrics are made of at the moment of the question.
struct MetricsInput {
    const Meters& meters;
    const Engine& engine;

    /// A service, the settings that it is judged by now, and what its Judge has counted.
    struct Watched {
        std::string service;
        const ServiceSettings& settings;
        JudgeCounts counts;
        WallTime epoch;  ///< wall time of the timeline's 0
    };

    std::function<void(const std::function<void(const Watched&)>&)> each_watched;
    std::map<std::string, NotificationCounts> notifications;  ///< by channel
    std::uint64_t scrape_bytes = 0;
};

/// Text exposition 0.0.4, every metric of the contract (interface, section 5), whole at once.
[[nodiscard]] std::string metrics_text(const MetricsInput& input);

}  // namespace revertd
