// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace revertd {

struct Label {
    std::string name, value;
};

struct SeriesName {
    std::string metric;
    std::vector<Label> labels;  ///< sorted by name, those with empty values left out (they are the same as absent)
};

/// Decodes Line::series of a valid sample.
[[nodiscard]] SeriesName decode_series(std::string_view series);

/// `\\`, `\"` and `\n` decoded; any other backslash stays.
[[nodiscard]] std::string decode_escapes(std::string_view text);

}  // namespace revertd
