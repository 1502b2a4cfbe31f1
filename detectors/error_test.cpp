// SPDX-License-Identifier: Apache-2.0
#include "detectors/error_test.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "detectors/dispersion.h"
#include "detectors/tuning.h"

namespace revertd::detect {
namespace {

constexpr double kRecentSeconds = 180, kRecentSigmas = 3;
constexpr double kBlipSigmas = 3, kBlipClumps = 0.25;
constexpr double kGoesOn = 0.3;  // prior weight of an incident that was there when the deploy began
constexpr double kDriftBeside = 14400, kDriftAlone = 3600;  // seconds
constexpr double kShows = 8;         // log-likelihood ratio of a change that shows within the bake
constexpr double kUnseen = 0.1;      // of its weight keeps a change that cannot
constexpr double kRemains = 0.7;     // of the bake, after a usual onset
constexpr double kFlapsFor = 0.25;   // of the time, what flaps is on
constexpr double kPartSpread = 0.1;  // standard deviation of a part's healthy log ratio, beyond that of the whole

std::vector<double> even(std::size_t n) {
    return std::vector<double>(n, 1.0 / static_cast<double>(n));
}

double incident(const DeployShape& shape, double prior) {
    return shape.control ? prior : 0;
}

double limit(const DeployShape& shape, double share) {
    return std::log(1 / (shape.alpha * share));
}

Blips blips(const DeployShape& shape, const ErrorHistory& history, std::size_t strengths) {
    return {tuning().blip, shape.interval, strengths, history.blips};
}

/// Of the healthy ratio's prior, how much is mixed back in `seconds`: without a control group the level drifts.
double drift(const DeployShape& shape, double seconds) {
    return std::min(0.1, seconds / (shape.control ? kDriftBeside : kDriftAlone));
}

CommonRate common(const DeployShape& shape, const ErrorHistory& history, double clumps) {
    return {history.rate, clumps, incident(shape, kIncident), shape.control ? history.known : 0};
}

/// Its own history, drawn to the overall rate by two events; one that always fails more often has a rate of its own.
double part_rate(const Events& before, const ErrorHistory& history) {
    const double own = before.requests > 0 ? before.errors / before.requests : 0;
    return (before.errors + 2) / (before.requests + 2 / std::max({history.rate, own, 1e-6}));
}

RatioComparison part_comparison(const Events& before, const ErrorHistory& history, const DeployShape& shape) {
    const bool control = shape.control;
    const double rate = part_rate(before, history);
    const double base = control ? tuning().error_sd : tuning().error_sd_alone;
    const double sd = std::sqrt(base * base + kPartSpread * kPartSpread + (control ? 0 : 1 / (before.errors + 1)));
    return {{rate, history.extra + 0.03, incident(shape, kPartIncident), control ? before.errors + 2 : 0},
            {sd, history.incident, kGoesOn},
            kPartRatios,
            blips(shape, history, kPartRatios.size()),
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

/// Runs of ticks with clearly more errors than usual, no longer than a blip.
PastBlips blips_before(const History& history, double rate, double interval) {
    PastBlips blips;
    std::vector<bool> bad;
    for (std::size_t i = 0; i < history.size(); ++i) {
        const auto& [requests, errors] = history.tick(i).all;
        const double usual = rate * requests;
        bad.push_back(errors > usual + kBlipSigmas * std::sqrt(usual + kBlipClumps * usual * usual + 1));
    }
    blips.count = count_blips(bad, ticks_of_a_blip(tuning().blip, interval));
    if (history.size() > 1) blips.seconds = history.tick(history.size() - 1).at - history.tick(0).at;
    return blips;
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

/// How much of its prior weight `times` the errors keeps, where `usual` of them are expected in each of `ticks` ticks
/// with clumps of this relative variance, and healthy log ratios have this standard deviation: little, if the log-
/// likelihood ratio that it would have by the end of the bake is too small to be found. The weight goes to those that
/// can be. Requests alone decide, which say nothing of errors: the guarantee stays.
double shows(double times, double usual, double ticks, double clumps, double sd) {
    const double log_times = std::log(times);
    const double counted = ticks * usual * (times * log_times - times + 1) / (1 + clumps * usual * std::sqrt(times));
    const double most = log_times * log_times / (2 * sd * sd);
    const double whole = counted * most / (counted + most) / kShows;
    return kUnseen + (1 - kUnseen) * std::min(1.0, whole * whole);
}

}  // namespace

ErrorHistory::ErrorHistory(const History& history, bool control, double interval)
    : all(history.all()), parts(history.all_parts()) {
    std::vector<double> events, requests;
    for (std::size_t i = 0; i < history.size(); ++i) {
        events.push_back(history.tick(i).all.errors);
        requests.push_back(history.tick(i).all.requests);
    }
    if (all.requests > 0) rate = (all.errors + 0.5) / (all.requests + 1);
    if (!events.empty()) extra = local_dispersion(events, requests, 0.1, 3, false);
    // Beside a control group an incident is seen in both.
    if (!control) incident = incident_before(history, rate, extra);
    blips = blips_before(history, rate, interval);
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
    // The ratio has followed this tick, too: at first there is no residual at all.
    const double free = 1 - total / (fresh_.errors + reference_.errors);
    learned_.add(residual * residual, free * v, free * v * v);
}

ErrorTest::ErrorTest(const DeployShape& shape, const ErrorHistory& history, double share)
    : comparison_(common(shape, history, std::max(history.extra, 0.01)), healthy_ratios(history), kErrorRatios,
                  blips(shape, history, kErrorRatios.size() + kFlappingRatios.size()), drift(shape, shape.interval),
                  kFlappingRatios),
      evidence_(error_weights(), shape.bake, limit(shape, share), tuning().least),
      llr_(kErrorRatios.size() + kFlappingRatios.size()),
      remains_(kRemains * shape.bake),
      rate_(history.rate),
      clumps_(shape.control ? 0 : history.extra),
      spread_(history.spread) {}

/// By the first requests that the new group has.
void ErrorTest::weigh(const Events& fresh, double extra, double dt) {
    weighed_ = true;
    const double usual = fresh.requests * rate_, ticks = remains_ / dt, clumps = clumps_ + extra;
    for (std::size_t k = 0; k < kErrorRatios.size(); ++k)
        llr_[k] = shows(kErrorRatios[k], usual, ticks, clumps, spread_);
    for (std::size_t k = 0; k < kFlappingRatios.size(); ++k)
        llr_[kErrorRatios.size() + k] = shows(kFlappingRatios[k], usual, kFlapsFor * ticks, clumps, spread_);
    evidence_.reweigh(llr_);
}

void ErrorTest::step(const Events& fresh, const Events& reference, double extra, double dt) {
    if (!weighed_ && fresh.requests > 0) weigh(fresh, extra, dt);
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
      llr_(shape.parts * kPartRatios.size()),
      remains_(kRemains * shape.bake),
      clumps_(shape.control ? 0 : history.extra) {
    for (const auto& part : history.parts) {
        parts_.push_back(part_comparison(part, history, shape));
        rates_.push_back(part_rate(part, history));
    }
}

/// By the first requests that each has.
void PartTest::weigh(std::span<const Events> fresh, double extra, double dt) {
    weighed_ = true;
    const double sd = std::hypot(tuning().error_sd, kPartSpread);
    std::fill(llr_.begin(), llr_.end(), kUnseen);
    for (std::size_t p = 0; p < std::min(parts_.size(), fresh.size()); ++p)
        for (std::size_t k = 0; k < kPartRatios.size(); ++k)
            llr_[p * kPartRatios.size() + k] =
                shows(kPartRatios[k], fresh[p].requests * rates_[p], remains_ / dt, clumps_ + extra, sd);
    evidence_.reweigh(llr_);
}

void PartTest::step(std::span<const Events> fresh, std::span<const Events> reference, double extra, double dt) {
    const auto asked = [](const Events& part) { return part.requests > 0; };
    if (!weighed_ && std::any_of(fresh.begin(), fresh.end(), asked)) weigh(fresh, extra, dt);
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
