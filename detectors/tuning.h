// SPDX-License-Identifier: Apache-2.0
// What the detectors take for granted about healthy deploys, in one place, each number with its reason.
#pragma once
#include <array>

namespace revertd::detect {

struct Tuning {
    // Hosts, caches and connections differ: standard deviation of the logarithm of a healthy ratio, beside a control
    // group and against the time before.
    double error_sd = 0.08, error_sd_alone = 0.14;
    double latency_sd = 0.032, latency_sd_alone = 0.05;
    double least = 30;           ///< seconds of evidence that a verdict needs at least: shorter blips are healthy
    double grace = 30;           ///< seconds after the deploy whose errors may be those of starting up
    double still_errors = 1.15;  ///< times the errors of the reference that the last seconds must still show
    double still_slow = 1.08;    ///< times the latency
    double edge_info = 2;        ///< bucket edges are correlated: their joint evidence counts as so many
    double warm_misfit = 0.15;   ///< warm-up curves are only roughly exponential: relative error
};

[[nodiscard]] const Tuning& tuning();

inline constexpr std::array kErrorRatios = {1.35, 1.6, 2.0, 3.0, 6.0, 20.0, 100.0};
inline constexpr std::array kErrorWeights = {1 / 7.0, 1 / 7.0, 1 / 7.0, 1 / 7.0, 1 / 7.0, 1 / 7.0, 1 / 7.0};
inline constexpr std::array kPartRatios = {2.5, 6.0, 15.0, 60.0};
inline constexpr double kBlock = 180;      ///< seconds: longer than the usual period of what flaps
inline constexpr double kIncident = 0.01;  ///< prior weight of each state of an incident that hits both groups

}  // namespace revertd::detect
