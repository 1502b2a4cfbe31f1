// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "detectors/counts.h"
#include "detectors/history.h"

namespace revertd::detect {

/// What the time before the deploy says about latency: the buckets are joined to a few cells, and for each the share of
/// the requests that would lie in it if all latencies were multiplied by a factor.
class LatencyModel {
  public:
    /// Factors are tabulated over [kLow, kLow + kStep (kSteps - 1)] in their logarithm.
    static constexpr double kLow = -0.3, kStep = 0.05;
    static constexpr std::size_t kSteps = 48;
    static constexpr double kLeastCommon = -0.225, kMostCommon = 0.9;  ///< as far as the table reaches beyond them
    static constexpr std::size_t kMostCells = 8;

    struct Cell {
        std::size_t first = 0, last = 0;       ///< buckets
        double share = 0;                      ///< of the requests before the deploy
        double slope = 0;                      ///< d log share / d log factor at factor 1
        std::vector<double> log_ratio, ratio;  ///< of the share to that at factor 1, for every tabulated factor
    };

    LatencyModel(const DeployShape& shape, const History& history);

    [[nodiscard]] std::span<const Cell> cells() const { return cells_; }

    /// Nothing to compare with: too few requests before the deploy, or no bucket edge in a useful place.
    [[nodiscard]] bool empty() const { return cells_.size() < 2; }

    /// Without a control group: the log factor to expect at `at` seconds after the deploy, from the level of the last
    /// minutes before it and the steady drift of the whole time, as far as that is sure. Daily load drifts.
    [[nodiscard]] double expected(double at) const { return level_ + trend_ * at; }

    /// Standard deviation of the log factor of a healthy deploy.
    [[nodiscard]] double spread() const { return spread_; }

    /// Variance of the log factor from tick to tick, beyond chance.
    [[nodiscard]] double jitter() const { return jitter_; }

    /// Share of the requests that lie below the lowest edge, or between two that are far apart: where they would be if
    /// all were slower is a guess.
    [[nodiscard]] double unseen() const { return unseen_; }

    /// Fisher information of one request about the log factor.
    [[nodiscard]] double information() const { return information_; }

    /// Requests in each cell.
    void fill(std::span<const double> buckets, std::span<double> cells) const;

    /// How far the counts lie from factor 1, in its logarithm: one step of Fisher scoring.
    [[nodiscard]] double shift(std::span<const double> cells) const;

    /// The log factor that all requests of a tick look most like, in any group: 0 unless they clearly do. What is slow
    /// for both groups has other shares above the edges, and a factor between the groups shows in other cells.
    [[nodiscard]] double common(std::span<const double> cells) const;

  private:
    void choose_cells(const DeployShape& shape, std::span<const double> counts);
    void learn_jitter(const History& history);
    void learn_level(const History& history);
    void learn_trend(const History& history);
    [[nodiscard]] double wandered(const History& history, double bake) const;

    std::vector<Cell> cells_;
    double spread_ = 0.03, jitter_ = 0, information_ = 1, level_ = 0, trend_ = 0, unseen_ = 0;
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
