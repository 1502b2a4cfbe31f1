// SPDX-License-Identifier: Apache-2.0
#include "detectors/restart_test.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace revertd::detect {
namespace {

constexpr double kPriorEvents = 1, kPriorSeconds = 3600;  // what restarted more often before is taken as it was
constexpr double kMost = 1e290;

}  // namespace

RestartTest::RestartTest(double bake, double alpha) : bake_(bake), alpha_(alpha) {
    begin();
}

void RestartTest::learn(bool restarted, double dt) {
    before_.events += restarted ? 1 : 0;
    before_.seconds += dt;
}

void RestartTest::forget(double seconds) {
    if (before_.seconds < 2 * seconds) return;
    before_.events /= 2;
    before_.seconds /= 2;
}

void RestartTest::begin() {
    since_ = {};
    count_ = count_beside_ = 0;
    elapsed_ = 0;
    sums_.fill(kAtDeploy);
    shared_.usual = 1 - kBoth;
    shared_.both.fill(kBoth / static_cast<double>(kEvery.size()));
}

/// The predictive of both groups' slot under a healthy deploy; what it says of which kind of healthy is learnt.
double RestartTest::healthy(bool restarted, std::optional<bool> beside, double calm, double dt) {
    const auto chance = [](bool is, double none) { return is ? 1 - none : none; };
    const double usual = chance(restarted, calm) * (beside ? chance(*beside, calm) : 1);
    if (!beside) return usual;
    const double drift = std::min(0.1, dt / bake_);
    double sum = shared_.usual *= usual;
    for (std::size_t k = 0; k < kEvery.size(); ++k) {
        const double none = std::exp(-dt / kEvery[k]);
        sum += shared_.both[k] *= chance(restarted, none) * chance(*beside, none);
    }
    shared_.usual = (1 - drift) * shared_.usual / sum + drift * (1 - kBoth);
    for (double& weight : shared_.both)
        weight = (1 - drift) * weight / sum + drift * kBoth / static_cast<double>(kEvery.size());
    return sum;
}

void RestartTest::step(bool restarted, std::optional<bool> beside, double dt) {
    const double events = kPriorEvents + before_.events + since_.events;
    const double prior = before_.events > 0 ? std::min(kPriorSeconds, before_.seconds / before_.events) : kPriorSeconds;
    const double seconds = prior + before_.seconds + since_.seconds;
    const double calm = std::pow(seconds / (seconds + dt), events);
    const double fresh = (1 - kAtDeploy) * std::min(dt, std::max(0.0, bake_ - elapsed_)) / bake_;
    const double usual_beside = !beside ? 1 : *beside ? 1 - calm : calm;
    const double null = healthy(restarted, beside, calm, dt);
    for (std::size_t k = 0; k < kEvery.size(); ++k) {
        const double none = std::exp(-dt / kEvery[k]);
        const double ratio = (restarted ? 1 - none : none) * usual_beside / null;
        sums_[k] = std::min(ratio * (sums_[k] + fresh), kMost);
    }
    elapsed_ += dt;
    since_.seconds += beside ? 2 * dt : dt;
    since_.events += (restarted ? 1 : 0) + (beside.value_or(false) ? 1 : 0);
    count_ += restarted ? 1 : 0;
    count_beside_ += beside.value_or(false) ? 1 : 0;
}

double RestartTest::evidence() const {
    return std::accumulate(sums_.begin(), sums_.end(), 0.0) / static_cast<double>(sums_.size());
}

void RestartTest::save(ByteWriter& out) const {
    for (const Known* known : {&before_, &since_}) out.put(known->events), out.put(known->seconds);
    out.put(count_), out.put(count_beside_), out.put(elapsed_);
    for (const double sum : sums_) out.put(sum);
    out.put(shared_.usual);
    for (const double weight : shared_.both) out.put(weight);
}

bool RestartTest::load(ByteReader& in) {
    const auto number = [&](double& value) { return in.get(value) && value >= 0 && std::isfinite(value); };
    for (Known* known : {&before_, &since_})
        if (!number(known->events) || !number(known->seconds)) return in.fail();
    if (!in.get(count_) || !in.get(count_beside_) || !number(elapsed_)) return in.fail();
    if (!std::all_of(sums_.begin(), sums_.end(), number) || !number(shared_.usual)) return in.fail();
    return std::all_of(shared_.both.begin(), shared_.both.end(), number) || in.fail();
}

}  // namespace revertd::detect
