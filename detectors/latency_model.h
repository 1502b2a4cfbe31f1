// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "detectors/counts.h"
#include "detectors/history.h"

namespace revertd::detect {

/// What the time before the deploy says about latency: a few bucket edges worth watching, and what the share of slower
/// requests above each would be if all latencies were multiplied by a factor.
class LatencyModel {
  public:
    /// Factors are tabulated over [kLow, kLow + kStep (kSteps - 1)] in their logarithm.
    static constexpr double kLow = -0.3, kStep = 0.05;
    static constexpr std::size_t kSteps = 48;
    static constexpr std::size_t kMostEdges = 5;

    struct Edge {
        std::size_t bucket = 0;                    ///< slower: in a bucket beyond this one
        double share = 0;                          ///< slower before the deploy, as the curve says
        double extra = 0;                          ///< relative variance of that share between ticks, beyond chance
        std::vector<double> log_above, log_below;  ///< of the share above and below, for every tabulated factor
    };

    LatencyModel(const DeployShape& shape, const History& history);

    [[nodiscard]] std::span<const Edge> edges() const { return edges_; }

    /// Nothing to compare with: too few requests before the deploy, or no bucket edge in a useful place.
    [[nodiscard]] bool empty() const { return edges_.empty(); }

    /// Standard deviation of the log factor of a healthy deploy.
    [[nodiscard]] double spread() const { return spread_; }

    /// Requests slower than each edge.
    void slower(std::span<const double> buckets, std::span<double> out) const;

    /// log of the share above the edge for a factor, linear between tabulated ones.
    [[nodiscard]] double log_above(std::size_t edge, double log_factor) const;

  private:
    void choose_edges(const DeployShape& shape, std::span<const double> counts);
    void learn_noise(const History& history, bool control);
    /// What a steady drift of latency before the deploy would add until the end of the bake: its slope less one
    /// standard error. Daily load drifts; without a control group it would look like a regression.
    [[nodiscard]] double drift(const DeployShape& shape, const History& history) const;
    [[nodiscard]] double log_factor_of(std::size_t edge, double share) const;

    std::vector<Edge> edges_;
    double spread_ = 0.03;
};

/// Where a log factor lies in the table: four weights for cubic interpolation.
struct TablePlace {
    std::size_t first = 0;
    double w[4] = {0, 1, 0, 0};

    explicit TablePlace(double log_factor);

    [[nodiscard]] double in(const double* table) const {
        const double* t = table + first;
        return w[0] * t[0] + w[1] * t[1] + w[2] * t[2] + w[3] * t[3];
    }
};

}  // namespace revertd::detect
