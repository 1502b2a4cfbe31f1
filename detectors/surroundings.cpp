// SPDX-License-Identifier: Apache-2.0
#include "detectors/surroundings.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "detectors/error_test.h"
#include "detectors/latency_model.h"
#include "detectors/recent.h"

namespace revertd::detect {
namespace {

constexpr double kLoadGrows = 1.5, kLoadSigmas = 4;  // times the load of the minutes before
constexpr double kLoadReturns = 3;                   // times that of the last one
constexpr double kLoadNow = 30, kLoadGap = 60, kLoadBefore = 300, kLoadSettles = 180;  // seconds
constexpr double kSlowDoubt = 1e5;                               // times the evidence that slowness needs meanwhile
constexpr double kIncidentTimes = 3, kIncidentSigmas = 4;        // of the usual errors
constexpr double kSlowBeside = 0.15;                             // log factor of the usual latency
constexpr double kIncidentSettles = 180, kIncidentGoesOn = 600;  // seconds
constexpr double kIncidentDoubt = 10;                            // times the evidence that errors need meanwhile

}  // namespace

Surroundings::Surroundings(const DeployShape& shape, const ErrorHistory& before)
    : interval_(shape.interval),
      usual_rate_(before.rate),
      extra_(before.extra),
      incident_before_(before.incident),
      load_grew_(-kLoadSettles),
      incident_(-kIncidentSettles),
      slowness_(-kIncidentSettles) {}

bool Surroundings::load_grows(const Recent& recent, double at) const {
    const auto now = recent.over(at - kLoadNow, at);
    const auto before = recent.over(std::max(*began_, at - kLoadBefore), at - kLoadGap);
    // A tick after lost scrapes tells of more than the last seconds.
    const double requests = (now.fresh.requests + now.reference.requests) * kLoadNow / std::max(now.seconds, kLoadNow);
    const double usual =
        (before.fresh.requests + before.reference.requests) * kLoadNow / std::max(before.seconds, kLoadNow);
    // What comes back after a minute in which next to nothing came was usual before.
    const auto lately = recent.over(at - kLoadNow - kLoadGap, at - kLoadNow);
    const double returned = kLoadReturns * (lately.fresh.requests + lately.reference.requests) * kLoadNow / kLoadGap;
    return requests > std::min(kLoadGrows * usual, returned) &&
           requests - std::min(usual, returned) > kLoadSigmas * std::sqrt(requests + 1);
}

Surroundings::Load Surroundings::watch_load(const Recent& recent, double at, double dt) {
    if (!began_) began_ = at - dt;
    if (std::max(*began_, at - kLoadBefore) > at - 2 * kLoadGap) return {};
    if (recent.over(at - kLoadNow - kLoadGap, at - kLoadNow).ticks == 0) return {};
    const bool settled = at - load_grew_ >= kLoadSettles;
    if (load_grows(recent, at)) {
        load_grew_ = at;
        if (!settled) return {};
        load_grows_from_ = at - kLoadGap;
        return {.grows_since = at - kLoadNow, .settled_since = {}};
    }
    if (!settled) return {};
    return {.grows_since = {}, .settled_since = std::exchange(load_grows_from_, std::nullopt)};
}

void Surroundings::watch_control(const Recent& recent, const LatencyModel& model, double at) {
    const auto sum = recent.over(at - std::max(kLoadNow, 2 * interval_), at);
    if (sum.ticks < 2) return;
    const double usual = usual_rate_ * sum.reference.requests;
    const double noise = std::sqrt(usual + extra_ * usual * usual / static_cast<double>(sum.ticks) + 1);
    const double more = sum.reference.errors - usual;
    if (usual > 0 && more > (kIncidentTimes - 1) * usual && more > kIncidentSigmas * noise) incident_ = at;
    std::array<double, LatencyModel::kMostCells> reference{};
    for (std::size_t c = 0; c < model.cells().size(); ++c) reference[c] = recent.reference_cell(sum, c);
    if (model.shift(reference) > kSlowBeside) slowness_ = at;
}

Doubt Surroundings::of_errors(double at) const {
    if (at - incident_ < kIncidentSettles) return {Doubt::Why::SharedIncident, kIncidentDoubt};
    if (at - load_grew_ < kLoadSettles) return {Doubt::Why::MoreLoad, kIncidentDoubt};
    if (incident_before_ > 1 && at < kIncidentGoesOn) return {Doubt::Why::EarlierIncident, kIncidentDoubt};
    return {};
}

Doubt Surroundings::of_latency(double at) const {
    if (at - load_grew_ < kLoadSettles) return {Doubt::Why::MoreLoad, kSlowDoubt};
    if (at - slowness_ < kIncidentSettles) return {Doubt::Why::SharedSlowness, kSlowDoubt};
    return {};
}

}  // namespace revertd::detect
