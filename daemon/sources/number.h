// SPDX-License-Identifier: Apache-2.0
// Numbers as the text exposition format writes them: Go's ParseFloat without hexadecimal and underscores.
#pragma once
#include <optional>
#include <string_view>

namespace revertd {

/// The whole text as a number: decimal, `+1`, `.5`, `5.`, `Inf`, `Infinity` and `NaN` in any case (no sign before NaN).
/// Beyond the range of a double: nothing; too small for it: 0.
[[nodiscard]] std::optional<double> parse_number(std::string_view text);

/// The token at the start of a text that ends with a newline.
struct NumberToken {
    const char* end = nullptr;  ///< the byte after it
    bool plain = false;         ///< sign, digits, fraction, 15 digits at most: plain_value computes it
};

[[nodiscard]] NumberToken scan_number(const char* p, const char* end);

/// The exact value of a plain token: almost every value of a real exposition.
[[nodiscard]] double plain_value(std::string_view token);

/// Whether parse_number would accept it, without computing it where its digits and exponent already say so.
[[nodiscard]] bool is_number(std::string_view text);

}  // namespace revertd
