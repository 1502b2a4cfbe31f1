// SPDX-License-Identifier: Apache-2.0
#include "detectors/share_watch.h"

#include <algorithm>
#include <cmath>

namespace revertd::detect {
namespace {

constexpr double kGrowth = 1.25, kSigmas = 4, kSuspicious = 1.5;
constexpr double kSteadyGrowth = 1.04, kSteadySigmas = 2;
constexpr std::size_t kStillEarly = 5;
constexpr double kLeastNoise = 0.02;  // standard deviation of the log share from tick to tick
constexpr std::array<std::size_t, 6> kRecent = {1, 2, 3, 5, 8, 12};
constexpr std::size_t kBefore = 12, kFewest = 3;
constexpr double kLoud = 2;  // times the sigmas that are needed where fewer ticks are known

double log_odds(double fresh, double reference) {
    return std::log((fresh + 0.5) / (reference + 0.5));
}

}  // namespace

double ShareWatch::growth(std::size_t recent, double least) {
    const std::size_t known = std::min(count_, kMost);
    if (known < recent + 1) return 0;
    const std::size_t before = std::min(known - recent, kBefore);
    double fresh = 0, reference = 0, old_fresh = 0, old_reference = 0, squares = 0;
    for (std::size_t i = 0; i < recent; ++i) {
        fresh += back(i).fresh;
        reference += back(i).reference;
    }
    for (std::size_t i = recent; i < recent + before; ++i) {
        old_fresh += back(i).fresh;
        old_reference += back(i).reference;
        if (i + 1 == recent + before) continue;
        const double step =
            log_odds(back(i).fresh, back(i).reference) - log_odds(back(i + 1).fresh, back(i + 1).reference);
        squares += step * step;
    }
    const double grown = log_odds(fresh, reference) - log_odds(old_fresh, old_reference);
    if (grown < std::log(least)) return 0;
    // Just after a jump there are few ticks to compare with: the noise is that of earlier ones.
    const bool few = before < kFewest;
    if (!few) noise_ = std::max(squares / 2 / static_cast<double>(before - 1), kLeastNoise * kLeastNoise);
    const double tick = noise_;
    const double chance = 1 / std::max(fresh, 1.0) + 1 / std::max(old_fresh, 1.0);
    const double noise = tick * (1.0 / static_cast<double>(recent) + 1.0 / static_cast<double>(before));
    return grown / std::sqrt(std::max(chance, noise)) / (few ? kLoud : 1);
}

std::optional<double> ShareWatch::add(double at, double dt, double fresh_requests, double reference_requests) {
    seen_[count_++ % kMost] = {at - dt, fresh_requests, reference_requests};
    suspicious_ = false;
    if (growth(kBefore, kSteadyGrowth) > kSteadySigmas || growth(kBefore / 2, kSteadyGrowth) > kSteadySigmas)
        grew_at_ = at;
    for (const std::size_t recent : kRecent) {
        const double sigmas = growth(recent, kGrowth);
        suspicious_ = suspicious_ || (sigmas > kSuspicious && recent <= kStillEarly);
        if (sigmas < kSigmas) continue;
        suspicious_ = false;
        grew_at_ = at;
        grows_ = true;
        const double since = back(recent - 1).from;
        // What comes next is compared with the share after the jump.
        std::array<Seen, kMost> kept{};
        for (std::size_t i = 0; i < recent; ++i) kept[i] = back(recent - 1 - i);
        seen_ = kept;
        count_ = recent;
        return since;
    }
    grows_ = at - grew_at_ < kStillGrows;
    return std::nullopt;
}

}  // namespace revertd::detect
