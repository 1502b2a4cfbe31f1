// SPDX-License-Identifier: Apache-2.0
#include "detectors/history.h"

#include <algorithm>

namespace revertd::detect {

History::History(std::size_t buckets, std::size_t parts, std::size_t most)
    : most_(most), buckets_(buckets), parts_(parts) {}

void History::add(const GroupTick& tick) {
    std::size_t row = ticks_.size();
    if (row < most_) {
        ticks_.emplace_back();
        bucket_rows_.resize(bucket_rows_.size() + buckets_);
    } else {
        row = first_;
        first_ = (first_ + 1) % most_;
    }
    ticks_[row] = {tick.at, tick.all};
    std::fill_n(bucket_rows_.begin() + static_cast<std::ptrdiff_t>(row * buckets_), buckets_, 0.0);
    const auto buckets = tick.buckets.first(std::min(buckets_, tick.buckets.size()));
    const auto parts = tick.parts.first(std::min(parts_, tick.parts.size()));
    std::copy(buckets.begin(), buckets.end(), bucket_rows_.begin() + static_cast<std::ptrdiff_t>(row * buckets_));
    // Whoever gives parts with the first tick alone pays for one row.
    if (!parts.empty() && part_rows_.size() < (row + 1) * parts_) part_rows_.resize((row + 1) * parts_);
    if (part_rows_.size() < (row + 1) * parts_) return;
    const auto part_row = part_rows_.begin() + static_cast<std::ptrdiff_t>(row * parts_);
    std::fill_n(part_row, parts_, Events{});
    std::copy(parts.begin(), parts.end(), part_row);
}

std::span<const double> History::buckets(std::size_t i) const {
    return std::span(bucket_rows_).subspan(place(i) * buckets_, buckets_);
}

Events History::all() const {
    Events sum;
    for (const auto& tick : ticks_) sum += tick.all;
    return sum;
}

std::vector<double> History::all_buckets() const {
    std::vector<double> sum(buckets_, 0.0);
    for (std::size_t i = 0; i < bucket_rows_.size(); ++i) sum[i % buckets_] += bucket_rows_[i];
    return sum;
}

std::vector<Events> History::all_parts() const {
    std::vector<Events> sum(parts_);
    for (std::size_t i = 0; i < part_rows_.size(); ++i) sum[i % parts_] += part_rows_[i];
    return sum;
}

}  // namespace revertd::detect
