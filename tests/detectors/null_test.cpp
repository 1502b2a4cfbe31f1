// SPDX-License-Identifier: Apache-2.0
// The guarantee of DeployTest, by simulation.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>

#include "detectors/deploy_test.h"
#include "detectors/tuning.h"
#include "tests/detectors/alarm_share.h"

namespace revertd::detect {
namespace {

constexpr int kBefore = 60, kBake = 60;
constexpr double kTick = 10;

struct Healthy {
    double requests = 200;  ///< a tick, of the control group if there is one
    double rate = 0.01;     ///< errors
    double own = 0;         ///< relative variance of each group's rate from tick to tick
    double sigma = 0.5;     ///< of the log latency
    double jitter = 0;      ///< of the log latency from tick to tick
    bool control = false;
};

const std::vector<double> kEdges = {10, 20, 35, 50, 75, 100, 150, 250, 500, 1000};

class Deploy {
  public:
    Deploy(const Healthy& healthy, std::uint64_t seed) : healthy_(healthy), random_(seed), buckets_(kEdges.size() + 1) {
        const auto& t = tuning();
        error_ratio_ = std::exp(normal() * (healthy.control ? t.error_sd : t.error_sd_alone));
        latency_factor_ = std::exp(normal() * (healthy.control ? t.latency_sd : t.latency_sd_alone));
    }

    /// The most evidence that was ever seen.
    double most() {
        DeployShape shape;
        shape.bake = kBake * kTick;
        shape.interval = kTick;
        shape.control = healthy_.control;
        shape.edges = kEdges;
        DeployTest test(shape);
        for (int i = -kBefore + 1; i <= 0; ++i) test.before(tick(i * kTick, false));
        double most = 0;
        for (int i = 1; i <= kBake; ++i) {
            std::vector<double> reference_buckets;
            GroupTick reference;
            if (healthy_.control) {
                reference = tick(i * kTick, false);
                reference_buckets = buckets_;
                reference.buckets = reference_buckets;
            }
            (void)test.tick(tick(i * kTick, true), healthy_.control ? &reference : nullptr);
            most = std::max(most, test.evidence());
        }
        return most;
    }

  private:
    double normal() { return std::normal_distribution<>()(random_); }

    GroupTick tick(double at, bool fresh) {
        GroupTick tick;
        tick.at = at;
        tick.dt = kTick;
        const auto requests = std::poisson_distribution<int>(healthy_.requests)(random_);
        const double noise = healthy_.own > 0 ? std::gamma_distribution<>(1 / healthy_.own, healthy_.own)(random_) : 1;
        const double rate = std::min(0.9, healthy_.rate * noise * (fresh ? error_ratio_ : 1));
        tick.all = {static_cast<double>(requests),
                    static_cast<double>(std::binomial_distribution<int>(requests, rate)(random_))};
        const double median = 50 * (fresh ? latency_factor_ : 1) * std::exp(healthy_.jitter * normal());
        std::fill(buckets_.begin(), buckets_.end(), 0.0);
        int left = requests;
        double below = 0;
        for (std::size_t b = 0; b < kEdges.size() && left > 0; ++b) {
            const double cdf = 0.5 * std::erfc(-std::log(kEdges[b] / median) / healthy_.sigma / std::sqrt(2.0));
            const int n =
                std::binomial_distribution<int>(left, std::clamp((cdf - below) / (1 - below), 0.0, 1.0))(random_);
            buckets_[b] = n;
            left -= n;
            below = cdf;
        }
        buckets_.back() = left;
        tick.buckets = buckets_;
        return tick;
    }

    Healthy healthy_;
    std::mt19937_64 random_;
    std::vector<double> buckets_;
    double error_ratio_ = 1, latency_factor_ = 1;
};

void never(const Healthy& healthy) {
    never_more_than_alpha([&](std::uint64_t seed) { return Deploy(healthy, seed).most(); });
}

TEST(Null, binomial) {
    never({});
}

TEST(Null, binomial_beside_a_control_group) {
    Healthy healthy;
    healthy.control = true;
    never(healthy);
}

TEST(Null, over_dispersed) {
    Healthy healthy;
    healthy.requests = 1000;
    healthy.own = 0.1;
    healthy.jitter = 0.03;
    never(healthy);
}

TEST(Null, over_dispersed_beside_a_control_group) {
    Healthy healthy;
    healthy.requests = 1000;
    healthy.own = 0.1;
    healthy.jitter = 0.03;
    healthy.control = true;
    never(healthy);
}

TEST(Null, low_traffic) {
    Healthy healthy;
    healthy.requests = 8;
    never(healthy);
}

TEST(Null, heavy_tail) {
    Healthy healthy;
    healthy.sigma = 1.3;
    healthy.jitter = 0.05;
    healthy.rate = 0.002;
    never(healthy);
}

}  // namespace
}  // namespace revertd::detect
