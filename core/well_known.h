// SPDX-License-Identifier: Apache-2.0
// The names under which common instrumentation publishes requests and latencies: what `errors` and `p95` mean when the
// configuration does not say. In the order in which they are tried; the first that a scrape has wins.
#pragma once
#include <span>
#include <string_view>

#include "core/rule.h"

namespace revertd {

/// A counter of requests whose label tells the outcome. A metric without that label is not taken: it would read as "no
/// errors".
struct WellKnownRequests {
    std::string_view metric;
    std::string_view label;
    std::string_view bad;  ///< anchored regular expression of the label's values that are server errors
};

struct WellKnownLatency {
    std::string_view histogram;  ///< without `_bucket`
    double to_seconds;           ///< factor of the bucket bounds
};

/// A gauge whose limit the same page tells: how full it is.
struct WellKnownShare {
    std::string_view signal, metric, limit;
};

[[nodiscard]] std::span<const WellKnownShare> well_known_shares();

/// Found by itself on the page of a process, where it tells of it; where it does not, nobody misses it.
[[nodiscard]] inline bool is_of_process(const Signal& signal) {
    return signal.well_known && (signal.starts || signal.limit);
}

/// The times at which processes were started.
[[nodiscard]] std::span<const std::string_view> well_known_starts();

/// Labels that name the endpoint of a request, in the order in which they are tried.
[[nodiscard]] std::span<const std::string_view> well_known_endpoint_labels();

[[nodiscard]] std::span<const WellKnownRequests> well_known_requests();
[[nodiscard]] std::span<const WellKnownLatency> well_known_latencies();

}  // namespace revertd
