// SPDX-License-Identifier: Apache-2.0
// A service whose truth is known: requests, errors and latencies of ticks before and after a deploy.
#pragma once
#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "detectors/counts.h"

namespace revertd::detect {

struct SimulatedService {
    double requests = 200;            ///< a tick
    double rate = 0.01;               ///< errors
    double own = 0;                   ///< relative variance of the rate from tick to tick
    double median = 50, sigma = 0.5;  ///< of the latency
    double jitter = 0;                ///< of the log latency from tick to tick
    double tick = 10;                 ///< seconds
    std::vector<double> edges = {10, 20, 35, 50, 75, 100, 150, 250, 500, 1000};
};

class SimulatedTicks {
  public:
    SimulatedTicks(const SimulatedService& service, std::uint64_t seed)
        : service_(service), random_(seed), buckets_(service.edges.size() + 1) {}

    /// The next tick; what it points to is valid until then.
    GroupTick next(double at, double errors = 1, double latency = 1) {
        GroupTick tick;
        tick.at = at, tick.dt = service_.tick;
        const int requests = std::poisson_distribution<int>(service_.requests)(random_);
        const double noise = service_.own > 0 ? std::gamma_distribution<>(1 / service_.own, service_.own)(random_) : 1;
        const double rate = std::min(0.9, service_.rate * noise * errors);
        tick.all = {static_cast<double>(requests),
                    static_cast<double>(std::binomial_distribution<int>(requests, rate)(random_))};
        fill(requests, service_.median * latency * std::exp(service_.jitter * normal()));
        tick.buckets = buckets_;
        return tick;
    }

    double normal() { return std::normal_distribution<>()(random_); }

  private:
    void fill(int left, double median) {
        std::ranges::fill(buckets_, 0.0);
        double below = 0;
        for (std::size_t b = 0; b < service_.edges.size() && left > 0; ++b) {
            const double cdf = 0.5 * std::erfc(-std::log(service_.edges[b] / median) / service_.sigma / std::sqrt(2.0));
            const double share = std::clamp((cdf - below) / (1 - below), 0.0, 1.0);
            const int n = std::binomial_distribution<int>(left, share)(random_);
            buckets_[b] = n, left -= n, below = cdf;
        }
        buckets_.back() = left;
    }

    SimulatedService service_;
    std::mt19937_64 random_;
    std::vector<double> buckets_;
};

}  // namespace revertd::detect
