// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/text.h"

#include <gtest/gtest.h>

#include <ctime>
#include <limits>

#include "tests/ctl/run.h"

namespace revertd::ctl {
namespace {

TEST(ParseRfc3339, reads_what_the_daemon_writes) {
    EXPECT_EQ(parse_rfc3339("2026-11-20T03:12:07.250Z"), kNow);
    EXPECT_EQ(parse_rfc3339("2026-11-20T03:12:07Z"), kNow);
    for (const auto* text :
         {"", "Z", "2026-13-20T03:12:07Z", "2026-11-20T03:12:07", "9999-01-01T00:00:00Z", "yesterday"}) {
        EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
    }
}

TEST(Printable, text_of_others_moves_no_cursor_and_turns_no_line_round) {
    EXPECT_EQ(printable("a\x1b[2Jb\nc\xc2\x9b"
                        "d"),
              "a [2Jb c d");
    EXPECT_EQ(printable("roll \u202eback\u2066 v1\u2028\u061c"), "roll  back  v1  ");
    EXPECT_EQ(printable("gr\u00fc\u00dfe \u2026 \u2588"), "gr\u00fc\u00dfe \u2026 \u2588");
}

TEST(WhenWords, are_local_and_relative) {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    EXPECT_EQ(when_words("2026-11-20T03:07:57Z", kNow), "03:07:57 (4m10s ago)");
    EXPECT_EQ(when_words("2026-11-20T03:19:57Z", kNow), "03:19:57 (in 7m50s)");
    EXPECT_EQ(when_words("2026-11-18T03:12:07Z", kNow), "2026-11-18 03:12:07 (2d ago)");
    EXPECT_EQ(when_words("", kNow), "");
}

TEST(ValueWords, have_a_unit_and_three_digits) {
    EXPECT_EQ(value_words(0.004, "ratio"), "0.4%");
    EXPECT_EQ(value_words(0.0791, "ratio"), "7.91%");
    EXPECT_EQ(value_words(1, "ratio"), "100%");
    EXPECT_EQ(value_words(0.00001, "ratio"), "0.001%");
    EXPECT_EQ(value_words(0.212, "seconds"), "212 ms");
    EXPECT_EQ(value_words(1.5, "seconds"), "1.5 s");
    EXPECT_EQ(value_words(0, "none"), "0");
    EXPECT_EQ(value_words(123456, "none"), "123456");
    EXPECT_EQ(value_words(12345678, "none"), "1.23e+07");
}

TEST(SecondsWords, survive_any_number) {
    EXPECT_EQ(seconds_words(492.4), "8m12s");
    EXPECT_EQ(seconds_words(-3), "0s");
    EXPECT_EQ(seconds_words(std::numeric_limits<double>::quiet_NaN()), "0s");
    EXPECT_FALSE(seconds_words(1e300).empty());
}

TEST(Fit, counts_columns_and_not_bytes) {
    EXPECT_EQ(fit("░░░░", 4), "░░░░");
    EXPECT_EQ(fit("░░░░░", 4), "░░░…");
    EXPECT_EQ(fit("abc", 0), "");
    EXPECT_EQ(display_width("\x1b[32mgut\x1b[0m"), 3U);
}

TEST(Bar, is_full_only_at_the_end) {
    EXPECT_EQ(bar(0.999, 4), "███░");
    EXPECT_EQ(bar(1, 4), "████");
    EXPECT_EQ(bar(7, 4), "████");
    EXPECT_EQ(bar(std::numeric_limits<double>::quiet_NaN(), 2), "░░");
}

}  // namespace
}  // namespace revertd::ctl
