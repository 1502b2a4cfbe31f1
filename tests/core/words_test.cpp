// SPDX-License-Identifier: Apache-2.0
#include "core/words.h"

#include <gtest/gtest.h>

#include <limits>

namespace revertd {
namespace {

TEST(Words, counts_have_thousands) {
    EXPECT_EQ(count_words(0), "0");
    EXPECT_EQ(count_words(999), "999");
    EXPECT_EQ(count_words(12410), "12,410");
    EXPECT_EQ(count_words(-1234567.6), "-1,234,568");
    EXPECT_EQ(count_words(-0.2), "0");
    EXPECT_EQ(count_words(1e300), "1e+300");
}

TEST(Words, values_have_their_unit_and_three_digits) {
    EXPECT_EQ(value_words(0.079, Unit::Ratio), "7.9 %");
    EXPECT_EQ(value_words(0.0504, Unit::Ratio), "5.04 %");
    EXPECT_EQ(value_words(0.003, Unit::Ratio), "0.3 %");
    EXPECT_EQ(value_words(1, Unit::Ratio), "100 %");
    EXPECT_EQ(value_words(0.48, Unit::Seconds), "480 ms");
    EXPECT_EQ(value_words(0.9999, Unit::Seconds), "1 s");
    EXPECT_EQ(value_words(1.25, Unit::Seconds), "1.25 s");
    EXPECT_EQ(value_words(0, Unit::Seconds), "0 s");
    EXPECT_EQ(value_words(31, Unit::None), "31");
    EXPECT_EQ(value_words(1234.5, Unit::None), "1,235");
    EXPECT_EQ(value_words(std::numeric_limits<double>::quiet_NaN(), Unit::Ratio), "unknown");
}

TEST(Words, factors_and_plurals) {
    EXPECT_EQ(factor_words(26.33), "26x");
    EXPECT_EQ(factor_words(2.34), "2.3x");
    EXPECT_EQ(factor_words(1234), "1,234x");
    EXPECT_EQ(plural(1, "target"), "1 target");
    EXPECT_EQ(plural(3, "target"), "3 targets");
}

}  // namespace
}  // namespace revertd
