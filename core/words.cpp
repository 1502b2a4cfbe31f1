// SPDX-License-Identifier: Apache-2.0
#include "core/words.h"

#include <array>
#include <charconv>
#include <cmath>

namespace revertd {
namespace {

std::string digits(double value, int significant) {
    std::array<char, 64> text{};
    const auto end =
        std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::general, significant).ptr;
    return {text.data(), end};
}

}  // namespace

std::string count_words(double count) {
    if (!std::isfinite(count)) return "unknown";
    if (std::abs(count) >= 1e15) return digits(count, 3);
    const auto whole = std::llround(std::abs(count));
    std::string text = std::to_string(whole);
    for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
        text.insert(static_cast<std::size_t>(at), ",");
    return count < 0 && whole != 0 ? "-" + text : text;
}

std::string value_words(double value, Unit unit) {
    if (!std::isfinite(value)) return "unknown";
    if (unit == Unit::Ratio) return value_words(value * 100, Unit::None) + " %";
    if (unit == Unit::Seconds && std::abs(value) < 0.9995 && value != 0)
        return value_words(value * 1000, Unit::None) + " ms";
    if (unit == Unit::Seconds) return value_words(value, Unit::None) + " s";
    return std::abs(value) < 999.5 ? digits(value, 3) : count_words(value);
}

std::string factor_words(double factor) {
    if (!std::isfinite(factor)) return "unknown";
    return (std::abs(factor) < 99.5 ? digits(factor, 2) : count_words(factor)) + "x";
}

std::string plural(std::size_t count, const std::string& noun) {
    return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace revertd
