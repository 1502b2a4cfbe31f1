// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace revertd {

/// The candidate that was probably meant; empty if none is near.
[[nodiscard]] std::string most_similar(std::string_view word, const std::vector<std::string>& candidates);

/// "a, b or c".
[[nodiscard]] std::string in_words(const std::vector<std::string>& names);

}  // namespace revertd
