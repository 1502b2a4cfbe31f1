// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <string_view>

namespace revertd {

/// Letters that must be inserted, deleted or replaced to make `b` of `a` (Levenshtein, 1966). The cost is the product
/// of the lengths, and nobody mistypes a long word: from one of more than kLongestWord letters everything is as far as
/// that one is long.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

inline constexpr std::size_t kLongestWord = 64;

}  // namespace revertd
