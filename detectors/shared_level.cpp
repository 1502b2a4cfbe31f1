// SPDX-License-Identifier: Apache-2.0
#include "detectors/shared_level.h"

#include <algorithm>
#include <cmath>

#include "detectors/statistics.h"

namespace revertd::detect {
namespace {

constexpr std::size_t kJumps = 4;  // states, of them the usual one
constexpr std::size_t kMoved = kJumps;
constexpr std::array<double, kJumps> kFactor = {1, 5, 30, 150};
constexpr double kMostLevel = 0.6;     // of requests: an incident is no more than that
constexpr double kMostRatio = 0.97;    // of requests: nothing fails always, or one success would be infinite evidence
constexpr double kStays = 0.9;         // an incident goes on from one tick to the next
constexpr double kMovedWeight = 0.05;  // prior weight of a level that is not the usual one any more
constexpr double kMovedStays = 900;    // seconds
constexpr double kLately = 120;        // seconds that a moved level is taken from
constexpr double kMovedDoubt = 0.1;    // relative variance: it goes on moving
constexpr double kNegligible = 1e-15;  // weight of a state that is not evaluated

}  // namespace

SharedLevel::SharedLevel(double level, double shape, double incident) {
    shape_.fill(1);
    prior_.fill(incident);
    prior_[kMoved] = incident > 0 ? kMovedWeight : 0;
    prior_[0] = 1 - (kJumps - 1) * incident - prior_[kMoved];
    weight_ = prior_;
    usual(level, shape);
}

void SharedLevel::usual(double level, double shape) {
    shape_[0] = shape;
    for (std::size_t s = 0; s < kJumps; ++s) mean_[s] = std::min(level * kFactor[s], kMostLevel);
}

/// What was seen lately fades; of an event's worth of the usual level something is always left.
void SharedLevel::pass(double dt) {
    stays_ = std::exp(-dt / kMovedStays);
    const double fades = std::exp(-dt / kLately);
    lately_.errors *= fades;
    lately_.requests *= fades;
    const double events = 1 + lately_.errors;
    mean_[kMoved] = std::min(events / (1 / mean_[0] + lately_.requests), kMostLevel);
    shape_[kMoved] = 1 / (1 / shape_[0] + 1 / events + kMovedDoubt);
}

/// Clumped events count as if they were fewer.
void SharedLevel::follow(const Events& tick, double ratio, double own, double share) {
    const double expected = tick.requests * ratio;
    const double counts = share / (1 + own * expected * mean_[kMoved]);
    lately_.errors += counts * tick.errors;
    lately_.requests += counts * expected;
}

SharedLevel::Now SharedLevel::observe(double events, double requests, double own, double dt) {
    pass(dt);
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
    std::array<double, kStates> believed{};
    for (std::size_t s = 0; s < kStates; ++s) {
        const double weight = believed[s] = std::exp(log_weight[s] - total);
        if (weight < kNegligible) continue;
        // Clumped events count as if they were fewer.
        const double design = 1 + own * requests * mean_[s];
        const double shape = shape_[s] + events / design;
        now.states[now.used++] = {log_weight[s] - total, shape, shape / (shape_[s] / mean_[s] + requests / design), s};
    }
    pass_on(believed);
    follow({requests, events}, 1, own, 1);
    return now;
}

/// What is believed of this tick becomes what is expected of the next. An incident is soon over; what has moved stays.
void SharedLevel::pass_on(const std::array<double, kStates>& believed) {
    const double moved = stays_ * believed[kMoved] + (1 - stays_) * prior_[kMoved];
    const double rest = std::max(1 - believed[kMoved], 1e-300), usual = 1 - prior_[kMoved];
    for (std::size_t s = 0; s < kJumps; ++s)
        weight_[s] = (1 - moved) * (kStays * believed[s] / rest + (1 - kStays) * prior_[s] / usual);
    weight_[kMoved] = moved;
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

void SharedLevel::hear(const Now& now, const std::array<double, kStates>& seen, const Events& tick, double ratio,
                       double own, double share) {
    const double total = log_sum_exp({seen.data(), now.used});
    std::array<double, kStates> believed{};
    for (std::size_t i = 0; i < now.used; ++i) {
        const auto& state = now.states[i];
        believed[state.id] = share * std::exp(seen[i] - total) + (1 - share) * std::exp(state.log_weight);
    }
    pass_on(believed);
    follow(tick, ratio, own, share);
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
