// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "daemon/io/http.h"
#include "daemon/io/limits.h"

namespace revertd {
namespace {

TEST(ParseUrl, takes_a_plain_url_apart) {
    const auto target = parse_url("http://app-1.example:8080/health?full=1");
    ASSERT_TRUE(target) << target.error().message;
    EXPECT_FALSE(target->https);
    EXPECT_EQ(target->host, "app-1.example");
    EXPECT_EQ(target->port, 8080);
    EXPECT_EQ(target->path, "/health?full=1");
    EXPECT_EQ(target->authority, "app-1.example:8080");
}

TEST(ParseUrl, knows_the_default_ports_and_the_empty_path) {
    EXPECT_EQ(parse_url("http://a")->port, 80);
    EXPECT_EQ(parse_url("https://a")->port, 443);
    EXPECT_TRUE(parse_url("https://a")->https);
    EXPECT_EQ(parse_url("http://a")->path, "/");
    EXPECT_EQ(parse_url("http://a?x=1")->path, "/?x=1");
}

TEST(ParseUrl, strips_the_brackets_of_an_ipv6_host_but_sends_them) {
    const auto target = parse_url("http://[::1]:9100/metrics");
    ASSERT_TRUE(target);
    EXPECT_EQ(target->host, "::1");
    EXPECT_EQ(target->port, 9100);
    EXPECT_EQ(target->authority, "[::1]:9100");
}

TEST(ParseUrl, refuses_what_is_no_http_url) {
    for (const char* url :
         {"", "http://", "http:///x", "ftp://a/", "file:///etc/passwd", "a:80/", "http:/a", "HTTP://a/"}) {
        EXPECT_FALSE(parse_url(url)) << url;
    }
}

TEST(ParseUrl, refuses_ports_that_are_none) {
    for (const char* url :
         {"http://a:/", "http://a:0/", "http://a:65536/", "http://a:-1/", "http://a:80x/", "http://a:+80/"}) {
        EXPECT_FALSE(parse_url(url)) << url;
    }
}

TEST(ParseUrl, refuses_what_could_end_the_request_line) {
    for (const char* url :
         {"http://a/x y", "http://a/x\r\nHost: b", "http://a\n/", "http://a/\x7f", "http://a/\xc3\xa9"}) {
        EXPECT_FALSE(parse_url(url)) << url;
    }
}

TEST(ParseUrl, refuses_credentials_fragments_and_odd_hosts) {
    for (const char* url : {"http://u:p@a/", "http://u@a/", "http://a/#top", "http://a%2eb/", "http://[::1/",
                            "http://[::1]x/", "http://[g]/"}) {
        EXPECT_FALSE(parse_url(url)) << url;
    }
    EXPECT_FALSE(parse_url("http://a/" + std::string(kMaxUrlBytes, 'x')));
}

TEST(ParseUrl, does_not_repeat_a_secret_in_its_error) {
    EXPECT_EQ(parse_url("http://u:hunter2@a/").error().message.find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace revertd
