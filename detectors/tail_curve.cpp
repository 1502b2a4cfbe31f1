// SPDX-License-Identifier: Apache-2.0
#include "detectors/tail_curve.h"

#include <algorithm>
#include <cmath>

#include "detectors/statistics.h"

namespace revertd::detect {
namespace {

constexpr double kSlopeOfOnePoint = 2;  // 1 / log standard deviation, when a single edge tells nothing about it

}  // namespace

TailCurve::TailCurve(std::span<const double> edges, std::span<const double> counts) {
    double total = 0;
    for (const double c : counts) total += c;
    requests_ = std::max(total, 1.0);
    double below = 0;
    for (std::size_t i = 0; i < edges.size(); ++i) {
        below += counts[i];
        const double share = std::clamp(below / requests_, 0.5 / requests_, 1 - 0.5 / requests_);
        if (share <= 0.6 / requests_ || share >= 1 - 0.6 / requests_ || edges[i] <= 0) continue;
        x_.push_back(std::log(edges[i]));
        const double z = probit(share);
        z_.push_back(z_.empty() ? z : std::max(z, z_.back() + 1e-9));
    }
}

double TailCurve::above(double log_latency) const {
    if (x_.empty()) return 0.5 / requests_;
    if (x_.size() == 1) return normal_above(z_[0] + (log_latency - x_[0]) * kSlopeOfOnePoint);
    const auto next = std::upper_bound(x_.begin(), x_.end(), log_latency) - x_.begin();
    const auto i = static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(next, 1, std::ssize(x_) - 1));
    const double slope = (z_[i] - z_[i - 1]) / (x_[i] - x_[i - 1]);
    return normal_above(z_[i - 1] + slope * (log_latency - x_[i - 1]));
}

}  // namespace revertd::detect
