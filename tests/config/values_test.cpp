// SPDX-License-Identifier: Apache-2.0
#include "config/values.h"

#include <gtest/gtest.h>

namespace revertd::config {
namespace {

TEST(Values, durations_are_read_as_they_are_written) {
    EXPECT_EQ(parse_duration("15m"), Duration(15min));
    EXPECT_EQ(parse_duration("1h30m"), Duration(90min));
    EXPECT_EQ(parse_duration("250ms"), Duration(250ms));
    EXPECT_EQ(parse_duration("1w2d"), Duration(24h * 9));
    EXPECT_EQ(parse_duration("0s"), Duration::zero());
    EXPECT_EQ(parse_duration("0"), Duration::zero());
    for (const char* text :
         {"", "15", "m", "15 m", "-5m", "1.5h", "30m1h", "1h1h", "5sec", "99999999999h", "999999999w", "1:30", "5m "})
        EXPECT_EQ(parse_duration(text), std::nullopt) << text;
}

TEST(Values, numbers_have_no_surprises) {
    EXPECT_EQ(parse_number("1.5"), 1.5);
    EXPECT_EQ(parse_number("-2"), -2);
    for (const char* text : {"", "nan", "inf", "0x10", "1,5", "1e400", "5 ", "+5"})
        EXPECT_EQ(parse_number(text), std::nullopt) << text;
    EXPECT_EQ(parse_count("12"), 12);
    EXPECT_EQ(parse_count("0"), 0);
    for (const char* text : {"", "010", "-1", "1.0", "99999999999999999999", "1 "})
        EXPECT_EQ(parse_count(text), std::nullopt) << text;
    EXPECT_DOUBLE_EQ(parse_percent("30%").value_or(0), 0.3);
    EXPECT_EQ(parse_percent("30"), std::nullopt);
}

TEST(Values, limits_are_a_count_per_duration) {
    const auto rate = parse_rate("3 per 1h");
    ASSERT_TRUE(rate);
    EXPECT_EQ(rate->count, 3);
    EXPECT_EQ(rate->per, Duration(1h));
    for (const char* text : {"3", "3 per", "0 per 1h", "3 per 0s", "per 1h", "3/1h", "3  per 1h"})
        EXPECT_FALSE(parse_rate(text)) << text;
}

TEST(Values, urls_need_a_scheme_and_a_host) {
    for (const char* url :
         {"http://127.0.0.1:8080/health", "https://api.internal", "http://[::1]:8080/m?x=1", "tcp://db:5432"})
        EXPECT_FALSE(check_url(url, "http|https|tcp")) << url;
    for (const char* url :
         {"", "127.0.0.1:8080", "http://", "http://:80/", "http://a:0/", "http://a:99999/", "http://a b/", "ftp://a/",
          "http://u:p@a/", "tcp://a", "tcp://a:1/x", "http://{to}/", "http://a/#x"})
        EXPECT_TRUE(check_url(url, "http|https|tcp")) << url;
}

TEST(Values, the_authority_has_the_port_of_its_scheme) {
    EXPECT_EQ(authority_of("http://a/x"), "a:80");
    EXPECT_EQ(authority_of("https://a?x"), "a:443");
    EXPECT_EQ(authority_of("http://[::1]/"), "[::1]:80");
    EXPECT_EQ(authority_of("tcp://a:5"), "a:5");
    EXPECT_EQ(authority_of("nonsense"), "");
}

TEST(Values, suggests_what_is_near_and_nothing_else) {
    const std::vector<std::string> known{"errors", "p95", "health", "guard"};
    EXPECT_EQ(nearest("eror", known), "errors");
    EXPECT_EQ(nearest("gaurd", known), "guard");
    EXPECT_EQ(nearest("p99", known), "p95");
    EXPECT_EQ(nearest("orders", known), std::nullopt);
    EXPECT_EQ(nearest("latency", known), std::nullopt);
    EXPECT_EQ(nearest("x", known), std::nullopt);
    EXPECT_EQ(nearest(std::string(10'000, 'e'), known), std::nullopt);
    EXPECT_EQ(did_you_mean("healht", known), "did you mean \"health\"?");
}

}  // namespace
}  // namespace revertd::config
