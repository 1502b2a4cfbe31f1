// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
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

/// What is known before the deploy of the rate common to both groups.
struct CommonRate {
    double rate = 1e-3;   ///< events a request
    double clumps = 0.1;  ///< relative variance from tick to tick
    double incident = 0;  ///< as of SharedLevel
    double known = 0;     ///< by how many events; 0: what is not known of it is part of `sd`
};

/// Compares how often events happen in a group with the common level, tick by tick: log-likelihood ratios of each
/// alternative ratio against "a healthy deploy", whose own ratio is drawn from BenignRatios and learned. With few
/// events before the deploy the common rate is learned as well, by every hypothesis from what it believes to be common:
/// a healthy deploy from both groups, an alternative from the control group alone.
class RatioComparison {
  public:
    /// `alternatives`: ratios, ascending. `flapping`: ratios that come and go. A blip may have the strength of any of
    /// them: what no blip could be would be found in one.
    RatioComparison(const CommonRate& common, const HealthyRatios& healthy, std::span<const double> alternatives,
                    Blips blips, double drift, std::span<const double> flapping = {});

    /// `reference` is {0, 0} without a control group; `extra` is the relative variance of each group's level around the
    /// common one. `llr` has one entry for each alternative, those that flap last. False: nothing was asked, and
    /// nothing is learned.
    bool compare(const Events& fresh, const Events& reference, double extra, double dt, std::span<double> llr);

  private:
    /// How surely the last tick was calm: as far as that one may learn from it.
    [[nodiscard]] double surely_calm() const { return blips_.calm() * fewer_.calm() * as_usual_.calm(); }

    /// One belief in the common rate.
    struct Belief {
        SharedLevel level;
        UsualRate rate;
        SharedLevel::Now now{};      ///< after the control group's tick
        SharedLevel::Heard heard{};  ///< from the new group's tick
    };

    [[nodiscard]] double as_usual(double calm, const Events& fresh, double extra, double dt);
    void ask_each(const Events& fresh, const Events& reference, double extra, double dt);
    void teach_each(const Events& fresh, const Events& reference, double extra);

    double clumps_;
    bool learns_;
    Belief common_;
    std::vector<Belief> beliefs_;  // of each healthy ratio
    std::vector<double> null_ratios_, alternatives_, likelihood_, seen_;
    std::vector<Flapping> flapping_;
    NullMixture null_;
    Spells fewer_, as_usual_;
    Blips blips_;
};

}  // namespace revertd::detect
