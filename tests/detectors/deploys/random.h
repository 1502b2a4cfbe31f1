// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <random>

namespace revertd::deploys {

/// Seeded draws. The same seed gives the same deploy wherever the standard library is the same.
class Random {
  public:
    explicit Random(std::uint64_t seed) : engine_(seed) {}

    double uniform(double from, double to) { return from + (to - from) * unit_(engine_); }

    double log_uniform(double from, double to) { return std::exp(uniform(std::log(from), std::log(to))); }

    double of(std::initializer_list<double> values) {
        return values.begin()[std::uniform_int_distribution<std::size_t>(0, values.size() - 1)(engine_)];
    }

    bool chance(double p) { return unit_(engine_) < p; }

    double normal() { return normal_(engine_); }

    /// Gamma distributed with mean 1.
    double clump(double variance) {
        if (variance <= 0) return 1;
        return std::gamma_distribution<>(1 / variance, variance)(engine_);
    }

    double poisson(double mean) {
        if (mean <= 0) return 0;
        if (mean > 1000) return std::max(0.0, std::round(mean + std::sqrt(mean) * normal()));
        return static_cast<double>(std::poisson_distribution<std::int64_t>(mean)(engine_));
    }

    /// Normal where it can hardly be told from the exact distribution: a deploy draws thousands of them.
    double binomial(double n, double p) {
        if (n <= 0 || p <= 0) return 0;
        if (p >= 1) return n;
        const double variance = n * p * (1 - p);
        if (variance > 300) return std::clamp(std::round(n * p + std::sqrt(variance) * normal()), 0.0, n);
        return static_cast<double>(std::binomial_distribution<std::int64_t>(static_cast<std::int64_t>(n), p)(engine_));
    }

  private:
    std::mt19937_64 engine_;
    std::uniform_real_distribution<> unit_{0, 1};
    std::normal_distribution<> normal_;
};

}  // namespace revertd::deploys
