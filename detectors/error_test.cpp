// SPDX-License-Identifier: Apache-2.0
#include "detectors/error_test.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "detectors/dispersion.h"
#include "detectors/tuning.h"

namespace revertd::detect {
namespace {

constexpr double kRecentSeconds = 180, kRecentSigmas = 4;
constexpr double kGoesOn = 0.3;  // prior weight of an incident that was there when the deploy began
constexpr double kDriftBeside = 14400, kDriftAlone = 3600;  // seconds

std::vector<double> even(std::size_t n) {
    return std::vector<double>(n, 1.0 / static_cast<double>(n));
}

double incident(const DeployShape& shape) {
    return shape.control ? kIncident : 0;
}

double limit(const DeployShape& shape, double share) {
    return std::log(1 / (shape.alpha * share));
}

Blips blips(const DeployShape& shape, std::size_t strengths) {
    return {tuning().blip, shape.interval, strengths};
}

/// Of the healthy ratio's prior, how much is mixed back in `seconds`: without a control group the level drifts.
double drift(const DeployShape& shape, double seconds) {
    return std::min(0.1, seconds / (shape.control ? kDriftBeside : kDriftAlone));
}

CommonRate common(const DeployShape& shape, const ErrorHistory& history, double clumps) {
    return {history.rate, clumps, incident(shape), shape.control ? history.known : 0};
}

/// The level of one part: its own history, drawn to the overall rate by two events; one that always fails more often
/// has a rate of its own.
RatioComparison part_comparison(const Events& before, const ErrorHistory& history, const DeployShape& shape) {
    const bool control = shape.control;
    const double own = before.requests > 0 ? before.errors / before.requests : 0;
    const double rate = (before.errors + 2) / (before.requests + 2 / std::max({history.rate, own, 1e-6}));
    const double base = control ? tuning().error_sd : tuning().error_sd_alone;
    const double sd = std::sqrt(base * base + 0.01 + (control ? 0 : 1 / (before.errors + 1)));
    return {{rate, history.extra + 0.03, incident(shape), control ? before.errors + 2 : 0},
            {sd, history.incident, kGoesOn},
            kPartRatios,
            blips(shape, kPartRatios.size()),
            drift(shape, shape.interval)};
}

/// How many times the usual errors came just before the deploy; 1 unless they clearly were more.
double incident_before(const History& history, double rate, double extra) {
    Events recent;
    double ticks = 0;
    for (std::size_t i = 0; i < history.size(); ++i) {
        if (history.tick(i).at < -kRecentSeconds) continue;
        recent += history.tick(i).all;
        ++ticks;
    }
    const double usual = rate * recent.requests;
    if (ticks < 1 || usual <= 0) return 1;
    const double noise = std::sqrt(usual + extra * usual * usual / ticks + 1);
    return recent.errors > usual + kRecentSigmas * noise ? recent.errors / usual : 1;
}

HealthyRatios healthy_ratios(const ErrorHistory& history) {
    return {history.spread, history.incident, kGoesOn};
}

/// Of the alternatives that last and those that flap.
std::vector<double> error_weights() {
    std::vector<double> weights;
    for (const double w : kErrorWeights) weights.push_back((1 - kFlappingWeight) * w);
    weights.insert(weights.end(), kFlappingRatios.size(), kFlappingWeight / kFlappingRatios.size());
    return weights;
}

}  // namespace

ErrorHistory::ErrorHistory(const History& history, bool control) : all(history.all()), parts(history.all_parts()) {
    std::vector<double> events, requests;
    for (std::size_t i = 0; i < history.size(); ++i) {
        events.push_back(history.tick(i).all.errors);
        requests.push_back(history.tick(i).all.requests);
    }
    if (all.requests > 0) rate = (all.errors + 0.5) / (all.requests + 1);
    if (!events.empty()) extra = local_dispersion(events, requests, 0.1, 3, false);
    // Beside a control group an incident is seen in both.
    if (!control) incident = incident_before(history, rate, extra);
    const double base = control ? tuning().error_sd : tuning().error_sd_alone;
    const double design = 1 + extra * all.errors / std::max<double>(1, static_cast<double>(events.size()));
    known = (all.errors + 1) / design;
    // A control group goes on telling of the rate; without one what is not known of it looks like a difference.
    spread = control ? base : std::sqrt(base * base + 1 / known);
}

void OwnNoise::add(const Events& fresh, const Events& reference) {
    fresh_ += fresh;
    reference_ += reference;
    if (fresh.requests <= 0 || reference.requests <= 0 || fresh.errors + reference.errors <= 0) return;
    const double ratio =
        ((fresh_.errors + 1) / (fresh_.requests + 1)) / ((reference_.errors + 1) / (reference_.requests + 1));
    const double share = fresh.requests * ratio / (fresh.requests * ratio + reference.requests);
    const double total = fresh.errors + reference.errors;
    const double v = total * share * (1 - share);
    const double residual = fresh.errors - total * share;
    learned_.add(residual * residual, v, v * v);
}

ErrorTest::ErrorTest(const DeployShape& shape, const ErrorHistory& history, double share)
    : comparison_(common(shape, history, std::max(history.extra, 0.01)), healthy_ratios(history), kErrorRatios,
                  blips(shape, kErrorRatios.size() + kFlappingRatios.size()), drift(shape, shape.interval),
                  kFlappingRatios),
      evidence_(error_weights(), shape.bake, limit(shape, share), tuning().least),
      llr_(kErrorRatios.size() + kFlappingRatios.size()) {}

void ErrorTest::step(const Events& fresh, const Events& reference, double extra, double dt) {
    if (comparison_.compare(fresh, reference, extra, dt, llr_)) {
        evidence_.step(llr_, dt);
    } else {
        evidence_.skip(dt);
    }
}

ErrorBlockTest::ErrorBlockTest(const DeployShape& shape, const ErrorHistory& history, double share)
    : interval_(shape.interval),
      control_(shape.control),
      comparison_(common(shape, history, 0.01 + history.extra * shape.interval / kBlock), healthy_ratios(history),
                  kErrorRatios, Blips(0, kBlock, kErrorRatios.size()), drift(shape, kBlock)),
      evidence_({kErrorWeights.begin(), kErrorWeights.end()}, shape.bake, limit(shape, share), 2 * kBlock),
      llr_(kErrorRatios.size()) {}

bool ErrorBlockTest::step(const Events& fresh, const Events& reference, double extra, double dt) {
    fresh_ += fresh;
    reference_ += reference;
    filled_ += dt;
    if (filled_ < kBlock - interval_ / 2) return false;
    const double own = control_ ? 0.01 + extra * interval_ / kBlock : 0;
    if (comparison_.compare(fresh_, reference_, own, filled_, llr_)) {
        evidence_.step(llr_, filled_);
    } else {
        evidence_.skip(filled_);
    }
    fresh_ = reference_ = {};
    filled_ = 0;
    return true;
}

PartTest::PartTest(const DeployShape& shape, const ErrorHistory& history, double share)
    : evidence_(even(shape.parts * kPartRatios.size()), shape.bake, limit(shape, share), tuning().least),
      llr_(shape.parts * kPartRatios.size()) {
    for (const auto& part : history.parts) parts_.push_back(part_comparison(part, history, shape));
}

void PartTest::step(std::span<const Events> fresh, std::span<const Events> reference, double extra, double dt) {
    std::fill(llr_.begin(), llr_.end(), 0.0);
    for (std::size_t p = 0; p < std::min(parts_.size(), fresh.size()); ++p) {
        const Events common = p < reference.size() ? reference[p] : Events{};
        (void)parts_[p].compare(fresh[p], common, extra, dt,
                                std::span(llr_).subspan(p * kPartRatios.size(), kPartRatios.size()));
    }
    evidence_.step(llr_, dt);
}

std::size_t PartTest::strongest() const {
    const auto sums = evidence_.parts();
    std::size_t best = 0;
    double most = -1;
    for (std::size_t p = 0; p < parts_.size(); ++p) {
        double sum = 0;
        for (const double s : sums.subspan(p * kPartRatios.size(), kPartRatios.size())) sum += s;
        if (sum > most) best = p;
        most = std::max(most, sum);
    }
    return best;
}

}  // namespace revertd::detect
