// SPDX-License-Identifier: Apache-2.0
#include "detectors/latency_test.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "detectors/ratio_comparison.h"
#include "detectors/statistics.h"
#include "detectors/tuning.h"

namespace revertd::detect {
namespace {

constexpr std::array kFactors = {1.2, 1.35, 1.6, 2.0, 3.0};
constexpr std::array kSlowModes = {2.0, 4.0};  // times the share above an edge
constexpr std::array kAmplitudes = {0.25, 0.5, 1.0, 1.7, 2.6, 4.0};
constexpr std::array kTaus = {15.0, 30.0, 55.0, 90.0, 140.0, 210.0, 320.0};
constexpr double kColdPrior = 0.4;  // weight of "there is a warm-up"
constexpr double kEdgeSpread = 0.8, kEdgeDrift = 0.005;
constexpr double kRuledOut = -30;
constexpr std::size_t kPruneEvery = 8;
constexpr double kJump = 1.4, kJumpSigmas = 4, kJumpNoise = 0.05;

double log1p_exp(double x) {
    return x > 30 ? x : std::log1p(std::exp(x));
}

}  // namespace

LatencyTest::LatencyTest(const DeployShape& shape, LatencyModel model, double share)
    : shape_(shape), model_(std::move(model)) {
    if (model_.empty()) return;
    const std::size_t edges = model_.edges().size();
    const BenignRatios benign(model_.spread() * kEdgeSpread);
    for (std::size_t e = 0; e < edges; ++e) {
        auto& alternatives = alternatives_.emplace_back();
        for (const double factor : kFactors) alternatives.push_back(model_.log_above(e, std::log(factor)));
        for (const double more : kSlowModes)
            alternatives.push_back(std::log(std::min(model_.edges()[e].share * more, 0.97)));
        auto& null = edge_null_.emplace_back();
        for (const double x : benign.log_ratio) null.push_back(model_.log_above(e, x));
        edge_mixtures_.emplace_back(benign.log_prior, kEdgeDrift);
    }
    const std::size_t alternatives = kFactors.size() + kSlowModes.size();
    evidence_.emplace(std::vector<double>(edges * alternatives, 1.0 / static_cast<double>(edges * alternatives)),
                      shape.bake, std::log(1 / (shape.alpha * share)), tuning().least);
    llr_.resize(edges * alternatives);
    predicted_.resize(edges);
    table_.resize(edges * LatencyModel::kSteps);
    make_null();
}

void LatencyTest::make_null() {
    curves_.push_back({0, 1, 0});
    for (const double a : kAmplitudes) {
        for (const double tau : kTaus) curves_.push_back({a, tau, 0});
    }
    const double cold = std::log(kColdPrior / static_cast<double>(curves_.size() - 1)), warm = std::log(1 - kColdPrior);
    const BenignRatios benign(model_.spread());
    for (std::size_t i = 0; i < benign.log_ratio.size(); ++i) {
        for (std::size_t c = 0; c < curves_.size(); ++c) {
            prior_.push_back({static_cast<float>(benign.log_ratio[i]), static_cast<std::uint16_t>(c),
                              benign.log_prior[i] + (c == 0 ? warm : cold)});
        }
    }
    std::vector<double> weights;
    for (const auto& point : prior_) weights.push_back(point.log_weight);
    const double total = log_sum_exp(weights);
    for (auto& point : prior_) point.log_weight -= total;
    scratch_.resize(prior_.size() + 16);
    joint_.resize(prior_.size());
    points_ = prior_;
}

void LatencyTest::restart_null() {
    points_.assign(prior_.begin(), prior_.end());
}

/// A jump of the new group's share (canary step, autoscaling) means new instances.
void LatencyTest::watch_share(double at, double dt, const Events& fresh, const Events& reference) {
    Seen last;
    const std::size_t n = std::min(seen_count_, seen_.size());
    for (std::size_t i = 0; i < n; ++i) {
        last.fresh += seen_[i].fresh;
        last.all += seen_[i].all;
    }
    const double all = fresh.requests + reference.requests;
    if (n >= 3 && last.all > 0 && last.fresh > 0) {
        const double growth = fresh.requests / all / (last.fresh / last.all);
        const double noise = std::sqrt(1 / std::max(fresh.requests, 1.0) + 1 / last.fresh) + kJumpNoise;
        if (growth > kJump && std::log(growth) > kJumpSigmas * noise) {
            restart_null();
            warm_from_ = at - dt;
            seen_count_ = 0;
        }
    }
    seen_[seen_count_++ % seen_.size()] = {fresh.requests, all};
}

double LatencyTest::update_curves(double age) {
    for (auto& curve : curves_) curve.now = std::log1p(curve.amplitude * std::exp(-age / curve.tau));
    double believed = 0;
    for (const auto& point : points_) believed += std::exp(point.log_weight) * curves_[point.curve].now;
    return believed;
}

double LatencyTest::likelihood(std::size_t edge, double log_above, double slow, double requests, double reference_slow,
                               double reference_requests, double extra) const {
    const double share = model_.edges()[edge].share;
    if (!shape_.control) {
        const double design = 1 + requests * share / (1 - share) * extra;
        return (slow * log_above + (requests - slow) * std::log1p(-std::min(std::exp(log_above), 0.985))) / design;
    }
    // Given the total of slow requests, who owns them: odds scaled by the ratio of the shares.
    const double log_odds = std::log(requests / reference_requests) + log_above - std::log(share);
    const double total = slow + reference_slow, part = requests / (requests + reference_requests);
    const double design = 1 + total * part * (1 - part) * extra;
    return (slow * log_odds - total * log1p_exp(log_odds)) / design;
}

void LatencyTest::tabulate(std::size_t edge, double slow, double requests, double reference_slow,
                           double reference_requests, double extra) {
    const auto& known = model_.edges()[edge];
    double* row = table_.data() + edge * LatencyModel::kSteps;
    if (!shape_.control) {
        const double design = 1 + requests * known.share / (1 - known.share) * extra;
        for (std::size_t s = 0; s < LatencyModel::kSteps; ++s) {
            row[s] = (slow * known.log_above[s] + (requests - slow) * known.log_below[s]) / design;
        }
        return;
    }
    for (std::size_t s = 0; s < LatencyModel::kSteps; ++s) {
        row[s] = likelihood(edge, known.log_above[s], slow, requests, reference_slow, reference_requests, extra);
    }
}

void LatencyTest::step(double at, double dt, const Events& fresh, const Events& reference,
                       std::span<const double> fresh_slow, std::span<const double> reference_slow) {
    if (!evidence_ || fresh.requests <= 0 || (shape_.control && reference.requests <= 0)) return;
    if (shape_.control) watch_share(at, dt, fresh, reference);
    if (++ticks_ % kPruneEvery == 0) prune();
    const double believed = update_curves(at - warm_from_ - 0.5 * shape_.interval);
    const double misfit = 2 * tuning().warm_misfit * believed;
    const std::size_t edges = model_.edges().size(), alternatives = kFactors.size() + kSlowModes.size();
    const double info = std::min(1.0, tuning().edge_info / static_cast<double>(edges));
    const auto extra_of = [&](std::size_t e) { return model_.edges()[e].extra + misfit * misfit; };
    for (std::size_t e = 0; e < edges; ++e) {
        tabulate(e, fresh_slow[e], fresh.requests, reference_slow[e], reference.requests, extra_of(e));
    }
    const std::span<double> all(scratch_.data(), points_.size());
    std::fill_n(joint_.begin(), points_.size(), 0.0);
    for (std::size_t e = 0; e < edges; ++e) {
        const double* row = table_.data() + e * LatencyModel::kSteps;
        for (std::size_t i = 0; i < points_.size(); ++i) {
            const double x = TablePlace(points_[i].log_benign + curves_[points_[i].curve].now).in(row);
            joint_[i] += x;
            all[i] = points_[i].log_weight + x;
        }
        predicted_[e] = log_sum_exp(all);
    }
    for (std::size_t i = 0; i < points_.size(); ++i) all[i] = points_[i].log_weight + joint_[i] * info;
    const double total = log_sum_exp(all);
    for (std::size_t i = 0; i < points_.size(); ++i) points_[i].log_weight = all[i] - total;
    for (std::size_t e = 0; e < edges; ++e) {
        std::array<double, 16> one{};
        const auto& null = edge_null_[e];
        const auto at_edge = [&](double log_above) {
            return likelihood(e, log_above, fresh_slow[e], fresh.requests, reference_slow[e], reference.requests,
                              extra_of(e));
        };
        for (std::size_t i = 0; i < null.size(); ++i) one[i] = at_edge(null[i]);
        const double healthy = std::max(predicted_[e], edge_mixtures_[e].predict({one.data(), null.size()}));
        for (std::size_t k = 0; k < alternatives; ++k)
            llr_[e * alternatives + k] = at_edge(alternatives_[e][k]) - healthy;
    }
    evidence_->step(llr_, dt);
}

void LatencyTest::prune() {
    std::erase_if(points_, [](const Point& point) { return point.log_weight <= kRuledOut; });
}

std::size_t LatencyTest::strongest() const {
    const std::size_t alternatives = kFactors.size() + kSlowModes.size();
    const auto sums = evidence_->parts();
    std::size_t best = 0;
    double most = -1;
    for (std::size_t e = 0; e < model_.edges().size(); ++e) {
        double sum = 0;
        for (const double s : sums.subspan(e * alternatives, alternatives)) sum += s;
        if (sum > most) best = e;
        most = std::max(most, sum);
    }
    return best;
}

}  // namespace revertd::detect
