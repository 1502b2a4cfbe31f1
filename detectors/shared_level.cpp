// SPDX-License-Identifier: Apache-2.0
#include "detectors/shared_level.h"

#include <algorithm>
#include <cmath>

#include "detectors/statistics.h"

namespace revertd::detect {
namespace {

constexpr std::array<double, SharedLevel::kStates> kFactor = {1, 5, 30, 150};
constexpr double kMostLevel = 0.6;     // of requests: an incident is no more than that
constexpr double kMostRatio = 0.97;    // of requests: nothing fails always, or one success would be infinite evidence
constexpr double kStays = 0.9;         // an incident goes on from one tick to the next
constexpr double kNegligible = 1e-15;  // weight of a state that is not evaluated

}  // namespace

SharedLevel::SharedLevel(double level, double shape, double incident) {
    shape_.fill(1);
    prior_.fill(incident);
    prior_[0] = 1 - (kStates - 1) * incident;
    weight_ = prior_;
    usual(level, shape);
}

void SharedLevel::usual(double level, double shape) {
    shape_[0] = shape;
    for (std::size_t s = 0; s < kStates; ++s) mean_[s] = std::min(level * kFactor[s], kMostLevel);
}

SharedLevel::Now SharedLevel::observe(double events, double requests, double own) {
    std::array<double, kStates> log_weight{};
    for (std::size_t s = 0; s < kStates; ++s) {
        const double spread = 1 / (1 / shape_[s] + own);
        log_weight[s] = weight_[s] <= 0
                            ? -1e300
                            : std::log(weight_[s]) +
                                  (requests > 0 ? negative_binomial_log(events, requests * mean_[s], spread) : 0);
    }
    const double total = log_sum_exp(log_weight);
    Now now;
    now.log_evidence = total;
    now.calm = std::exp(log_weight[0] - total);
    for (std::size_t s = 0; s < kStates; ++s) {
        const double weight = std::exp(log_weight[s] - total);
        weight_[s] = kStays * weight + (1 - kStays) * prior_[s];
        if (weight < kNegligible) continue;
        // Clumped events count as if they were fewer.
        const double design = 1 + own * requests * mean_[s];
        const double shape = shape_[s] + events / design;
        now.states[now.used++] = {log_weight[s] - total, shape, shape / (shape_[s] / mean_[s] + requests / design), s};
    }
    return now;
}

void UsualRate::learn(const Events& tick, double ratio, double extra, double share) {
    const double expected = tick.requests * ratio;
    const double counts = share / (1 + extra * expected * mean());  // clumped events count as if they were fewer
    events_ += counts * std::min(tick.errors, expected);  // more are a counter that leapt, and would never be forgotten
    requests_ += counts * expected;
    const double keeps = std::min(1.0, kMostEvents / events_);
    events_ *= keeps;
    requests_ *= keeps;
}

LevelLikelihood::LevelLikelihood(const SharedLevel::Now& now, double events, double requests, double extra)
    : used_(now.used), events_(events) {
    for (std::size_t s = 0; s < used_; ++s) {
        const auto& state = now.states[s];
        const double shape = 1 / (1 / state.shape + extra);
        terms_[s] = {state.log_weight + log_rising(shape, events) + shape * std::log(shape), shape,
                     requests * state.mean, requests * kMostRatio};
    }
}

void SharedLevel::hear(const Now& now, const std::array<double, kStates>& seen, double share) {
    const double total = log_sum_exp({seen.data(), now.used});
    for (std::size_t i = 0; i < now.used; ++i) {
        const auto& state = now.states[i];
        const double believed = share * std::exp(seen[i] - total) + (1 - share) * std::exp(state.log_weight);
        weight_[state.id] = kStays * believed + (1 - kStays) * prior_[state.id];
    }
}

double LevelLikelihood::at(double ratio) const {
    const auto x = each(ratio);
    return used_ == 1 ? x[0] : log_sum_exp({x.data(), used_});
}

std::array<double, SharedLevel::kStates> LevelLikelihood::each(double ratio) const {
    std::array<double, SharedLevel::kStates> x{};
    for (std::size_t s = 0; s < used_; ++s) {
        const auto& term = terms_[s];
        const double mean = std::max(std::min(term.unit * ratio, term.most), 1e-12);
        x[s] = term.constant - (term.shape + events_) * std::log(term.shape + mean) +
               (events_ > 0 ? events_ * std::log(mean) : 0);
    }
    return x;
}

}  // namespace revertd::detect
