// SPDX-License-Identifier: Apache-2.0
// A simulated deploy as data: what is usual for the service, and what is special about this deploy.
#pragma once
#include <cstddef>
#include <functional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/detectors/deploys/random.h"

namespace revertd::deploys {

/// A number over the seconds since the deploy.
using Course = std::function<double(double)>;

/// What a group of instances does differently from the usual.
struct Behaviour {
    Course errors = [](double) { return 1.0; };   ///< times the usual
    Course failing = [](double) { return 0.0; };  ///< share of requests that fail beside those
    Course latency = [](double) { return 1.0; };  ///< times the usual
    Course slow = [](double) { return 0.0; };     ///< share of requests that take `slow_times` the median
    Course traffic = [](double) { return 1.0; };  ///< times the usual
    Course memory = [](double) { return 0.0; };   ///< share of the limit, beside the usual
    double slow_times = 20;
    std::size_t part = 0;  ///< whose errors are multiplied by:
    Course part_errors = [](double) { return 1.0; };
    std::vector<double> restarts;                  ///< when the counters begin anew
    std::vector<std::pair<double, double>> blind;  ///< no scrape from, to
};

struct Spec {
    bool control = true;
    std::string_view control_kind = "stable";         ///< as it is said; the family decides whether it is so
    double interval = 10, bake = 900, before = 1200;  ///< seconds
    Course share = [](double) { return 0.1; };        ///< of the traffic that the new group has
    double requests = 200;                            ///< a second
    double error_rate = 1e-3;
    double median = 50, sigma = 0.5;  ///< of the latency, ms
    double slow_share = 0.08, slow_factor = 4, tail_share = 0.005;
    std::vector<double> edges;
    std::size_t parts = 0;
    double host_errors = 0.05, host_latency = 0.02;     ///< standard deviation of the log factor of a group
    double own_errors = 0.05, shared_errors = 0.08;     ///< variance from tick to tick
    double own_latency = 0.015, shared_latency = 0.03;  ///< standard deviation from tick to tick
    double drift_errors = 0.05, drift_latency = 0.015;  ///< standard deviation, correlated over half an hour
    double burst = 0.1;                                 ///< standard deviation of the log traffic, over minutes
    double daily = 0.3, phase = 0;                      ///< amplitude of the traffic over the day; its phase in seconds
    double load_latency = 0.05;                         ///< how far latency follows the traffic
    double memory = 0.4;                                ///< share of its limit
    double lost = 0, jitter = 0;                        ///< share of scrapes; of the interval
    Behaviour fresh, reference;
    double onset = 0;  ///< of what is bad
};

struct Family {
    std::string_view name;
    bool bad = false;
    void (*make)(Spec& spec, Random& random);
    double found = 0;  ///< bad: so large a share of them is found by the statistics alone, in the long run
};

/// All of them. A family keeps its place: deploys are drawn by it.
[[nodiscard]] std::span<const Family> families();
/// What operations do to services beside their deploys, and what only they bring to light.
[[nodiscard]] std::span<const Family> families_of_production();
/// What befalls both groups, or the control group alone.
[[nodiscard]] std::span<const Family> families_of_surroundings();

/// An ordinary service, drawn at random; then what the family makes of it.
[[nodiscard]] Spec draw(const Family& family, Random& random);

}  // namespace revertd::deploys
