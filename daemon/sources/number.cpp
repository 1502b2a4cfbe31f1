// SPDX-License-Identifier: Apache-2.0
#include "daemon/sources/number.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <system_error>

#include "daemon/sources/byte_scan.h"

namespace revertd {
namespace {

/// Mantissas below 10^15 and these powers are exact doubles, so one division rounds correctly (Clinger).
constexpr int kExactDigits = 15;
constexpr std::array<double, kExactDigits + 1> kPowers{1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                       1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

/// Largest power of ten below the largest double, and enough below it that digits do not matter.
constexpr std::int64_t kSafeExponent = 307;

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
    if (text.size() != lower.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (static_cast<char>(text[i] | 0x20) != lower[i]) return false;
    }
    return true;
}

/// A decimal number taken apart: enough to know that it is one, and on which side of 1 it lies.
struct Decimal {
    bool valid = false;
    bool zero = true;
    std::int64_t exponent = 0;  // the number is below 10^exponent and, unless zero, not below 10^(exponent - 1)
};

/// `[+-]digits`, limited so that a hostile exponent does not overflow.
std::optional<std::int64_t> read_exponent(std::string_view text) {
    const bool negative = !text.empty() && text.front() == '-';
    if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
    if (text.empty()) return std::nullopt;
    std::int64_t value = 0;
    for (const char c : text) {
        if (!bytes::is_digit(c)) return std::nullopt;
        if (value < 1'000'000'000) value = value * 10 + (c - '0');
    }
    return negative ? -value : value;
}

/// `text` without its sign.
Decimal take_apart(std::string_view text) {
    Decimal decimal;
    bool digits = false, point = false;
    std::size_t i = 0;
    for (; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (!bytes::is_digit(c)) break;
        digits = true;
        if (c != '0') decimal.zero = false;
        if (!point && !decimal.zero) ++decimal.exponent;
        if (point && decimal.zero) --decimal.exponent;
    }
    decimal.valid = digits;
    if (!digits || i == text.size()) return decimal;
    const auto exponent = (text[i] | 0x20) == 'e' ? read_exponent(text.substr(i + 1)) : std::nullopt;
    decimal.valid = exponent.has_value();
    decimal.exponent += exponent.value_or(0);
    return decimal;
}

std::string_view without_sign(std::string_view text) {
    if (!text.empty() && (text.front() == '+' || text.front() == '-')) text.remove_prefix(1);
    return text;
}

}  // namespace

std::optional<double> parse_number(std::string_view text) {
    const bool negative = !text.empty() && text.front() == '-';
    const std::string_view body = without_sign(text);
    if (equals_ignoring_case(text, "nan")) return std::numeric_limits<double>::quiet_NaN();
    if (equals_ignoring_case(body, "inf") || equals_ignoring_case(body, "infinity")) {
        const double infinity = std::numeric_limits<double>::infinity();
        return negative ? -infinity : infinity;
    }
    const Decimal decimal = take_apart(body);
    if (!decimal.valid) return std::nullopt;

    double value = 0;
    const auto [end, error] = std::from_chars(body.data(), body.data() + body.size(), value);
    if (error == std::errc::result_out_of_range || std::isinf(value)) {
        if (decimal.exponent > 0) return std::nullopt;
        value = 0;
    } else if (error != std::errc() || end != body.data() + body.size()) {
        return std::nullopt;
    }
    return negative ? -value : value;
}

NumberToken scan_number(const char* p, const char* end) {
    const char* const first = p + (*p == '-' || *p == '+' ? 1 : 0);
    const char* q = bytes::skip_digits(first, end);
    std::ptrdiff_t digits = q - first;
    if (*q == '.') {
        const char* const point = q + 1;
        q = bytes::skip_digits(point, end);
        digits += q - point;
    }
    const bool plain = bytes::ends_token(*q) && digits > 0 && digits <= kExactDigits;
    while (!bytes::ends_token(*q) && *q != '{') ++q;
    return {q, plain};
}

double plain_value(std::string_view token) {
    const bool negative = token.front() == '-';
    std::uint64_t mantissa = 0;
    std::size_t fraction = 0;
    bool point = false;
    for (const char c : without_sign(token)) {
        if (c == '.') {
            point = true;
            continue;
        }
        mantissa = mantissa * 10 + static_cast<unsigned>(c - '0');
        fraction += point ? 1 : 0;
    }
    const double value = static_cast<double>(mantissa) / kPowers[fraction];
    return negative ? -value : value;
}

bool is_number(std::string_view text) {
    const Decimal decimal = take_apart(without_sign(text));
    if (decimal.valid && (decimal.zero || decimal.exponent <= kSafeExponent)) return true;
    return parse_number(text).has_value();
}

}  // namespace revertd
