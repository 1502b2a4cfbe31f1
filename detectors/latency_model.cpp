// SPDX-License-Identifier: Apache-2.0
#include "detectors/latency_model.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "detectors/dispersion.h"
#include "detectors/tail_curve.h"
#include "detectors/tuning.h"

namespace revertd::detect {
namespace {

constexpr double kFewest = 50;  // requests before the deploy
constexpr std::array kShares = {0.6, 0.3, 0.12, 0.05, 0.015};
constexpr double kLeastShare = 0.004, kMostShare = 0.85, kLeastAbove = 5;
constexpr double kShareFloor = 1e-6, kShareRoof = 0.985;
constexpr std::size_t kDriftParts = 6;

double sum(std::span<const double> x) {
    double total = 0;
    for (const double v : x) total += v;
    return total;
}

double above(std::span<const double> counts, std::size_t bucket) {
    return sum(counts.subspan(bucket + 1));
}

}  // namespace

TablePlace::TablePlace(double log_factor) {
    constexpr double kLast = static_cast<double>(LatencyModel::kSteps) - 1;
    const double x = std::clamp((log_factor - LatencyModel::kLow) / LatencyModel::kStep, 0.0, kLast);
    first = static_cast<std::size_t>(std::clamp(std::floor(x) - 1, 0.0, kLast - 3));
    const double t = x - static_cast<double>(first);  // 0..3: Lagrange through 0, 1, 2, 3
    const double a = t, b = t - 1, c = t - 2, d = t - 3;
    w[0] = -b * c * d / 6;
    w[1] = a * c * d / 2;
    w[2] = -a * b * d / 2;
    w[3] = a * b * c / 6;
}

LatencyModel::LatencyModel(const DeployShape& shape, const History& history) {
    const auto counts = history.all_buckets();
    if (counts.size() < 2 || sum(counts) < kFewest) return;
    choose_edges(shape, counts);
    if (edges_.empty()) return;
    learn_noise(history, shape.control);
    spread_ = shape.control ? tuning().latency_sd : std::hypot(tuning().latency_sd_alone, drift(shape, history));
}

void LatencyModel::choose_edges(const DeployShape& shape, std::span<const double> counts) {
    const double total = sum(counts);
    const TailCurve curve(shape.edges, counts);
    for (const double wanted : kShares) {
        std::size_t best = 0;
        double least = 1e300;
        for (std::size_t b = 0; b + 1 < counts.size(); ++b) {
            const double away = std::abs(std::log(std::max(above(counts, b) / total, 1e-9) / wanted));
            if (away < least) best = b;
            least = std::min(least, away);
        }
        const double slower = above(counts, best), share = slower / total;
        const bool known =
            std::any_of(edges_.begin(), edges_.end(), [best](const Edge& e) { return e.bucket == best; });
        if (known || share < kLeastShare || share > kMostShare || slower < kLeastAbove) continue;
        Edge edge{best, 0, 0, {}, {}};
        const double at = std::log(shape.edges[best]);
        edge.share = std::max(curve.above(at), kShareFloor);
        for (std::size_t s = 0; s < kSteps; ++s) {
            const double q =
                std::clamp(curve.above(at - (kLow + kStep * static_cast<double>(s))), kShareFloor, kShareRoof);
            edge.log_above.push_back(std::log(q));
            edge.log_below.push_back(std::log1p(-q));
        }
        edges_.push_back(std::move(edge));
    }
}

void LatencyModel::learn_noise(const History& history, bool control) {
    std::vector<double> requests, events;
    for (std::size_t i = 0; i < history.size(); ++i) requests.push_back(history.tick(i).all.requests);
    for (auto& edge : edges_) {
        events.clear();
        for (std::size_t i = 0; i < history.size(); ++i) events.push_back(above(history.buckets(i), edge.bucket));
        edge.extra = local_dispersion(events, requests, 0.002, 4, true) * (control ? 1.2 : 1) + 5e-4;
    }
}

double LatencyModel::log_above(std::size_t edge, double log_factor) const {
    return TablePlace(log_factor).in(edges_[edge].log_above.data());
}

double LatencyModel::log_factor_of(std::size_t edge, double share) const {
    const auto& table = edges_[edge].log_above;
    const double x = std::log(share);
    std::size_t s = 1;
    while (s + 1 < kSteps && table[s] < x) ++s;
    const double width = table[s] - table[s - 1];
    const double part = width > 0 ? std::clamp((x - table[s - 1]) / width, 0.0, 1.0) : 0;
    return kLow + kStep * (static_cast<double>(s - 1) + part);
}

double LatencyModel::drift(const DeployShape& shape, const History& history) const {
    if (history.size() < 5 * kDriftParts) return 0;
    std::size_t edge = 0;
    for (std::size_t e = 1; e < edges_.size(); ++e) {
        if (std::abs(std::log(edges_[e].share / 0.3)) < std::abs(std::log(edges_[edge].share / 0.3))) edge = e;
    }
    std::array<double, kDriftParts> x{}, y{};
    for (std::size_t p = 0; p < kDriftParts; ++p) {
        const std::size_t from = p * history.size() / kDriftParts, to = (p + 1) * history.size() / kDriftParts;
        double requests = 0, slow = 0;
        for (std::size_t i = from; i < to; ++i) {
            requests += sum(history.buckets(i));
            slow += above(history.buckets(i), edges_[edge].bucket);
        }
        if (requests < 20) return 0;
        x[p] = history.tick((from + to) / 2).at;
        y[p] = log_factor_of(edge, (slow + 0.5) / requests);
    }
    const double mx = sum(x) / kDriftParts, my = sum(y) / kDriftParts;
    double sxx = 0, sxy = 0, rest = 0;
    for (std::size_t p = 0; p < kDriftParts; ++p) {
        sxx += (x[p] - mx) * (x[p] - mx);
        sxy += (x[p] - mx) * (y[p] - my);
    }
    const double slope = sxy / sxx;
    for (std::size_t p = 0; p < kDriftParts; ++p) {
        const double residual = y[p] - my - slope * (x[p] - mx);
        rest += residual * residual;
    }
    const double error = std::sqrt(rest / (kDriftParts - 2) / sxx);
    return std::max(0.0, std::abs(slope) - error) * (shape.bake - mx);
}

void LatencyModel::slower(std::span<const double> buckets, std::span<double> out) const {
    for (std::size_t e = 0; e < edges_.size(); ++e) {
        out[e] = edges_[e].bucket < buckets.size() ? above(buckets, edges_[e].bucket) : 0;
    }
}

}  // namespace revertd::detect
