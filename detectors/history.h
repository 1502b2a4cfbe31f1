// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "detectors/counts.h"

namespace revertd::detect {

/// The ticks before the deploy under the old version: what the detectors learn from. A bounded ring, the oldest give
/// way.
class History {
  public:
    static constexpr std::size_t kMost =
        4096;  ///< ticks: an hour at 1 s, and memory of a few hundred kilobytes a service

    History(std::size_t buckets, std::size_t parts, std::size_t most = kMost);

    void add(const GroupTick& tick);

    [[nodiscard]] std::size_t size() const { return ticks_.size(); }

    struct Tick {
        double at = 0;
        Events all;
    };

    /// From the oldest, i < size().
    [[nodiscard]] const Tick& tick(std::size_t i) const { return ticks_[place(i)]; }

    [[nodiscard]] std::span<const double> buckets(std::size_t i) const;

    [[nodiscard]] Events all() const;
    [[nodiscard]] std::vector<double> all_buckets() const;
    [[nodiscard]] std::vector<Events> all_parts() const;

  private:
    [[nodiscard]] std::size_t place(std::size_t i) const { return (first_ + i) % ticks_.size(); }

    std::size_t most_, buckets_, parts_, first_ = 0;
    std::vector<Tick> ticks_;
    std::vector<double> bucket_rows_;
    std::vector<Events> part_rows_;
};

}  // namespace revertd::detect
