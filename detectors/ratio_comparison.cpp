// SPDX-License-Identifier: Apache-2.0
#include "detectors/ratio_comparison.h"

#include <cmath>

namespace revertd::detect {
namespace {

constexpr int kHalf = 4;  // points on either side of ratio 1
constexpr double kReach = 3;

}  // namespace

BenignRatios::BenignRatios(double sd) {
    for (int i = -kHalf; i <= kHalf; ++i) {
        const double z = kReach * i / kHalf;
        log_ratio.push_back(z * sd);
        log_prior.push_back(-z * z / 2);
    }
}

RatioComparison::RatioComparison(const SharedLevel& level, double sd, std::span<const double> alternatives)
    : level_(level), alternatives_(alternatives.begin(), alternatives.end()), null_(BenignRatios(sd).log_prior) {
    for (const double x : BenignRatios(sd).log_ratio) null_ratios_.push_back(std::exp(x));
    likelihood_.resize(null_ratios_.size());
}

bool RatioComparison::compare(const Events& fresh, const Events& reference, double extra, std::span<double> llr) {
    if (fresh.requests <= 0) return false;
    const LevelLikelihood likelihood(level_.observe(reference.errors, reference.requests), fresh.errors, fresh.requests,
                                     extra);
    for (std::size_t i = 0; i < null_ratios_.size(); ++i) likelihood_[i] = likelihood.at(null_ratios_[i]);
    const double healthy = null_.predict(likelihood_);
    for (std::size_t k = 0; k < alternatives_.size(); ++k) llr[k] = likelihood.at(alternatives_[k]) - healthy;
    return true;
}

}  // namespace revertd::detect
