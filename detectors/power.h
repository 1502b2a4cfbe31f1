// SPDX-License-Identifier: Apache-2.0
// What would a bake with this traffic find?
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "detectors/counts.h"

namespace revertd::detect {

/// What the time before the deploy was: the ticks that the test learns from, and from which those of a deploy are
/// drawn.
struct PowerTicks {
    bool latency = false;  ///< buckets are judged, else errors
    DeployShape shape;
    double from = 0;  ///< seconds after the deploy: what is earlier is not judged (warm-up)
    /// Of the requests of a tick below: what the new group will have, and beside a control group what that will have.
    double fresh_share = 1, control_share = 0;
    std::vector<double> at;
    std::vector<Events> all;
    std::vector<std::vector<double>> buckets;  ///< latency: one row a tick
};

struct Power {
    double effect = 0;  ///< so many times the errors, or the latency,
    double within = 0;  ///< are found in so many seconds after they begin
    double share = 0;   ///< in this share of the deploys
    double hopeless =
        0;  ///< less than this is found in fewer than one of ten within the bake; 0: nothing is that small
    /// Seconds in which nine of ten are found of those that begin with the deploy, and of those that begin later; of
    /// errors as `within`.
    double from_start = 0, later = 0;
};

/// Simulates deploys whose traffic is that of the time before and whose errors or latencies are `effect` times as high,
/// a third of them from the first tick on, the others from some time in the first third of the bake, and runs the very
/// test (DeployTest) over them. Rates before are drawn with what is not known of them, healthy differences and starts
/// as they are usual, clumps and jitter as they were learnt, the load in stretches as it was, and latencies from a
/// smooth curve, where the test takes it for straight between two bucket edges. The smallest effect of a ladder that is
/// found in nine of ten is announced, with the time in which it is; slowness only if nine of ten of those that are slow
/// at once are found within the bake. These have a time of their own, because for minutes they look like a start.
///
/// Source: power by simulation (Kruschke, "Bayesian estimation supersedes the t test", 2013, for drawing from what was
/// learnt; Politis, Romano, "The stationary bootstrap", 1994, for the load). Assumes that the traffic stays as it was.
/// Guarantee: none but the one that is measured in tests/detectors/power_test.cpp. Nothing: too little history, or not
/// even the largest effect is sure to be found.
[[nodiscard]] std::optional<Power> power_of(const PowerTicks& before, std::uint64_t seed);

/// Of as many of those deploys as are wanted: the seconds from the beginning of `effect` until it is found; infinity:
/// not within the bake. Assumes that there are ticks before the deploy, and that latency has buckets.
[[nodiscard]] std::vector<double> times_to_find(const PowerTicks& before, std::uint64_t seed, double effect,
                                                std::size_t deploys);

/// "1.8 times the errors would be found within 6m with 92 %; less than 1.3 times not within this bake"; of latency,
/// where that takes longer, "within 6m with 90 %, within 9m if it begins with the deploy".
[[nodiscard]] std::string words(const std::optional<Power>& power, const std::string& what);

}  // namespace revertd::detect
