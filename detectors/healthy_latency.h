// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "detectors/counts.h"
#include "detectors/latency_model.h"

namespace revertd::detect {

/// A warm-up of the new group, and of a control group that was started anew as well. With `from` it is one of some
/// requests only, those that miss a cold cache: `1 + amplitude exp(-age/tau)` times as many lie in the cells from there
/// on.
struct WarmUp {
    double amplitude = 0, tau = 1, beside = 0, tau_beside = 1;  ///< taus in seconds
    std::size_t from = 0;
    double now = 0;    ///< log factor in this tick
    double size = 0;   ///< of which this is the difference: how much is only roughly known
    double times = 1;  ///< so many requests from `from` on
    double more = 0;   ///< log-likelihood ratio of these, in this tick

    void at(double age);
};

/// How slow a healthy deploy may be: benign log factors x warm-up curves, learned tick by tick. The factor may wander a
/// little and is drawn anew now and then; a warm-up decays, log1p(A exp(-age/tau)), or ends all at once.
///
/// Source: a Bayes mixture over the points of a composite null, as NullMixture; the curves are our own.
class HealthyLatency {
  public:
    HealthyLatency() = default;
    HealthyLatency(const DeployShape& shape, const LatencyModel& model);

    /// The next tick is one of instances of this age, in seconds.
    void at(double age);
    /// How much of a warm-up is believed of it: its log factor.
    [[nodiscard]] double warmth() const;

    /// Warm-ups of some requests only: their `more` is to be set before `ask`.
    template <class Ask>
    void ask_cold_tails(const Ask& more_above);

    /// The log predictive of a tick with this log-likelihood of every tabulated factor, where `expected` is the log
    /// factor of both groups.
    [[nodiscard]] double ask(double expected, const double* table);
    /// The points learn from what was asked last, as from `share` of a tick.
    void learn(double share);
    /// So many seconds pass until the next tick.
    void pass(double dt);

    /// Nothing is known any more.
    void restart();
    /// The control group is cold anew, and the new group is not.
    void restart_beside();
    /// Some of the new group's instances are cold anew, in a way of their own or as others were before them: what is
    /// known of the factor stays.
    void restart_some();

  private:
    [[nodiscard]] std::span<double> row(std::size_t curve) {
        return {&weights_[curve * benign_.size()], benign_.size()};
    }

    [[nodiscard]] std::span<const double> row(std::size_t curve) const {
        return {&weights_[curve * benign_.size()], benign_.size()};
    }

    void warm_ups(std::span<const double> amplitudes, std::span<const double> taus);
    void cold_tails(std::span<const LatencyModel::Cell> cells);
    void cold_beside(std::span<const double> amplitudes, std::span<const double> taus);
    void weigh(std::span<const double> log_prior, std::size_t whole, std::size_t warm, double beside);
    void normalise();
    void end_warm_ups(double probability);
    void wander();
    void draw_anew(double probability);

    std::vector<WarmUp> curves_;
    std::vector<double> benign_;
    std::vector<double> prior_, weights_;    // curve x benign, a row for each curve
    std::vector<double> likelihood_, seen_;  // of the last tick: its logarithm, and itself by that of the best
    std::vector<std::size_t> alive_;         // curves that are not ruled out, ascending
    double top_ = 0;                         // of the likelihoods
    double wander_ = 0;                      // probability in a tick
};

inline constexpr double kOver = 0.003;  ///< of the log factor: nothing is left of a warm-up

template <class Ask>
void HealthyLatency::ask_cold_tails(const Ask& more_above) {
    for (const std::size_t c : alive_) {
        auto& curve = curves_[c];
        if (curve.from > 0) curve.more = curve.size < kOver ? 0 : more_above(curve.from, curve.times);
    }
}

}  // namespace revertd::detect
