// SPDX-License-Identifier: Apache-2.0
#include "detectors/latency_model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "detectors/evidence.h"
#include "detectors/tail_curve.h"
#include "detectors/tuning.h"

namespace revertd::detect {
namespace {

constexpr double kFewest = 50;                                            // requests before the deploy
constexpr std::array kShares = {0.8, 0.6, 0.4, 0.25, 0.12, 0.05, 0.015};  // slower than the edges that are looked for
constexpr double kLeastShare = 0.004, kMostShare = 0.92, kLeastAbove = 5;
constexpr double kLeastCell = 1e-6;
constexpr std::size_t kDriftParts = 6, kHalf = 6;
constexpr double kTrendDoubt = 0.5;        // how far the drift before is believed to go on
constexpr double kLevelVariance = 0.0025;  // of the level of the last minutes around that of the whole time
constexpr double kBlockSeconds = 300;
constexpr double kClearlyCommon = 5;  // log-likelihood ratio
constexpr double kRecentSeconds = 180, kRecentSigmas = 4, kRecentVariance = 4e-4;
constexpr double kPriorJitter = 4e-4, kPriorStrength = 4;

double sum(std::span<const double> x) {
    return std::accumulate(x.begin(), x.end(), 0.0);
}

/// The most that lie in one bucket. Edges up to e apart are near enough, e squared is as far as no lower edge.
double between_edges(std::span<const double> edges, std::span<const double> counts) {
    double most = counts[0];
    for (std::size_t b = 1; b < std::min(edges.size(), counts.size()); ++b)
        most = std::max(most, counts[b] * std::clamp(std::log(edges[b] / edges[b - 1]) - 1, 0.0, 1.0));
    return most / sum(counts);
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
    choose_cells(shape, counts);
    if (empty()) return;
    unseen_ = between_edges(shape.edges, counts);
    learn_jitter(history);
    spread_ = tuning().latency_sd;
    if (shape.control) return;
    learn_level(history);
    learn_trend(history);
    spread_ = std::hypot(tuning().latency_sd_alone, kTrendDoubt * trend_ * shape.bake,
                         std::sqrt(wandered(history, shape.bake)));
}

void LatencyModel::choose_cells(const DeployShape& shape, std::span<const double> counts) {
    const double total = sum(counts);
    std::vector<std::size_t> edges;
    for (const double wanted : kShares) {
        std::size_t best = 0;
        double least = 1e300;
        for (std::size_t b = 0; b + 1 < counts.size(); ++b) {
            const double share = std::max(sum(counts.subspan(b + 1)) / total, 1e-9);
            const double away =
                std::abs(std::log(share / wanted)) + std::abs(std::log(std::max(1 - share, 1e-9) / (1 - wanted)));
            if (away < least) best = b;
            least = std::min(least, away);
        }
        const double slower = sum(counts.subspan(best + 1)), share = slower / total;
        if (share < kLeastShare || share > kMostShare || slower < kLeastAbove) continue;
        if (std::find(edges.begin(), edges.end(), best) == edges.end()) edges.push_back(best);
    }
    std::sort(edges.begin(), edges.end());
    const TailCurve curve(shape.edges, counts);
    const auto above = [&](std::size_t bucket, double log_factor) {
        return curve.above(std::log(shape.edges[bucket]) - log_factor);
    };
    for (std::size_t c = 0; c <= edges.size() && !edges.empty(); ++c) {
        const auto share = [&](double log_factor) {
            const double from = c == 0 ? 1 : above(edges[c - 1], log_factor);
            return std::max(from - (c == edges.size() ? 0 : above(edges[c], log_factor)), kLeastCell);
        };
        Cell cell{c == 0 ? 0 : edges[c - 1] + 1, c == edges.size() ? counts.size() - 1 : edges[c], share(0), 0, {}, {}};
        cell.slope = (std::log(share(0.02)) - std::log(share(-0.02))) / 0.04;
        for (std::size_t s = 0; s < kSteps; ++s) {
            const double now = share(kLow + kStep * static_cast<double>(s));
            cell.ratio.push_back(now / cell.share);
            cell.log_ratio.push_back(std::log(now / cell.share));
        }
        cells_.push_back(std::move(cell));
    }
    information_ = 0;
    for (const auto& cell : cells_) information_ += cell.share * cell.slope * cell.slope;
    information_ = std::max(information_, 1e-3);
}

double LatencyModel::shift(std::span<const double> cells) const {
    double requests = 0, score = 0;
    for (std::size_t c = 0; c < cells_.size(); ++c) requests += cells[c];
    for (std::size_t c = 0; c < cells_.size(); ++c) score += (cells[c] - requests * cells_[c].share) * cells_[c].slope;
    return requests > 0 ? score / (requests * information_) : 0;
}

double LatencyModel::common(std::span<const double> cells) const {
    constexpr auto kNone = static_cast<std::size_t>(-kLow / kStep + 0.5);
    const auto likelihood = [&](std::size_t step) {
        double sum = 0;
        for (std::size_t c = 0; c < cells_.size(); ++c) sum += cells[c] * cells_[c].log_ratio[step];
        return sum;
    };
    std::size_t best = kNone;
    double most = 0, before = 0, after = 0;
    for (std::size_t s = 1; s + 1 < kSteps; ++s) {
        const double here = likelihood(s);
        if (here <= most) continue;
        most = here;
        best = s;
    }
    if (most < kClearlyCommon) return 0;
    before = likelihood(best - 1);
    after = likelihood(best + 1);
    const double bend = before - 2 * most + after;
    const double between = bend < 0 ? std::clamp(0.5 * (before - after) / bend, -1.0, 1.0) : 0;
    return std::clamp(kLow + kStep * (static_cast<double>(best) + between), kLeastCommon, kMostCommon);
}

/// Each tick against its neighbourhood, so that a slow drift does not count.
void LatencyModel::learn_jitter(const History& history) {
    std::vector<double> shifts, weights;
    std::array<double, kMostCells> cells{};
    for (std::size_t i = 0; i < history.size(); ++i) {
        fill(history.buckets(i), cells);
        const double requests =
            std::accumulate(cells.begin(), cells.begin() + static_cast<std::ptrdiff_t>(cells_.size()), 0.0);
        if (requests <= 0) continue;
        shifts.push_back(shift(cells));
        weights.push_back(requests * information_);
    }
    ExtraVariance jitter(kPriorJitter, kPriorStrength);
    for (std::size_t i = 0; i < shifts.size(); ++i) {
        const std::size_t from = i < kHalf ? 0 : i - kHalf, to = std::min(shifts.size(), i + kHalf + 1);
        double mean = 0, weight = 0;
        for (std::size_t j = from; j < to; ++j) {
            if (j == i) continue;
            mean += weights[j] * shifts[j];
            weight += weights[j];
        }
        if (weight <= 0) continue;
        const double residual = shifts[i] - mean / weight;
        jitter.add(residual * residual, 1 / weights[i] + 1 / weight, 1 + 1.0 / static_cast<double>(to - from));
    }
    jitter_ = jitter.value();
}

/// The mean of the shifts before the deploy, later ones counting more, drawn to none by their uncertainty.
void LatencyModel::learn_level(const History& history) {
    std::array<double, kMostCells> total{}, cells{};
    for (std::size_t i = 0; i < history.size(); ++i) {
        fill(history.buckets(i), cells);
        const double weight = std::exp(history.tick(i).at / tuning().level_seconds);
        for (std::size_t c = 0; c < cells_.size(); ++c) total[c] += weight * cells[c];
    }
    const double requests = sum(total);
    const double known = requests * information_;
    level_ = shift(total) * known / (known + 1 / kLevelVariance);
    // An incident that goes on: what was slow when the deploy began is not made slow by it.
    total.fill(0);
    std::size_t ticks = 0;
    for (std::size_t i = 0; i < history.size(); ++i) {
        if (history.tick(i).at < -kRecentSeconds) continue;
        fill(history.buckets(i), cells);
        ++ticks;
        for (std::size_t c = 0; c < cells_.size(); ++c) total[c] += cells[c];
    }
    const double recent = common(total);
    const double noise = std::sqrt(1 / std::max(sum(total) * information_, 1.0) +
                                   jitter_ / static_cast<double>(std::max<std::size_t>(ticks, 1)) + kRecentVariance);
    if (recent - level_ > kRecentSigmas * noise) level_ = recent;
}

/// Its slope less one standard error.
void LatencyModel::learn_trend(const History& history) {
    if (history.size() < 5 * kDriftParts) return;
    std::array<double, kDriftParts> x{}, y{};
    for (std::size_t p = 0; p < kDriftParts; ++p) {
        const std::size_t from = p * history.size() / kDriftParts, to = (p + 1) * history.size() / kDriftParts;
        std::array<double, kMostCells> total{}, cells{};
        for (std::size_t i = from; i < to; ++i) {
            fill(history.buckets(i), cells);
            for (std::size_t c = 0; c < cells_.size(); ++c) total[c] += cells[c];
        }
        if (sum(total) < 20) return;
        x[p] = history.tick((from + to) / 2).at;
        y[p] = shift(total);
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
    trend_ = std::copysign(std::max(0.0, std::abs(slope) - error), slope);
}

/// How far the level wandered within a bake before the deploy: the mean square of the difference of two blocks, for the
/// distance at which it is largest, less what chance makes of it.
double LatencyModel::wandered(const History& history, double bake) const {
    std::vector<double> level, doubt;
    std::array<double, kMostCells> total{}, cells{};
    double since = history.size() > 0 ? history.tick(0).at : 0, ticks = 0;
    for (std::size_t i = 0; i < history.size(); ++i) {
        fill(history.buckets(i), cells);
        for (std::size_t c = 0; c < cells_.size(); ++c) total[c] += cells[c];
        ++ticks;
        if (history.tick(i).at - since < kBlockSeconds && i + 1 < history.size()) continue;
        const double requests = sum(total);
        if (requests > 0) {
            level.push_back(shift(total));
            doubt.push_back(1 / (requests * information_) + jitter_ / ticks);
        }
        total.fill(0);
        since = history.tick(i).at;
        ticks = 0;
    }
    double most = 0;
    const auto furthest = std::min(level.size() / 2, static_cast<std::size_t>(bake / kBlockSeconds) + 1);
    for (std::size_t apart = 1; apart <= furthest; ++apart) {
        double squares = 0;
        for (std::size_t i = 0; i + apart < level.size(); ++i)
            squares += std::pow(level[i + apart] - level[i], 2) - doubt[i + apart] - doubt[i];
        most = std::max(most, squares / static_cast<double>(level.size() - apart));
    }
    return most;
}

void LatencyModel::fill(std::span<const double> buckets, std::span<double> cells) const {
    for (std::size_t c = 0; c < cells_.size(); ++c) {
        double n = 0;
        for (std::size_t b = cells_[c].first; b <= cells_[c].last && b < buckets.size(); ++b) n += buckets[b];
        cells[c] = n;
    }
}

}  // namespace revertd::detect
