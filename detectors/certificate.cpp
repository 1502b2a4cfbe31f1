// SPDX-License-Identifier: Apache-2.0
#include "detectors/certificate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/quantile.h"
#include "detectors/error_test.h"
#include "detectors/statistics.h"
#include "detectors/tuning.h"

namespace revertd::detect {
namespace {

constexpr double kErrorLow = -3, kErrorStep = 0.05;
constexpr std::size_t kErrorPoints = 121;       // ratios from 0.05 to 20
constexpr double kLowest = -1.5, kStep = 0.02;  // log ratios that are asked about, from 0.22 on
constexpr double kReach = 4;        // standard deviations of the healthy difference that are integrated over
constexpr int kHealthy = 16;        // points on either side
constexpr double kPriorSd = 0.25;   // of the smaller ratios around 1: where a healthy deploy lies
constexpr double kFlat = 0.1;       // weight of all others
constexpr double kMostRate = 0.97;  // of requests: nothing fails always
constexpr double kFewest = 25;      // requests: fewer exclude nothing
constexpr double kCoarse = 1.1;     // times the logarithm of a latency factor: buckets only interpolate
constexpr double kLeastExtra = 1e-6, kLeastJitter = 1e-5;

}  // namespace

/// Linear between points; beyond the ends as at them.
double LikelihoodGrid::value(double x) const {
    const double place = std::clamp((x - low_) / step_, 0.0, static_cast<double>(values_.size() - 1));
    const auto i = std::min(static_cast<std::size_t>(place), values_.size() - 2);
    const double t = place - static_cast<double>(i);
    return values_[i] * (1 - t) + values_[i + 1] * t;
}

double LikelihoodGrid::upper(double spread, double alpha) const {
    const double high = at(size() - 1) - kReach * spread;
    if (high <= kLowest) return std::numeric_limits<double>::infinity();
    const auto points = static_cast<std::size_t>((high - kLowest) / kStep) + 1;
    std::array<double, 2 * kHealthy + 1> terms{};
    const auto marginal = [&](double log_ratio) {  // over the healthy difference
        for (int h = -kHealthy; h <= kHealthy; ++h) {
            const double z = kReach * h / kHealthy;
            terms[static_cast<std::size_t>(h + kHealthy)] = value(log_ratio + z * spread) - z * z / 2;
        }
        return log_sum_exp(terms);
    };
    // Smaller ratios are added up while the one that is tested goes upwards.
    double smaller = -std::numeric_limits<double>::infinity(), weight = 0;
    double bound = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < points; ++i) {
        const double log_ratio = kLowest + kStep * static_cast<double>(i);
        const double here = marginal(log_ratio);
        const bool excluded = weight > 0 && smaller - std::log(weight) - here >= std::log(1 / alpha);
        if (!excluded)
            bound = std::numeric_limits<double>::infinity();
        else if (std::isinf(bound))
            bound = std::exp(log_ratio);
        const double z = log_ratio / kPriorSd, prior = std::exp(-z * z / 2) + kFlat;
        const std::array<double, 2> both{smaller, std::log(prior) + here};
        smaller = log_sum_exp(both);
        weight += prior;
    }
    return bound;
}

Certificate::Certificate(Of of, const DeployShape& shape, const History& history)
    : of_(of),
      grace_(tuning().grace),
      control_(shape.control),
      model_(shape, history),
      seen_(of == Of::Errors ? LikelihoodGrid(kErrorLow, kErrorStep, kErrorPoints)
                             : LikelihoodGrid(LatencyModel::kLow, LatencyModel::kStep, LatencyModel::kSteps)),
      quantile_(shape.quantile),
      edges_(shape.edges),
      fresh_(edges_.size() + 1, 0.0),
      reference_(edges_.size() + 1, 0.0) {
    edges_.push_back(std::numeric_limits<double>::infinity());
    if (of == Of::Latency && !control_ && history.size() > 0) reference_ = history.all_buckets();
    const ErrorHistory before(history, shape.control, shape.interval);
    rate_ = before.rate;
    extra_ = std::max(before.extra, kLeastExtra);
    const double ticks = std::max<double>(1, static_cast<double>(history.size()));
    const double design = 1 + before.extra * before.all.errors / ticks;
    noise_ = OwnNoise(before.extra);
    // A control group goes on telling of the rate.
    const double unknown = control_ ? 0 : design / (before.all.errors + 1);
    const double errors = std::sqrt(kHealthyErrors * kHealthyErrors + unknown);
    spread_ = of == Of::Errors ? errors : model_.spread();
}

void Certificate::count_errors(const Events& fresh) {
    for (std::size_t i = 0; i < seen_.size(); ++i) {
        const double mean = std::min(fresh.requests * rate_ * std::exp(seen_.at(i)), fresh.requests * kMostRate);
        // The terms in the count alone cancel in every ratio.
        const double shape = 1 / extra_;
        seen_[i] += fresh.errors * std::log(mean / (shape + mean)) - shape * std::log1p(mean / shape);
    }
}

void Certificate::count_errors_beside(const Events& fresh, const Events& reference) {
    const double both = fresh.errors + reference.errors;
    const double even = fresh.requests / (fresh.requests + reference.requests);
    const double design = 1 + 2 * noise_.value() * both * even * (1 - even);
    for (std::size_t i = 0; i < seen_.size(); ++i) {
        const double mine = fresh.requests * std::exp(seen_.at(i));
        const double share = mine / (mine + reference.requests);
        seen_[i] += (fresh.errors * std::log(share) + reference.errors * std::log1p(-share)) / design;
    }
    noise_.add(fresh, reference);
}

/// The information of one tick is bounded by the jitter of latency, as in LatencyTest.
void Certificate::count_latency(const GroupTick& fresh, const GroupTick* reference) {
    const auto add = [](std::span<const double> from, std::vector<double>& to) {
        for (std::size_t b = 0; b < std::min(from.size(), to.size()); ++b) to[b] += from[b];
    };
    add(fresh.buckets, fresh_);
    if (reference != nullptr) add(reference->buckets, reference_);
    std::array<double, LatencyModel::kMostCells> cells{}, control{};
    const std::size_t n = model_.cells().size();
    const auto requests = [n](const auto& of) { return std::accumulate(of.begin(), of.begin() + n, 0.0); };
    model_.fill(fresh.buckets, cells);
    double expected = model_.expected(fresh.at), doubt = std::max(model_.jitter(), kLeastJitter);
    if (reference != nullptr) {
        model_.fill(reference->buckets, control);
        if (requests(control) <= 0) return;
        const double clearly = model_.common(control);
        if (clearly <= LatencyModel::kLeastCommon || clearly >= LatencyModel::kMostCommon) return;  // or further still
        expected = clearly != 0 ? clearly : model_.shift(control);
        doubt = 2 * doubt + 1 / (requests(control) * model_.information());
    }
    const double design = 1 + requests(cells) * model_.information() * doubt;
    for (std::size_t i = 0; i < seen_.size(); ++i) {
        const TablePlace place(seen_.at(i) + expected);
        double sum = 0;
        for (std::size_t c = 0; c < n; ++c) sum += cells[c] * place.in(model_.cells()[c].log_ratio.data());
        seen_[i] += sum / design;
    }
}

void Certificate::tick(const GroupTick& fresh, const GroupTick* reference) {
    if (fresh.at - fresh.dt < grace_ || fresh.all.requests <= 0) return;
    if (control_ && (reference == nullptr || reference->all.requests <= 0)) return;
    requests_ += fresh.all.requests;
    if (of_ == Of::Latency) {
        if (!model_.empty()) count_latency(fresh, control_ ? reference : nullptr);
    } else if (control_) {
        count_errors_beside(fresh.all, reference->all);
    } else {
        count_errors(fresh.all);
    }
}

/// Of the new version by what it is compared with; 0: one of them has none.
double Certificate::quantiles() const {
    const auto of = [this](const std::vector<double>& buckets) {
        std::vector<double> cumulative(buckets.size());
        std::partial_sum(buckets.begin(), buckets.end(), cumulative.begin());
        return bucket_quantile(quantile_, edges_, cumulative).value_or(0);
    };
    const double usual = of(reference_);
    return usual > 0 ? of(fresh_) / usual : 0;
}

double Certificate::upper(double alpha) const {
    const bool blind = requests_ < kFewest || (of_ == Of::Latency && model_.empty());
    const double bound = blind ? std::numeric_limits<double>::infinity() : seen_.upper(spread_, alpha);
    if (of_ == Of::Errors || std::isinf(bound)) return bound;
    return std::max(bound > 1 ? std::pow(bound, kCoarse) : bound, quantiles());
}

}  // namespace revertd::detect
