// SPDX-License-Identifier: Apache-2.0
// The names under which common instrumentation publishes requests and latencies: what `errors` and `p95` mean when the
// configuration does not say. In the order in which they are tried; the first that a scrape has wins.
#pragma once
#include <span>
#include <string_view>

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

[[nodiscard]] std::span<const WellKnownRequests> well_known_requests();
[[nodiscard]] std::span<const WellKnownLatency> well_known_latencies();

}  // namespace revertd
