// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <vector>

#include "core/clock.h"

namespace revertd {

/// One value of a line over time, for plots.
struct TracePoint {
    Time at{};
    double value = 0;  ///< NaN: not seen

    template <class Self, class F>
    static void fields(Self& r, F&& f) {
        f("at", r.at), f("value", r.value);
    }
};

/// How a signal went since the deploy, in a fixed number of blocks: the newest are kept. Kept while a deploy is
/// watched; what was before is in the baseline.
class Trace {
  public:
    static constexpr std::size_t kPoints = 60;  ///< as many as a line of text has columns

    /// `slots`: how many all points together span.
    void begin(std::size_t slots);

    void end() { *this = {}; }

    [[nodiscard]] bool running() const { return block_slots_ > 0; }

    /// A slot with its value and how much that weighs; 0: it could not be seen.
    void add(Time at, double value, double weight);

    [[nodiscard]] std::vector<TracePoint> points() const;

  private:
    struct Block {
        Time at{};
        double sum = 0, weight = 0;
        std::uint32_t slots = 0;
    };

    std::size_t block_slots_ = 0, newest_ = 0;
    std::vector<Block> blocks_;
};

}  // namespace revertd
