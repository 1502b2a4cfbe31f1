// SPDX-License-Identifier: Apache-2.0
#include "detectors/dispersion.h"

#include <algorithm>
#include <numeric>

namespace revertd::detect {
namespace {

constexpr std::size_t kHalf = 6;
constexpr double kShrink = 3;  // events' worth by which a neighbourhood is drawn to the overall rate
constexpr double kMostInformation = 50;

struct Expected {
    double mean = 0, variance = 0, events = 0;
};

/// One estimate with weights from the last one; `next` gives the ticks in order.
template <class Next>
double estimate(std::size_t ticks, const Next& next, double prior, double strength, double last) {
    double sum = prior * strength, weights = strength;
    for (std::size_t i = 0; i < ticks; ++i) {
        const Expected e = next(i);
        if (e.mean <= 0) continue;
        const double squared = e.mean * e.mean;
        const double weight =
            std::min(squared / std::max(e.variance + squared * std::max(last, 1e-6), 1e-12), kMostInformation);
        sum += weight * ((e.events - e.mean) * (e.events - e.mean) - e.variance) / std::max(squared, 1e-12);
        weights += weight;
    }
    return std::max(sum, 0.0) / weights;
}

}  // namespace

double local_dispersion(std::span<const double> events, std::span<const double> requests, double prior, double strength,
                        bool binomial) {
    const std::size_t n = events.size();
    if (n < 3) return prior;
    const double all_events = std::accumulate(events.begin(), events.end(), 0.0);
    const double all_requests = std::accumulate(requests.begin(), requests.end(), 0.0);
    const double level = (all_events + 0.5) / std::max(all_requests, 1.0);
    const auto expected = [&](std::size_t i) {
        const std::size_t from = i < kHalf ? 0 : i - kHalf, to = std::min(n, i + kHalf + 1);
        double near_events = -events[i], near_requests = -requests[i];
        for (std::size_t j = from; j < to; ++j) {
            near_events += events[j];
            near_requests += requests[j];
        }
        const double rate = (near_events + kShrink) / (near_requests + kShrink / level);
        const double mean = requests[i] * rate;
        return Expected{mean, binomial ? mean * std::max(1 - rate, 1e-6) : mean, events[i]};
    };
    // The weights depend on the answer: two rounds.
    const double first = estimate(n, expected, prior, strength, prior);
    return estimate(n, expected, prior, strength, first);
}

}  // namespace revertd::detect
