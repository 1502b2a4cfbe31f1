// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>
#include <vector>

#include "detectors/counts.h"
#include "detectors/evidence.h"
#include "detectors/shared_level.h"

namespace revertd::detect {

/// The healthy differences between two groups: points of a log-normal ratio with the given standard deviation of its
/// logarithm, from -3 to +3 of them, near enough to each other that precise data never fall between two.
struct BenignRatios {
    std::vector<double> log_ratio, log_prior;

    double step = 0;  ///< between two of them

    /// `most`: of the step.
    BenignRatios(double sd, double most);
};

/// What is known of a healthy ratio before it is seen: the standard deviation of its logarithm, and with the weight
/// `goes_on` it is `incident` times that, because it was so when the deploy began.
struct HealthyRatios {
    double sd = 0.1, incident = 1, goes_on = 0;
};

/// Errors that come and go: an alternative that is on for half a minute and off for a minute and a half, on average,
/// and while it is off looks as healthy as any. A hidden Markov chain of two states; the probability of being on
/// follows from the ticks before.
class Flapping {
  public:
    explicit Flapping(double ratio) : ratio_(ratio) {}

    [[nodiscard]] double ratio() const { return ratio_; }

    /// The log predictive of a tick with these log-likelihoods while it is on, or off.
    double predict(double on, double off, double dt);

  private:
    double ratio_, on_ = 0.25;
};

/// Compares how often events happen in a group with the common level, tick by tick: log-likelihood ratios of each
/// alternative ratio against "a healthy deploy", whose own ratio is drawn from BenignRatios and learned.
class RatioComparison {
  public:
    /// `alternatives`: ratios, ascending. `flapping`: ratios that come and go. A blip may have the strength of any of
    /// them: what no blip could be would be found in one.
    RatioComparison(const SharedLevel& level, const HealthyRatios& healthy, std::span<const double> alternatives,
                    Blips blips, double drift, std::span<const double> flapping = {});

    /// `reference` is {0, 0} without a control group; `extra` is the relative variance of each group's level around the
    /// common one. `llr` has one entry for each alternative, those that flap last. False: nothing was asked, and
    /// nothing is learned.
    bool compare(const Events& fresh, const Events& reference, double extra, double dt, std::span<double> llr);

  private:
    SharedLevel level_;
    std::vector<double> null_ratios_, alternatives_, likelihood_;
    std::vector<Flapping> flapping_;
    NullMixture null_;
    Blips blips_;
};

}  // namespace revertd::detect
