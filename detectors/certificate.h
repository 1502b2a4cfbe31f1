// SPDX-License-Identifier: Apache-2.0
// How much worse may the new version still be? What a pass excludes.
#pragma once
#include <vector>

#include "detectors/counts.h"
#include "detectors/error_test.h"
#include "detectors/history.h"
#include "detectors/latency_model.h"

namespace revertd::detect {

/// The log-likelihood of everything seen, over a grid of the logarithm of what is asked about.
class LikelihoodGrid {
  public:
    LikelihoodGrid(double low, double step, std::size_t points) : low_(low), step_(step), values_(points, 0.0) {}

    [[nodiscard]] std::size_t size() const { return values_.size(); }

    [[nodiscard]] double at(std::size_t point) const { return low_ + step_ * static_cast<double>(point); }

    [[nodiscard]] double& operator[](std::size_t point) { return values_[point]; }

    /// The upper confidence bound of exp(x), when what was seen is x plus a healthy difference that is normal with the
    /// standard deviation `spread`; infinity: nothing is excluded.
    ///
    /// Source: inverting tests of "at least R", each against a mixture of smaller ratios: Robbins, "Statistical methods
    /// related to the law of the iterated logarithm" (1970); Howard, Ramdas et al., "Time-uniform confidence sequences"
    /// (2021); Waudby-Smith, Ramdas, "Confidence sequences for sampling without replacement" (2020) for the ratio of
    /// prior and posterior. Assumes that the likelihood of ratios is monotone, and that the effect does not change: one
    /// that comes late counts as its mean over the bake. Guarantee (Ville's inequality): P(the bound is ever below the
    /// effect) <= alpha.
    [[nodiscard]] double upper(double spread, double alpha) const;

  private:
    [[nodiscard]] double value(double x) const;

    double low_, step_;
    std::vector<double> values_;
};

/// An upper confidence sequence for the errors, or the latency, of a deploy relative to the time before, or with a
/// control group relative to that: what hits both groups is no effect. Allocates nothing in `tick`.
///
/// Beside a control group the errors of the new one are a binomial share of those of both, and its latencies are
/// compared with what the control group's look like just then; what each group does on its own beyond chance divides
/// the information of a tick (quasi-likelihood: Wedderburn, "Quasi-likelihood functions", 1974).
///
/// Buckets tell a latency factor only as well as they interpolate, and not beyond the edges that requests were seen
/// above before; so the bound has a margin, and is never below the ratio of the quantiles that anybody can compute.
class Certificate {
  public:
    enum class Of { Errors, Latency };

    /// Standard deviation of the logarithm of what differs between two healthy versions and is no effect: less than the
    /// tests take for granted (detectors/tuning.h), because what people had to bear counts here, drift and all.
    static constexpr double kHealthyErrors = 0.05;

    Certificate(Of of, const DeployShape& shape, const History& history);

    /// One tick after the deploy; ticks of the grace after it say nothing, those of starting up would count.
    /// `reference` only with a control group; a tick without its requests says nothing.
    void tick(const GroupTick& fresh, const GroupTick* reference = nullptr);

    /// More than so many times is excluded at 1 - alpha; infinity: nothing is.
    [[nodiscard]] double upper(double alpha) const;

  private:
    void count_errors(const Events& fresh);
    void count_errors_beside(const Events& fresh, const Events& reference);
    void count_latency(const GroupTick& fresh, const GroupTick* reference);
    [[nodiscard]] double quantiles() const;

    Of of_;
    double rate_ = 0, extra_ = 0, spread_ = 0, grace_ = 0;
    bool control_;
    OwnNoise noise_{0};
    LatencyModel model_;
    LikelihoodGrid seen_;
    double requests_ = 0, quantile_;
    std::vector<double> edges_, fresh_, reference_;  ///< latency: in each bucket
};

}  // namespace revertd::detect
