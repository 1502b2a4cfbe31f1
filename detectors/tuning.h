// SPDX-License-Identifier: Apache-2.0
// What the detectors take for granted about healthy deploys, in one place, each number with its reason.
#pragma once
#include <array>

namespace revertd::detect {

struct Tuning {
    // Hosts, caches and connections differ: standard deviation of the logarithm of a healthy ratio, beside a control
    // group and against the time before.
    double error_sd = 0.068, error_sd_alone = 0.11;
    double latency_sd = 0.028, latency_sd_alone = 0.032;
    double blip = 20;            ///< seconds: what is over within them is healthy, however bad it is
    double transient = 40;       ///< seconds: how long a few new instances among many may be slightly slow
    double least = 5;            ///< seconds of evidence that a verdict rests on at least
    double grace = 30;           ///< seconds after the deploy whose errors may be those of starting up
    double still_errors = 1.15;  ///< times the errors of the reference that the last seconds must still show
    double still_slow = 1.08;    ///< times the latency
    double warm_misfit = 0.22;   ///< warm-up curves are only roughly exponential: relative error
    double noise_margin = 1.2;   ///< the noise that is learned in the bake is known only roughly
    double own_jitter = 0.5;  ///< of the jitter before the deploy: what a control group does not share, to begin with
    double wander = 1;        ///< steps of the healthy factor within a bake (a step: 3/4 of its standard deviation)
    double level_seconds = 900;  ///< without a control group: how far back the latency before the deploy counts
};

[[nodiscard]] const Tuning& tuning();

inline constexpr std::array kErrorRatios = {1.35, 1.6, 2.0, 3.0, 6.0, 20.0, 100.0};
inline constexpr std::array kErrorWeights = {0.15, 0.18, 0.18, 0.16, 0.14, 0.11, 0.08};
inline constexpr std::array kFlappingRatios = {4.0, 10.0, 25.0};
inline constexpr double kFlappingWeight = 0.15;  // of all alternatives
inline constexpr std::array kPartRatios = {2.5, 6.0, 15.0, 60.0};
inline constexpr double kBlock = 180;  ///< seconds: longer than the usual period of what flaps
/// Prior weight of each state of an incident that hits both groups: one in three hours; a part's are likelier.
inline constexpr double kIncident = 0.003, kPartIncident = 0.01;

}  // namespace revertd::detect
