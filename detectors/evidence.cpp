// SPDX-License-Identifier: Apache-2.0
#include "detectors/evidence.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "detectors/statistics.h"

namespace revertd::detect {
namespace {

// Far beyond every limit; below it products stay finite.
constexpr double kMost = 1e290;
constexpr double kMostInformation = 50;

}  // namespace

OnsetMixture::OnsetMixture(std::vector<double> weights, double bake, double log_limit, double least)
    : weights_(std::move(weights)), sums_(weights_.size(), 0.5), bake_(bake), rate_(log_limit / least) {}

void OnsetMixture::step(std::span<const double> llr, double dt) {
    const double most = rate_ * dt;
    const double fresh = 0.5 * std::min(1.0, dt / bake_);
    for (std::size_t k = 0; k < sums_.size(); ++k) {
        sums_[k] = std::min(std::exp(std::min(llr[k], most)) * (sums_[k] + fresh), kMost);
    }
    add_up();
}

void OnsetMixture::skip(double dt) {
    for (auto& sum : sums_) sum = std::min(sum + 0.5 * std::min(1.0, dt / bake_), kMost);
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
    for (auto& p : prior_) p -= total;
    log_weights_ = prior_;
}

double NullMixture::predict(std::span<const double> likelihood) {
    for (std::size_t i = 0; i < log_weights_.size(); ++i) log_weights_[i] += likelihood[i];
    const double total = log_sum_exp(log_weights_);
    for (auto& w : log_weights_) w -= total;
    if (drift_ > 0) {
        for (std::size_t i = 0; i < log_weights_.size(); ++i) {
            log_weights_[i] = std::log((1 - drift_) * std::exp(log_weights_[i]) + drift_ * std::exp(prior_[i]));
        }
    }
    return total;
}

void NullMixture::restart() {
    std::copy(prior_.begin(), prior_.end(), log_weights_.begin());
}

void ExtraVariance::add(double squared_residual, double v, double v2) {
    if (v2 <= 0) return;
    const double weight = std::min(v2 / std::max(v + v2 * std::max(value(), 1e-6), 1e-12), kMostInformation);
    numerator_ += weight * (squared_residual - v) / std::max(v2, 1e-12);
    denominator_ += weight;
}

}  // namespace revertd::detect
