// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "core/clock.h"

namespace revertd {

/// Durations in fixed buckets, in seconds. Written by the loop alone: no lock, and no allocation after its making.
class Histogram {
  public:
    /// Upper bounds, rising; what is above the last one is counted too.
    explicit Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}

    void observe(Duration took) {
        const double value = seconds(took);
        const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
        ++counts_[static_cast<std::size_t>(bucket)];
        sum_ += value;
    }

    [[nodiscard]] const std::vector<double>& bounds() const { return bounds_; }

    /// Not cumulative; one more than bounds.
    [[nodiscard]] const std::vector<std::uint64_t>& counts() const { return counts_; }

    [[nodiscard]] double sum() const { return sum_; }

  private:
    std::vector<double> bounds_;
    std::vector<std::uint64_t> counts_;
    double sum_ = 0;
};

}  // namespace revertd
