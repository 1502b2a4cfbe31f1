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
constexpr double kIncidentLasts = 95;  // seconds in the mean
constexpr double kMovedWeight = 0.05;  // prior weight of a level that is not the usual one any more
constexpr double kMovedStays = 900;    // seconds
constexpr double kLately = 120;        // seconds that a moved level is taken from
constexpr double kMovedDoubt = 0.1;    // relative variance: it goes on moving
constexpr double kNegligible = 1e-15;  // weight of a state that is not evaluated

using Weights = std::array<double, SharedLevel::kStates>;

/// The logarithm of the mean likelihood, relative to `top`; `after` is what the states weigh then.
double mix(const Weights& weight, const Weights& log_likelihood, double top, Weights& after) {
    double total = 0;
    for (std::size_t s = 0; s < weight.size(); ++s)
        total += after[s] = weight[s] > 0 ? weight[s] * std::exp(log_likelihood[s] - top) : 0;
    for (double& w : after) w /= total;
    return std::log(total);
}

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
    if (dt != dt_) {
        dt_ = dt;
        stays_ = std::exp(-dt / kMovedStays);
        goes_on_ = std::exp(-dt / kIncidentLasts);
        fades_ = std::exp(-dt / kLately);
    }
    lately_.errors *= fades_;
    lately_.requests *= fades_;
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
    std::array<double, kStates> likelihood{}, believed{};
    double top = -1e300;
    for (std::size_t s = 0; s < kStates; ++s) {
        if (weight_[s] <= 0) continue;
        const double spread = 1 / (1 / shape_[s] + own);
        likelihood[s] = requests > 0 ? negative_binomial_log(events, requests * mean_[s], spread) : 0;
        top = std::max(top, likelihood[s]);
    }
    Now now;
    now.log_evidence = top + mix(weight_, likelihood, top, believed);
    now.calm = believed[0];
    for (std::size_t s = 0; s < kStates; ++s) {
        if (believed[s] < kNegligible) continue;
        // Clumped events count as if they were fewer.
        const double design = 1 + own * requests * mean_[s];
        const double shape = shape_[s] + events / design;
        now.states[now.used++] = {believed[s], shape, shape / (shape_[s] / mean_[s] + requests / design), s};
    }
    pass_on(believed);
    follow({requests, events}, 1, own, 1);
    return now;
}

SharedLevel::Now SharedLevel::usual() const {
    Now now;
    now.states[now.used++] = {1, shape_[0], mean_[0], 0};
    return now;
}

/// What is believed of this tick becomes what is expected of the next. An incident is soon over; what has moved stays.
void SharedLevel::pass_on(const std::array<double, kStates>& believed) {
    const double moved = stays_ * believed[kMoved] + (1 - stays_) * prior_[kMoved];
    const double rest = std::max(1 - believed[kMoved], 1e-300), usual = 1 - prior_[kMoved];
    for (std::size_t s = 0; s < kJumps; ++s)
        weight_[s] = (1 - moved) * (goes_on_ * believed[s] / rest + (1 - goes_on_) * prior_[s] / usual);
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
        terms_[s] = {state.weight, log_rising(shape, events), shape, requests * state.mean, requests * kMostRatio};
    }
}

void SharedLevel::hear(const Now& now, const Heard& heard, const Events& tick, double ratio, double own, double share) {
    std::array<double, kStates> believed{};
    for (std::size_t i = 0; i < now.used; ++i) {
        const auto& state = now.states[i];
        believed[state.id] = share * heard.weight[i] + (1 - share) * state.weight;
    }
    pass_on(believed);
    follow(tick, ratio, own, share);
}

double LevelLikelihood::at(double ratio) const {
    return hear(ratio).log_likelihood;
}

/// Negative binomial, but for the constant.
double LevelLikelihood::of(const Term& term, double ratio) const {
    const double odds = std::max(std::min(term.unit * ratio, term.most), 1e-12) / term.shape;
    const double none = term.constant - (term.shape + events_) * std::log(1 + odds);
    return events_ > 0 ? none + events_ * std::log(odds) : none;
}

SharedLevel::Heard LevelLikelihood::hear(double ratio) const {
    if (used_ == 1) return {of(terms_[0], ratio), {1}};
    std::array<double, SharedLevel::kStates> likelihood{}, weight{};
    double top = -1e300;
    for (std::size_t s = 0; s < used_; ++s) {
        weight[s] = terms_[s].weight;
        likelihood[s] = of(terms_[s], ratio);
        top = std::max(top, likelihood[s]);
    }
    SharedLevel::Heard heard;
    heard.log_likelihood = top + mix(weight, likelihood, top, heard.weight);
    return heard;
}

}  // namespace revertd::detect
