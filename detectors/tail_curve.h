// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>
#include <vector>

namespace revertd::detect {

/// What share of the requests is slower than any latency, read from histogram buckets: probit of the cumulative share,
/// linear in the logarithm of the latency (exact for a log-normal latency), continued beyond the outermost edges; below
/// the lowest one as steeply as with a log standard deviation of a half at least, for what lies there is often the bulk
/// of the requests, and the edges see only the tail.
/// Answers what the share above an edge would be if all latencies were multiplied by a factor.
class TailCurve {
  public:
    /// `edges`: finite upper bounds, ascending; `counts`: requests a bucket, one more than edges.
    TailCurve(std::span<const double> edges, std::span<const double> counts);

    [[nodiscard]] double above(double log_latency) const;

    /// Another guess at what lies between the edges: a smooth curve through the same points (cubic, with the slopes of
    /// its neighbours, nowhere falling).
    [[nodiscard]] double smooth_above(double log_latency) const;

  private:
    [[nodiscard]] double step(std::size_t i) const { return x_[i + 1] - x_[i]; }

    [[nodiscard]] double rise(std::size_t i) const { return (z_[i + 1] - z_[i]) / step(i); }

    [[nodiscard]] double slope(std::size_t i) const;

    double requests_ = 1;
    std::vector<double> x_, z_;
};

}  // namespace revertd::detect
