// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>

#include "detectors/counts.h"

namespace revertd::detect {

/// The event rate common to both groups: history says what it usually is, the control group what it is in this tick,
/// an incident of some minutes lets it jump, and it may have moved to where it was in the last minutes, so that what
/// hits both is no evidence against either.
///
/// Source: Lindon, Malek, "Anytime-valid inference for multinomial count data" (NeurIPS 2022) for the conjugate test;
/// the mixture over incidents is our own. Usual level Gamma(shape, mean = level), incidents Gamma(1, level x 5, 30,
/// 150); moved Gamma(shape 10 at most, mean of the last minutes), a dynamic Poisson-Gamma model with discounting (West,
/// Harrison, "Bayesian Forecasting and Dynamic Models", 1997). With few control events it leans on history (one error
/// counts for much); with many it becomes the conditional binomial test, in which common factors cancel. The control
/// group has clumps of its own: its events tell of the common level only as far as these allow, however many they are.
class SharedLevel {
  public:
    static constexpr std::size_t kStates = 5;

    /// What is known of the level in this tick: a mixture of Gamma distributions (weight, shape, mean).
    struct Now {
        struct State {
            double weight = 1, shape = 1, mean = 0;
            std::size_t id = 0;
        };

        std::array<State, kStates> states;
        std::size_t used = 0;
        double log_evidence = 0;  ///< log-likelihood of the control group's tick, but for a constant
        double calm = 1;          ///< probability that there is no incident
    };

    SharedLevel() = default;
    /// `level`: events a request. `incident`: prior weight of each incident state; 0 without a control group.
    SharedLevel(double level, double shape, double incident);

    /// What is usual is known better now; incidents are relative to it.
    void usual(double level, double shape);

    /// The control group's tick of `dt` seconds, (0, 0) without one; `own`: relative variance of its rate around the
    /// common level.
    [[nodiscard]] Now observe(double events, double requests, double own, double dt);

    /// The usual level, whatever the control group tells.
    [[nodiscard]] Now usual() const;

    /// What a tick of the other group says: its log-likelihood, and the weights of `Now`'s states after it.
    struct Heard {
        double log_likelihood = 0;
        std::array<double, kStates> weight{};
    };

    /// The other group's tick, whose rate is the common one times `ratio`, tells of it, too. It counts as `share` of a
    /// tick.
    void hear(const Now& now, const Heard& heard, const Events& tick, double ratio, double own, double share);

  private:
    void pass(double dt);
    void follow(const Events& tick, double ratio, double own, double share);
    void pass_on(const std::array<double, kStates>& believed);

    std::array<double, kStates> shape_{}, mean_{}, prior_{}, weight_{};
    Events lately_;  ///< of the last minutes, as if it were one group
    /// In a tick of so many seconds: what has moved, an incident, and what was lately seen.
    double dt_ = 0, stays_ = 1, goes_on_ = 1, fades_ = 1;
};

/// What is believed of a usual event rate: Gamma(events, requests), so many events in so many requests. With few events
/// before the deploy it is known only roughly, and what comes in the bake teaches it.
class UsualRate {
  public:
    static constexpr double kMostEvents = 400;  ///< that are remembered: rates drift by some percent

    /// As known as after `events` events.
    UsualRate(double rate, double events) : events_(events), requests_(events / rate) {}

    [[nodiscard]] double mean() const { return events_ / requests_; }

    /// Relative variance.
    [[nodiscard]] double doubt() const { return 1 / events_; }

    /// A tick in which the rate was expected to be `ratio` times the usual one, with clumps of relative variance
    /// `extra`; it counts as `share` of a tick.
    void learn(const Events& tick, double ratio, double extra, double share);

  private:
    double events_, requests_;
};

/// What a group's tick of `events` in `requests` says about ratios to the common level: log-likelihoods that differ
/// from the true ones by a constant. Evaluate once a tick, then ask for many ratios.
class LevelLikelihood {
  public:
    /// `extra`: variance of the group's own level around the common one, relative.
    LevelLikelihood(const SharedLevel::Now& now, double events, double requests, double extra);

    [[nodiscard]] double at(double ratio) const;

    /// The same, and what it says of the states.
    [[nodiscard]] SharedLevel::Heard hear(double ratio) const;

  private:
    struct Term {
        double weight = 1, constant = 0, shape = 1, unit = 0, most = 0;
    };

    [[nodiscard]] double of(const Term& term, double ratio) const;

    std::array<Term, SharedLevel::kStates> terms_;
    std::size_t used_ = 0;
    double events_;
};

}  // namespace revertd::detect
