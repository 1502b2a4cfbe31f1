// SPDX-License-Identifier: Apache-2.0
#include "detectors/tail_curve.h"

#include <algorithm>
#include <cmath>

#include "detectors/statistics.h"

namespace revertd::detect {
namespace {

constexpr double kSlopeUnseen = 2;  // 1 / log standard deviation, where the edges tell nothing about it

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
    if (x_.size() == 1) return normal_above(z_[0] + (log_latency - x_[0]) * kSlopeUnseen);
    const auto next = std::upper_bound(x_.begin(), x_.end(), log_latency) - x_.begin();
    const auto i = static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(next, 1, std::ssize(x_) - 1));
    double slope = (z_[i] - z_[i - 1]) / (x_[i] - x_[i - 1]);
    if (log_latency < x_.front()) slope = std::max(slope, kSlopeUnseen);
    return normal_above(z_[i - 1] + slope * (log_latency - x_[i - 1]));
}

/// Of the smooth curve at a point: between those on either side, nearer to that of the closer neighbour; at most three
/// times the smaller one, so that the curve does not fall (Fritsch and Carlson, 1980).
double TailCurve::slope(std::size_t i) const {
    if (i == 0) return rise(0);
    if (i + 1 == x_.size()) return rise(i - 1);
    const double left = rise(i - 1), right = rise(i);
    const double mean = (step(i) * left + step(i - 1) * right) / (step(i) + step(i - 1));
    return std::min(mean, 3 * std::min(left, right));
}

double TailCurve::smooth_above(double log_latency) const {
    if (x_.size() < 3 || log_latency <= x_.front() || log_latency >= x_.back()) return above(log_latency);
    const auto next = std::upper_bound(x_.begin(), x_.end(), log_latency) - x_.begin();
    const auto i = static_cast<std::size_t>(next) - 1;
    const double t = (log_latency - x_[i]) / step(i), u = 1 - t;
    return normal_above(u * u * (1 + 2 * t) * z_[i] + t * t * (1 + 2 * u) * z_[i + 1] +
                        t * u * step(i) * (u * slope(i) - t * slope(i + 1)));
}

}  // namespace revertd::detect
