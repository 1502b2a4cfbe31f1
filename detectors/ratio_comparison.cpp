// SPDX-License-Identifier: Apache-2.0
#include "detectors/ratio_comparison.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "detectors/statistics.h"

namespace revertd::detect {
namespace {

constexpr double kFewest = 4, kMost = 20;  // points on either side of ratio 1
constexpr double kMostStep = 0.06;
constexpr double kReach = 3;
constexpr std::array kFewer = {0.5, 0.1};  // times the errors

/// As the ratios are listed: the usual ones, then those of an incident that goes on.
std::vector<double> log_prior(const HealthyRatios& healthy) {
    std::vector<double> out = BenignRatios(healthy.sd, kMostStep).log_prior;
    if (healthy.incident <= 1) return out;
    const std::size_t usual = out.size();
    for (std::size_t i = 0; i < usual; ++i) {
        out.push_back(out[i] + std::log(healthy.goes_on));
        out[i] += std::log1p(-healthy.goes_on);
    }
    return out;
}

}  // namespace

BenignRatios::BenignRatios(double sd, double most) {
    const int half = static_cast<int>(std::clamp(std::ceil(kReach * sd / most), kFewest, kMost));
    step = kReach * sd / half;
    for (int i = -half; i <= half; ++i) {
        const double z = kReach * i / half;
        log_ratio.push_back(z * sd);
        log_prior.push_back(-z * z / 2);
    }
}

RatioComparison::RatioComparison(const CommonRate& common, const HealthyRatios& healthy,
                                 std::span<const double> alternatives, Blips blips, double drift,
                                 std::span<const double> flapping)
    : clumps_(common.clumps),
      learns_(common.known > 0 && common.known < UsualRate::kMostEvents),
      common_{SharedLevel(common.rate, 1 / (clumps_ + (learns_ ? 1 / common.known : 0)), common.incident),
              UsualRate(common.rate, std::max(common.known, 1.0))},
      alternatives_(alternatives.begin(), alternatives.end()),
      flapping_(flapping.begin(), flapping.end()),
      null_(log_prior(healthy), drift),
      fewer_(kFewer.size(), {}),
      as_usual_(1, Spells::kAsBefore),
      blips_(std::move(blips)) {
    for (const double x : BenignRatios(healthy.sd, kMostStep).log_ratio) null_ratios_.push_back(std::exp(x));
    const std::size_t usual = null_ratios_.size();
    for (std::size_t i = 0; i < usual && healthy.incident > 1; ++i)
        null_ratios_.push_back(healthy.incident * null_ratios_[i]);
    likelihood_.resize(null_ratios_.size());
    if (common.incident <= 0) return;
    beliefs_.assign(learns_ ? null_ratios_.size() : 1, common_);
    seen_.resize(null_ratios_.size());
}

/// What every healthy ratio says of the new group's tick, by its own belief in the common rate. The control group's
/// tick weighs the ratios, too: one that took the new group's errors for the common rate expected more of it.
void RatioComparison::ask_each(const Events& fresh, const Events& reference, double extra, double dt) {
    if (!learns_) {
        auto& [level, rate, now, heard] = beliefs_.front();
        now = level.observe(reference.errors, reference.requests, extra, dt);
        const LevelLikelihood likelihood(now, fresh.errors, fresh.requests, extra);
        for (std::size_t i = 0; i < null_ratios_.size(); ++i) likelihood_[i] = likelihood.at(null_ratios_[i]);
        heard = likelihood.hear(1);
        return;
    }
    for (std::size_t i = 0; i < beliefs_.size(); ++i) {
        auto& [level, rate, now, heard] = beliefs_[i];
        now = level.observe(reference.errors, reference.requests, extra, dt);
        seen_[i] = now.log_evidence;
        heard = LevelLikelihood(now, fresh.errors, fresh.requests, extra).hear(null_ratios_[i]);
        likelihood_[i] = heard.log_likelihood;
    }
    if (reference.requests > 0) null_.learn(seen_, 1);
}

void RatioComparison::teach_each(const Events& fresh, const Events& reference, double extra) {
    for (std::size_t i = 0; i < beliefs_.size(); ++i) {
        auto& [level, rate, now, heard] = beliefs_[i];
        level.hear(now, heard, fresh, learns_ ? null_ratios_[i] : 1, extra, surely_calm());
        if (!learns_) continue;
        rate.learn(reference, 1, clumps_ + extra, now.calm);
        rate.learn(fresh, null_ratios_[i], clumps_ + extra, now.calm * surely_calm());
        level.usual(rate.mean(), 1 / (clumps_ + rate.doubt()));
    }
}

/// The log predictive of a tick that is calm, or in which the new group fails as often as usual, and the control group
/// alone less often: the level that it shows is not the common one.
double RatioComparison::as_usual(double calm, const Events& fresh, double extra, double dt) {
    const LevelLikelihood usual(common_.level.usual(), fresh.errors, fresh.requests, extra);
    const std::array<double, 1> within = {usual.at(1)};
    return as_usual_.predict(calm, within, dt);
}

bool RatioComparison::compare(const Events& fresh, const Events& reference, double extra, double dt,
                              std::span<double> llr) {
    if (fresh.requests <= 0) return false;
    const auto now = common_.level.observe(reference.errors, reference.requests, extra, dt);
    const LevelLikelihood likelihood(now, fresh.errors, fresh.requests, extra);
    if (!beliefs_.empty()) {
        ask_each(fresh, reference, extra, dt);
    } else {
        for (std::size_t i = 0; i < null_ratios_.size(); ++i) likelihood_[i] = likelihood.at(null_ratios_[i]);
    }
    const std::size_t steady = alternatives_.size();
    for (std::size_t k = 0; k < steady; ++k) llr[k] = likelihood.at(alternatives_[k]);
    for (std::size_t k = 0; k < flapping_.size(); ++k) llr[steady + k] = likelihood.at(flapping_[k].ratio());
    std::array<double, kFewer.size()> fewer{};
    for (std::size_t k = 0; k < fewer.size(); ++k) fewer[k] = likelihood.at(kFewer[k]);
    double calm = fewer_.predict(null_.ask(likelihood_), fewer, dt);
    if (!beliefs_.empty()) calm = as_usual(calm, fresh, extra, dt);
    const double healthy = blips_.predict(calm, llr, dt);
    for (std::size_t k = 0; k < flapping_.size(); ++k)
        llr[steady + k] = flapping_[k].predict(llr[steady + k], calm, dt);
    null_.learn(likelihood_, surely_calm());
    for (double& x : llr) x -= healthy;
    if (learns_) {
        common_.rate.learn(reference, 1, clumps_ + extra, now.calm);
        common_.level.usual(common_.rate.mean(), 1 / (clumps_ + common_.rate.doubt()));
    }
    teach_each(fresh, reference, extra);
    return true;
}

}  // namespace revertd::detect
