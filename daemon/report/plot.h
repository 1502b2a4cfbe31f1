// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "core/clock.h"

namespace revertd {

/// A line over time with its limit, drawn as inline SVG; what it shows is in its title too, for those who cannot see
/// it.
struct Plot {
    struct Point {
        WallTime at{};
        double value = 0;
        double limit = 0;  ///< NaN: none
    };

    struct Mark {
        WallTime at{};
        std::string words;
    };

    std::string title;
    std::vector<Point> points;  ///< in order; a value holds until the next
    std::vector<Mark> marks;
    WallTime from{}, to{};
};

/// Text for HTML and SVG: nothing of it is markup. Control characters are left out.
[[nodiscard]] std::string html_text(const std::string& text);

/// Empty when there is nothing to draw.
[[nodiscard]] std::string to_svg(const Plot& plot);

}  // namespace revertd
