// SPDX-License-Identifier: Apache-2.0
#include "daemon/sources/number.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <random>
#include <string>

namespace revertd {
namespace {

/// As a line's value is read: the quick way where it applies.
std::optional<double> read(const std::string& token) {
    const std::string text = token + '\n';
    const NumberToken scanned = scan_number(text.data(), text.data() + text.size());
    EXPECT_EQ(scanned.end, text.data() + token.size()) << token;
    EXPECT_TRUE(!scanned.plain || is_number(token)) << token;
    return scanned.plain ? std::optional(plain_value(token)) : parse_number(token);
}

void expect_bits(const std::string& token) {
    const double expected = std::strtod(token.c_str(), nullptr);
    for (const auto& value : {read(token), parse_number(token)}) {
        ASSERT_TRUE(value) << token;
        EXPECT_EQ(std::bit_cast<std::uint64_t>(*value), std::bit_cast<std::uint64_t>(expected)) << token;
    }
    EXPECT_TRUE(is_number(token)) << token;
}

TEST(Number, is_read_to_the_last_bit) {
    std::mt19937_64 random(3);
    std::array<char, 64> text{};
    for (int i = 0; i < 20'000; ++i) {
        const double value = std::bit_cast<double>(random());
        if (!std::isfinite(value)) continue;
        const auto shortest = std::to_chars(text.data(), text.data() + text.size(), value);
        expect_bits(std::string(text.data(), shortest.ptr));
        const auto digits = random() % 19;
        std::string decimal = std::to_string(random() % 1'000'000'000'000'000'000ULL);
        expect_bits(decimal);
        decimal.insert(std::min<std::size_t>(digits, decimal.size()), ".");
        expect_bits(decimal);
        expect_bits("-" + decimal);
        expect_bits("+" + decimal + "e-" + std::to_string(random() % 300));
    }
    for (const char* token : {"0", "-0", "+0", "-0.0", ".5", "5.", "000000000000000000001", "999999999999999",
                              "9999999999999999", "0.000000000000001", "0.0000000000000001", "1e22", "1e23"}) {
        expect_bits(token);
    }
}

TEST(Number, refuses_what_Go_refuses) {
    for (const char* token : {"+",
                              "-",
                              ".",
                              "e5",
                              "1e",
                              "1e+",
                              "1e-",
                              "1.2.3",
                              "--1",
                              "+-1",
                              "0x1",
                              "1_0",
                              "1f",
                              "1 ",
                              "1,0",
                              "+nan",
                              "-nan",
                              "nan(1)",
                              "nan0",
                              "in",
                              "infi",
                              "infinit",
                              "infinityy",
                              "++inf",
                              "1e400",
                              "-1e400",
                              "1e309",
                              "1.7976931348623159e308",
                              "1e2147483648",
                              "1e99999999999999999999"}) {
        EXPECT_FALSE(parse_number(token)) << token;
        EXPECT_FALSE(is_number(token)) << token;
    }
    EXPECT_FALSE(parse_number(""));
    EXPECT_FALSE(parse_number(std::string(400, '9')));
    EXPECT_FALSE(is_number(std::string(400, '9')));
}

TEST(Number, what_is_too_small_is_zero_and_what_is_zero_is_never_too_large) {
    for (const char* token : {"1e-400", "-1e-400", "1e-99999999999999999999", "0e999", "0.000e400", "1e-324"}) {
        EXPECT_EQ(parse_number(token), 0.0) << token;
        EXPECT_TRUE(is_number(token)) << token;
    }
    EXPECT_EQ(parse_number("0." + std::string(400, '0') + "1"), 0.0);
    EXPECT_EQ(parse_number("0." + std::string(400, '0') + "1e401"), 1.0);
    EXPECT_EQ(parse_number("1" + std::string(400, '0') + "e-400"), 1.0);
}

}  // namespace
}  // namespace revertd
