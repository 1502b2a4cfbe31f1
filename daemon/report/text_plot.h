// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/rule.h"

namespace revertd {

/// A line over time in characters, for a terminal and for Markdown.
struct TextPlot {
    struct Point {
        WallTime at{};
        double value = 0;  ///< NaN: not seen
    };

    struct Mark {
        WallTime at{};
        std::string words;
    };

    std::vector<Point> points;
    std::vector<Mark> marks;  ///< in order of time
    double limit = 0;         ///< NaN: none
    Unit unit = Unit::None;   ///< of values
};

/// Lines of at most `columns` characters; none when there is nothing to draw.
[[nodiscard]] std::vector<std::string> to_text(const TextPlot& plot, std::size_t columns = 72);

}  // namespace revertd
