// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>
#include <vector>

#include "detectors/counts.h"
#include "detectors/evidence.h"
#include "detectors/shared_level.h"

namespace revertd::detect {

/// The healthy differences between two groups: points of a log-normal ratio with the given standard deviation of its
/// logarithm, from -3 to +3 of them.
struct BenignRatios {
    std::vector<double> log_ratio, log_prior;

    explicit BenignRatios(double sd);
};

/// Compares how often events happen in a group with the common level, tick by tick: log-likelihood ratios of each
/// alternative ratio against "a healthy deploy", whose own ratio is drawn from BenignRatios and learned.
class RatioComparison {
  public:
    /// `sd`: of the logarithm of a healthy ratio. `alternatives`: ratios, ascending.
    RatioComparison(const SharedLevel& level, double sd, std::span<const double> alternatives);

    /// `reference` is {0, 0} without a control group; `extra` is the relative variance of the group's level around the
    /// common one. `llr` has one entry for each alternative. False: nothing was asked, and nothing is learned.
    bool compare(const Events& fresh, const Events& reference, double extra, std::span<double> llr);

  private:
    SharedLevel level_;
    std::vector<double> null_ratios_, alternatives_, likelihood_;
    NullMixture null_;
};

}  // namespace revertd::detect
