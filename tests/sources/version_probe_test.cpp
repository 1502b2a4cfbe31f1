// SPDX-License-Identifier: Apache-2.0
#include "daemon/sources/version_probe.h"

#include <gtest/gtest.h>

#include "core/version.h"

namespace revertd {
namespace {

TEST(Version, is_what_the_contract_says) {
    for (const char* good :
         {"1", "v1.2.3", "2026.11.20-rc.1+build.7", "sha256:abc", "registry.io/team/api@sha256:00ff", "a_b"}) {
        EXPECT_TRUE(valid_version(good)) << good;
    }
    EXPECT_TRUE(valid_version(std::string(128, 'x')));
    EXPECT_FALSE(valid_version(std::string(129, 'x')));
    for (const char* bad :
         {"",     "-rf", ".hidden", "/etc/passwd", "_x",   "@x",  "a b", "a\n",   "a;b",  "a$(b)",    "a`b`",     "a'b",
          "a\"b", "a<b", "a&b",     "a|b",         "a\\b", "a*b", "a~b", "v1,v2", "{to}", "\xc3\xa9", "a\x1b[31m"}) {
        EXPECT_FALSE(valid_version(bad)) << bad;
    }
    EXPECT_FALSE(valid_version(std::string_view("a\0b", 3)));
}

Result<Observed> from_http(std::string_view json, int status, std::string_view body,
                           FetchError error = FetchError::None) {
    return version_from_http(json, {error, status, body, false});
}

void expect_version(const Result<Observed>& observed, const std::string& version, bool settled = true) {
    ASSERT_TRUE(observed) << observed.error().message;
    EXPECT_EQ(observed->version, version);
    EXPECT_EQ(observed->settled, settled);
}

TEST(VersionProbe, reads_a_json_pointer) {
    expect_version(from_http("/version", 200, R"({"version":"v2","ok":true})"), "v2");
    expect_version(from_http("/build/0/id", 200, R"({"build":[{"id":"abc"}]})"), "abc");
    expect_version(from_http("/version", 200, R"({"version":42})"), "42");
}

TEST(VersionProbe, reads_the_first_line) {
    expect_version(from_http("", 200, "v2\n"), "v2");
    expect_version(from_http("", 200, "v2\r\nbuilt today\n"), "v2");
    expect_version(from_http("", 203, "v2"), "v2");
    expect_version(version_from_command(0, "v2\nmore\n"), "v2");
    expect_version(version_from_command(0, "v2 settling\n"), "v2", false);
}

TEST(VersionProbe, exit_3_says_that_nothing_runs) {
    expect_version(version_from_command(3, ""), "");
    expect_version(version_from_command(3, "noise"), "");
}

TEST(VersionProbe, everything_else_is_no_answer) {
    for (const int status : {0, 301, 404, 500, 503}) EXPECT_FALSE(from_http("", status, "v2\n")) << status;
    EXPECT_EQ(from_http("", 503, "v2\n").error().message, "the answer is 503");
    for (const FetchError error : {FetchError::Timeout, FetchError::ConnectRefused, FetchError::ClosedEarly}) {
        EXPECT_FALSE(from_http("", 200, "v2\n", error));
    }
    for (const char* body : {"", "\n", " v2\n", "two words\n", "<html>\n", "v2;rm\n", "-v2\n", "v2\tx\n"}) {
        EXPECT_FALSE(from_http("", 200, body)) << body;
        EXPECT_FALSE(version_from_command(0, body)) << body;
    }
    for (const char* body :
         {"", "{}", R"({"version":null})", R"({"version":""})", R"({"version":{}})", R"({"version":"a b"})",
          R"({"version":"a","version":"b"})", R"({"version":"`reboot`"})", "v2"}) {
        EXPECT_FALSE(from_http("/version", 200, body)) << body;
    }
    EXPECT_EQ(version_from_command(1, "", "\nTraceback:\n  PermissionError: /srv\n\n").error().message,
              "the command that says what runs ended with 1 (PermissionError: /srv)");
    EXPECT_EQ(version_from_command(1, "", "\n").error().message, "the command that says what runs ended with 1");
    for (const int exit : {1, 2, 4, 75, 126, 127, 137}) EXPECT_FALSE(version_from_command(exit, "v2\n")) << exit;
    EXPECT_FALSE(version_from_http("", {FetchError::None, 200, "v2", true}));
}

TEST(VersionProbe, a_hostile_version_is_quoted_harmlessly) {
    const auto observed = from_http("/v", 200, "{\"v\":\"\\u001b[2J" + std::string(1000, 'x') + "\"}");
    ASSERT_FALSE(observed);
    EXPECT_EQ(observed.error().message.find('\x1b'), std::string::npos);
    EXPECT_LT(observed.error().message.size(), 120U);
}

TEST(VersionSink, hands_on_what_the_answer_says) {
    std::vector<std::string> seen;
    VersionSink sink("/version", [&](const Result<Observed>& observed, Time) {
        seen.push_back(observed ? observed->version : observed.error().message);
    });
    const std::string body = R"({"version":"v2"})";
    sink.head(200, "application/json", body.size());
    sink.body({body.data(), 7});
    sink.body({body.data() + 7, body.size() - 7});
    sink.done(FetchError::None, Time{});
    sink.done(FetchError::ConnectRefused, Time{});
    EXPECT_EQ(seen, (std::vector<std::string>{"v2", to_string(FetchError::ConnectRefused)}));
}

}  // namespace
}  // namespace revertd
