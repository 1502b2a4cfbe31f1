// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "detectors/counts.h"

namespace revertd::detect {

/// The last ticks of both groups, for sums over the last seconds: running totals in a ring, O(ticks asked for).
class Recent {
  public:
    /// `cells`: further counts that each group carries beside its events.
    Recent(std::size_t ticks, std::size_t cells);

    /// A tick of `dt` seconds.
    void push(double at, double dt, const Events& fresh, const Events& reference,
              std::span<const double> fresh_cells = {}, std::span<const double> reference_cells = {});

    struct Sum {
        std::size_t ticks = 0;
        double seconds = 0;  ///< that they tell of: more than they are apart, after a lost scrape
        Events fresh, reference;
        std::size_t from = 0, to = 0;  ///< for `cell`
    };

    /// Ticks with from < at <= to.
    [[nodiscard]] Sum over(double from, double to) const;
    [[nodiscard]] double fresh_cell(const Sum& sum, std::size_t cell) const;
    [[nodiscard]] double reference_cell(const Sum& sum, std::size_t cell) const;

  private:
    struct Row {
        double at = -1e300, seconds = 0;
        Events fresh, reference;
    };

    [[nodiscard]] std::size_t place(std::size_t n) const { return n % rows_.size(); }

    std::size_t cells_;
    std::size_t count_ = 1;  // rows ever, the empty one included
    std::vector<Row> rows_;
    std::vector<double> cell_rows_;
};

}  // namespace revertd::detect
