// SPDX-License-Identifier: Apache-2.0
#include "core/window.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/quantile.h"

namespace revertd {
namespace {

constexpr std::size_t kBucketStep = 16;  // buckets arrive one by one: rings grow by steps

std::size_t first_cells(Signal::Kind kind) {
    return kind == Signal::Kind::Quantile ? kBucketStep : 2;
}

}  // namespace

SignalWindow::SignalWindow(const Signal& signal, const Lengths& lengths)
    : baseline(lengths.baseline, first_cells(signal.kind)),
      kind_(signal.kind),
      aggregate_(signal.aggregate),
      quantile_(signal.quantile),
      to_base_(signal.to_base),
      sums_(lengths.window, first_cells(signal.kind)),
      counts_(lengths.count, 1) {
    widen(first_cells(signal.kind));
}

void SignalWindow::widen(std::size_t cells) {
    for (std::vector<double>* row : {&sample_, &slot_, &bake_, &scratch_}) row->resize(cells, 0.0);
    sums_.widen(cells);
    baseline.widen(cells);
}

std::optional<std::uint16_t> SignalWindow::bucket(double le) {
    if (std::isnan(le)) return std::nullopt;
    const auto by_bound = [this](std::uint16_t cell, double bound) { return bounds_[cell] < bound; };
    const auto place = std::lower_bound(sorted_.begin(), sorted_.end(), le, by_bound);
    if (place != sorted_.end() && bounds_[*place] == le) return *place;
    if (bounds_.size() >= kMaxBuckets) return std::nullopt;
    const auto cell = static_cast<std::uint16_t>(bounds_.size());
    sorted_.insert(place, cell);
    bounds_.push_back(le);
    scratch_bounds_.resize(bounds_.size());
    scratch_counts_.resize(bounds_.size());
    if (bounds_.size() > sample_.size()) widen(sample_.size() + kBucketStep);
    return cell;
}

void SignalWindow::add_gauge(double value) {
    value *= to_base_;
    double& sum = sample_[0];
    double& series = sample_[1];
    const bool first = series == 0;
    series += 1;
    switch (aggregate_) {
        case Signal::Aggregate::Max:
            sum = first ? value : std::max(sum, value);
            break;
        case Signal::Aggregate::Min:
            sum = first ? value : std::min(sum, value);
            break;
        case Signal::Aggregate::Single:
        case Signal::Aggregate::Avg:
        case Signal::Aggregate::Sum:
            sum += value;
            break;
    }
}

void SignalWindow::complete_sample(std::size_t parts) {
    if (kind_ == Signal::Kind::Rate && parts > 1) sample_[kSeconds] /= static_cast<double>(parts);
    if (kind_ != Signal::Kind::Gauge || sample_[1] == 0) return;
    // One series a target: their mean. Whoever wants the worst of them writes max() or min().
    const bool mean = aggregate_ == Signal::Aggregate::Single || aggregate_ == Signal::Aggregate::Avg;
    if (mean) sample_[0] /= sample_[1];
    sample_[1] = 1;
}

void SignalWindow::end_sample() {
    if (kind_ == Signal::Kind::Gauge) {
        slot_ = sample_;  // the last value is the slot's
    } else {
        for (std::size_t i = 0; i < slot_.size(); ++i) slot_[i] += sample_[i];
    }
    std::ranges::fill(sample_, 0.0);
}

void SignalWindow::end_slot(SlotIndex slot) {
    sums_.push(slot, slot_);
    const double requests = requests_of(slot_);
    counts_.push(slot, std::span(&requests, 1));
    std::ranges::fill(slot_, 0.0);
}

void SignalWindow::add_to_bake() {
    for (std::size_t i = 0; i < bake_.size(); ++i) bake_[i] += slot_[i];
}

void SignalWindow::restart_bake() {
    std::ranges::fill(bake_, 0.0);
}

bool SignalWindow::counts_requests() const {
    return kind_ == Signal::Kind::Ratio || kind_ == Signal::Kind::Quantile;
}

double SignalWindow::requests_of(std::span<const double> cells) const {
    if (kind_ == Signal::Kind::Ratio) return cells[kAll];
    if (kind_ == Signal::Kind::Quantile) return sorted_.empty() ? 0 : cells[sorted_.back()];
    return 0;
}

double SignalWindow::requests(SlotIndex from, SlotIndex to, bool open) {
    double sum = open ? requests_of(slot_) + requests_of(sample_) : 0;
    counts_.add_up(from, to, std::span(&sum, 1));
    return sum;
}

SignalWindow::Value SignalWindow::quantile_of(std::span<const double> cells) {
    for (std::size_t i = 0; i < sorted_.size(); ++i) {
        scratch_bounds_[i] = bounds_[sorted_[i]];
        scratch_counts_[i] = cells[sorted_[i]];
    }
    const auto value = bucket_quantile(quantile_, scratch_bounds_, scratch_counts_);
    return {value, requests_of(cells)};
}

SignalWindow::Value SignalWindow::value_of(std::span<const double> cells) {
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    const auto divided = [](double part, double whole) -> std::optional<double> {
        if (!(whole > 0)) return std::nullopt;
        return part / whole;
    };
    switch (kind_) {
        case Signal::Kind::Ratio:
            return {divided(cells[kBad], cells[kAll]), cells[kAll]};
        case Signal::Kind::Quantile:
            return quantile_of(cells);
        case Signal::Kind::Gauge:
            return {divided(cells[0], cells[1]), kNone};
        case Signal::Kind::Rate:
            return {divided(cells[kIncrease] * to_base_, cells[kSeconds]), kNone};
    }
    return {std::nullopt, kNone};
}

SignalWindow::Value SignalWindow::of_window(SlotIndex from, SlotIndex to) {
    std::ranges::fill(scratch_, 0.0);
    sums_.add_up(from, to, scratch_);
    return value_of(scratch_);
}

SignalWindow::Value SignalWindow::of_sample() {
    return value_of(sample_);
}

SignalWindow::Value SignalWindow::of_bake() {
    return value_of(bake_);
}

std::vector<TracePoint> SignalWindow::baseline_points() {
    std::vector<TracePoint> points;
    baseline.each_block([&](Time at, std::span<const double> cells) {
        points.push_back({at, value_of(cells).value.value_or(std::numeric_limits<double>::quiet_NaN())});
    });
    return points;
}

SignalWindow::Value SignalWindow::of_baseline() {
    return value_of(baseline.sums());
}

void SignalWindow::save(ByteWriter& out) const {
    out.put(bounds_);
    for (const auto* row : {&sample_, &slot_, &bake_}) out.put(*row);
    sums_.save(out);
    counts_.save(out);
    baseline.save(out);
}

bool SignalWindow::load(ByteReader& in) {
    std::uint32_t buckets = 0;
    if (!in.get(buckets) || buckets > kMaxBuckets || (buckets > 0 && kind_ != Signal::Kind::Quantile)) return in.fail();
    for (std::uint32_t i = 0; i < buckets; ++i) {
        double le = 0;
        if (!in.get(le) || bucket(le) != i) return in.fail();
    }
    for (auto* row : {&sample_, &slot_, &bake_})
        if (!in.get_same(*row)) return false;
    return sums_.load(in) && counts_.load(in) && baseline.load(in);
}

}  // namespace revertd
