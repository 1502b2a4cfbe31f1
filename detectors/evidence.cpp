// SPDX-License-Identifier: Apache-2.0
#include "detectors/evidence.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "detectors/statistics.h"

namespace revertd::detect {
namespace {

// Far beyond every limit; below it products stay finite.
constexpr double kMost = 1e290;
constexpr double kLeastOnset = 1e-4;
constexpr double kLeastWeight = 1e-290;                 // of a point of the null: no point is ever ruled out
constexpr double kBlipEvery = 900, kUsualBlips = 2;     // seconds; as many as are usual
constexpr double kMostBlips = 0.3;                      // of the ticks
constexpr double kMostSpells = 0.1, kSpellKeeps = 0.8;  // of the ticks; of a spell's ticks, its strength
constexpr double kFlapOn = 30, kFlapOff = 90;           // seconds
constexpr double kBlipMean = 0.7;                       // of the longest: the usual length

}  // namespace

OnsetMixture::OnsetMixture(std::vector<double> weights, double bake, double log_limit, double least)
    : weights_(std::move(weights)),
      sums_(weights_.size(), kAtDeploy),
      bake_(bake),
      log_limit_(log_limit),
      least_(least) {
    for (const double w : weights_) log_weights_.push_back(std::log(w));
}

void OnsetMixture::reweigh(std::span<const double> factors) {
    double total = 0;
    for (std::size_t k = 0; k < weights_.size(); ++k) total += weights_[k] * factors[k];
    for (std::size_t k = 0; k < weights_.size(); ++k) {
        weights_[k] *= factors[k] / total;
        log_weights_[k] = std::log(weights_[k]);
    }
    add_up();
}

double OnsetMixture::onset(double dt) {
    const double before = elapsed_;
    elapsed_ = std::min(elapsed_ + dt, bake_);
    const double share = std::log((elapsed_ + kScale) / (before + kScale)) / std::log((bake_ + kScale) / kScale);
    return (1 - kAtDeploy) * share;
}

void OnsetMixture::step(std::span<const double> llr, double dt) {
    const double fresh = onset(dt);
    // After the end of the bake no change begins any more, and the limit alone is what is to be reached.
    const double needed = log_limit_ - std::log(std::max(fresh, kLeastOnset));
    for (std::size_t k = 0; k < sums_.size(); ++k) {
        const double most = (needed - log_weights_[k]) * dt / least_;
        sums_[k] = std::min(std::exp(std::min(llr[k], most)) * (sums_[k] + fresh), kMost);
    }
    add_up();
}

void OnsetMixture::skip(double dt) {
    const double fresh = onset(dt);
    for (auto& sum : sums_) sum = std::min(sum + fresh, kMost);
    add_up();
}

void OnsetMixture::add_up() {
    value_ = std::inner_product(sums_.begin(), sums_.end(), weights_.begin(), 0.0);
}

void OnsetMixture::remember(std::size_t ticks) {
    marks_.assign(ticks, 0.0);
    marked_.assign(ticks * sums_.size(), 0.0);
}

void OnsetMixture::mark(double at) {
    if (marks_.empty()) return;
    const std::size_t row = mark_count_++ % marks_.size();
    marks_[row] = at;
    std::copy(sums_.begin(), sums_.end(), marked_.begin() + static_cast<std::ptrdiff_t>(row * sums_.size()));
}

void OnsetMixture::back_to(double since) {
    const std::size_t known = std::min(mark_count_, marks_.size());
    for (std::size_t back = 1; back <= known; ++back) {
        const std::size_t row = (mark_count_ - back) % marks_.size();
        if (marks_[row] > since + 1e-6 && back < known) continue;
        // Never more than there is now: going back must not bring evidence back that later ticks took away.
        for (std::size_t k = 0; k < sums_.size(); ++k) sums_[k] = std::min(sums_[k], marked_[row * sums_.size() + k]);
        break;
    }
    add_up();
}

std::size_t OnsetMixture::strongest() const {
    std::size_t best = 0;
    for (std::size_t k = 1; k < sums_.size(); ++k) {
        if (weights_[k] * sums_[k] > weights_[best] * sums_[best]) best = k;
    }
    return best;
}

NullMixture::NullMixture(std::vector<double> log_prior, double drift) : prior_(std::move(log_prior)), drift_(drift) {
    const double total = log_sum_exp(prior_);
    for (auto& p : prior_) p = std::exp(p - total);
    weights_ = prior_;
}

double NullMixture::predict(std::span<const double> likelihood) {
    const double predictive = ask(likelihood);
    learn(likelihood, 1);
    return predictive;
}

double NullMixture::ask(std::span<const double> likelihood) const {
    const double top = *std::max_element(likelihood.begin(), likelihood.end());
    if (!std::isfinite(top)) return top;
    double sum = 0;
    for (std::size_t i = 0; i < weights_.size(); ++i) sum += weights_[i] * std::exp(likelihood[i] - top);
    return top + std::log(sum);
}

void NullMixture::learn(std::span<const double> likelihood, double share) {
    const double top = *std::max_element(likelihood.begin(), likelihood.end());
    double total = 0;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
        weights_[i] = std::max(weights_[i] * std::exp(share * (likelihood[i] - top)), kLeastWeight);
        total += weights_[i];
    }
    for (std::size_t i = 0; i < weights_.size(); ++i)
        weights_[i] = (1 - drift_) * weights_[i] / total + drift_ * prior_[i];
}

void NullMixture::restart() {
    std::copy(prior_.begin(), prior_.end(), weights_.begin());
}

std::size_t ticks_of_a_blip(double seconds, double interval) {
    return static_cast<std::size_t>(std::floor(seconds / interval)) + 1;
}

double count_blips(const std::vector<bool>& bad, std::size_t longest) {
    double count = 0;
    std::size_t run = 0;
    for (const bool more : bad) {
        if (!more && run > 0 && run <= longest) ++count;
        run = more ? run + 1 : 0;
    }
    return count;
}

Blips::Blips(double seconds, double interval, std::size_t strengths, const PastBlips& before, const BlipCourse& course)
    : strengths_(strengths),
      stays_(course.any_length ? 1 : std::exp(-interval / (kBlipMean * seconds))),
      keeps_(course.keeps),
      ages_(ticks_of_a_blip(seconds, interval) * strengths, 0.0),
      likelihood_(strengths),
      elapsed_(before.seconds),
      usual_(0.5 + before.count) {
    if (!course.under_way) return;
    // As many are in their nth tick as in their first one, and as much of the time is calm.
    const double begun = begins(interval, 1), longest = static_cast<double>(ages_.size() / strengths_);
    std::fill(ages_.begin(), ages_.end(), begun / (1 + begun * longest) / static_cast<double>(strengths_));
}

double Blips::begins(double dt, double likelier) const {
    const double rate = (usual_ + std::min(seen_, kUsualBlips)) / (kBlipEvery + elapsed_);
    return std::min(kMostBlips, dt * rate * likelier) * calm_;
}

double Blips::predict(double calm, std::span<const double> within, double dt, double likelier) {
    if (ages_.empty()) return calm;
    std::fill_n(ages_.begin(), strengths_, begins(dt, likelier) / static_cast<double>(strengths_));
    elapsed_ += dt;
    const double top = *std::max_element(within.begin(), within.end());
    for (std::size_t k = 0; k < strengths_; ++k) likelihood_[k] = std::exp(within[k] - top);
    double blip = 0, sum = 0;
    for (std::size_t i = 0; i < ages_.size(); ++i) {
        blip += ages_[i];
        sum += ages_[i] * likelihood_[i % strengths_];
    }
    const double a = std::log1p(-std::min(blip, 0.999)) + calm, b = std::log(sum) + top;
    const double predictive = std::max(a, b) + std::log1p(std::exp(-std::abs(a - b)));
    grow_older(std::exp(top - predictive));
    // Not what the blips leave of 1: where hardly anything is calm no digits would remain.
    calm_ = std::min(std::exp(a - predictive), 1.0);
    return predictive;
}

/// What was expected of the tick becomes what is believed of it, and expected of the next.
void Blips::grow_older(double scale) {
    for (std::size_t age = ages_.size(); age > 0; age -= strengths_) {
        const std::span here = std::span(ages_).subspan(age - strengths_, strengths_);
        double believed = 0;
        for (std::size_t k = 0; k < strengths_; ++k) believed += here[k] *= likelihood_[k] * scale;
        if (age == strengths_) seen_ += believed;
        if (age == ages_.size()) continue;
        const double anew = (1 - keeps_) * believed / static_cast<double>(strengths_);
        for (std::size_t k = 0; k < strengths_; ++k) ages_[age + k] = stays_ * (keeps_ * here[k] + anew);
    }
}

double Spells::predict(double calm, std::span<const double> within, double dt) {
    const double begins = std::min(kMostSpells, dt / course_.every), ends = -std::expm1(-dt / course_.lasts);
    const double n = static_cast<double>(within_.size());
    const double spell = std::accumulate(within_.begin(), within_.end(), 0.0);
    const double anew = ((1 - kSpellKeeps) * (1 - ends) * spell + begins * calm_) / n;
    const double rest = calm_ * (1 - begins) + ends * spell;
    const double top = std::max(calm, *std::max_element(within.begin(), within.end()));
    double sum = rest * std::exp(calm - top);
    calm_ = sum;
    for (std::size_t k = 0; k < within_.size(); ++k) {
        within_[k] = (kSpellKeeps * (1 - ends) * within_[k] + anew) * std::exp(within[k] - top);
        sum += within_[k];
    }
    calm_ /= sum;
    for (double& w : within_) w /= sum;
    return top + std::log(sum);
}

double Flapping::predict(double on, double off, double dt) {
    const double a = std::log(on_) + on, b = std::log1p(-on_) + off;
    const double predictive = std::max(a, b) + std::log1p(std::exp(-std::abs(a - b)));
    const double was_on = std::exp(a - predictive);
    on_ = was_on * std::exp(-dt / kFlapOn) - (1 - was_on) * std::expm1(-dt / kFlapOff);
    return predictive;
}

void ExtraVariance::add(double squared_residual, double v, double v2) {
    if (v2 <= 0) return;
    const double weight = prior_ / (v / v2 + prior_);
    numerator_ += weight * (squared_residual - v) / v2;
    denominator_ += weight;
}

}  // namespace revertd::detect
