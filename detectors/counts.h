// SPDX-License-Identifier: Apache-2.0
// What the detectors see: differences of one tick. Times are seconds since the deploy, negative before it.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace revertd::detect {

struct Events {
    double requests = 0, errors = 0;

    Events& operator+=(const Events& other) {
        requests += other.requests;
        errors += other.errors;
        return *this;
    }

    friend Events operator-(const Events& a, const Events& b) { return {a.requests - b.requests, a.errors - b.errors}; }
};

/// What one group of instances did between two scrapes. Buckets are per bucket, not cumulative, one more than edges;
/// empty: not given. Nothing may be negative.
struct GroupTick {
    double at = 0;  ///< of the later scrape
    double dt = 0;  ///< since the earlier one
    Events all;
    std::span<const double> buckets;
    std::span<const Events> parts;  ///< per endpoint, empty: not given
    double memory = std::nan("");   ///< share of its limit
    double restarted = 0;           ///< share of its instances that were started anew within it, and are cold
};

/// What is known of the instances of a control group: nothing; that they have run for long; that they were started with
/// the new ones, so that both are cold.
enum class ControlKind : std::uint8_t { Unknown, Stable, Fresh };

/// What is known of a deploy before its first request.
struct DeployShape {
    double bake = 900;     ///< seconds
    double interval = 10;  ///< seconds between scrapes
    bool control = false;  ///< there is a control group, the old version beside the new one
    ControlKind control_kind = ControlKind::Unknown;
    double alpha = 0.001;  ///< share of healthy deploys that may be called bad, all detectors together
    std::size_t parts = 0;
    double quantile = 0.95;      ///< of the latencies, that people look at
    std::vector<double> edges;   ///< of the latency buckets, finite, ascending, in `unit`
    std::string_view unit = {};  ///< for words, with a blank before it
};

}  // namespace revertd::detect
