// SPDX-License-Identifier: Apache-2.0
// Numbers as people read them, the same in findings, pages, reports and the live block. No locale.
#pragma once
#include <string>

#include "core/rule.h"

namespace revertd {

/// "12,410"; rounded to a whole number.
[[nodiscard]] std::string count_words(double count);

/// "7.9 %", "480 ms", "1.2 s", "12,410", "0.97": at most three significant digits below a thousand.
[[nodiscard]] std::string value_words(double value, Unit unit);

/// "26x", "2.3x".
[[nodiscard]] std::string factor_words(double factor);

/// "1 target", "3 targets".
[[nodiscard]] std::string plural(std::size_t count, const std::string& noun);

}  // namespace revertd
