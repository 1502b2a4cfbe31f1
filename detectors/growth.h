// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <optional>
#include <vector>

#include "core/bytes.h"

namespace revertd::detect {

/// Memory that grows steadily and would pass 95 % of its limit before another bake is over, less what the control
/// grows. Judged in the last two fifths of the bake, from means over a fifth of it that lie three tenths apart, so that
/// the saw-tooth of a garbage collector cancels.
class GrowthTest {
  public:
    GrowthTest(double bake, double interval);

    void add(bool fresh, double at, double share_of_limit);

    void save(ByteWriter& out) const;
    bool load(ByteReader& in);

    struct Growth {
        double now = 0, rise = 0;  ///< shares of the limit; the rise over three tenths of the bake
    };

    [[nodiscard]] std::optional<Growth> grows(double at) const;
    /// The same from its last fifth on, and only if what the last third of the bake adds would fill it, too: what has
    /// filled up to where it stays, and load that grew for a while, have come to rest by then.
    [[nodiscard]] std::optional<Growth> still_grows(double at) const;

  private:
    struct Cell {
        double sum = 0;
        std::size_t samples = 0;
    };

    [[nodiscard]] std::optional<double> mean(const std::vector<Cell>& cells, double from, double to) const;

    double bake_, width_;
    std::size_t fewest_;
    std::vector<Cell> fresh_, reference_;
};

}  // namespace revertd::detect
