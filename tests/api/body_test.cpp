// SPDX-License-Identifier: Apache-2.0
// Paths and bodies, taken apart strictly.
#include <gtest/gtest.h>

#include <array>

#include "daemon/api/request_body.h"
#include "daemon/api/target.h"

namespace revertd::api {
namespace {

constexpr std::array<Field, 4> kFields{Field{"name", Field::Kind::Text, 8}, Field{"abort", Field::Kind::Flag},
                                       Field{"for", Field::Kind::Number}, Field{"meta", Field::Kind::Texts}};

Error error_of(const std::string& json) {
    const auto body = RequestBody::parse(json, kFields);
    return body ? Error(ErrorCode::Internal, "was accepted: " + json) : body.error();
}

TEST(RequestBody, reads_what_is_known) {
    const auto body =
        RequestBody::parse(R"({"name":"a\u00e9","abort":true,"for":1.5,"meta":{"k":"v","l":""}})", kFields);
    ASSERT_TRUE(body) << body.error().message;
    EXPECT_EQ(body->text("name"), "a\xc3\xa9");
    EXPECT_TRUE(body->flag("abort"));
    EXPECT_EQ(body->number("for"), 1.5);
    EXPECT_EQ(body->texts("meta"), (Meta{{"k", "v"}, {"l", ""}}));
}

TEST(RequestBody, takes_nothing_and_null_as_not_given) {
    for (const char* json : {"", "{}", " { } ", R"({"name":null,"abort":null,"for":null,"meta":null})"}) {
        const auto body = RequestBody::parse(json, kFields);
        ASSERT_TRUE(body) << json;
        EXPECT_EQ(body->text("name"), "");
        EXPECT_FALSE(body->flag("abort"));
        EXPECT_EQ(body->number("for"), std::nullopt);
        EXPECT_TRUE(body->texts("meta").empty());
    }
}

TEST(RequestBody, says_what_was_meant_by_an_unknown_member) {
    const Error error = error_of(R"({"nmae":"a"})");
    EXPECT_NE(error.message.find("\"nmae\""), std::string::npos);
    EXPECT_EQ(error.hint, "did you mean \"name\"?");
}

TEST(RequestBody, refuses_what_is_not_one_flat_object_of_the_right_kinds) {
    for (const char* json : {"null",
                             "1",
                             "true",
                             "\"a\"",
                             "[]",
                             "[{}]",
                             "{",
                             "}",
                             "{}{}",
                             "{} x",
                             R"({"name":})",
                             R"({name:"a"})",
                             R"({'name':'a'})",
                             R"({"name":"a",})",
                             R"({"name":"a"/**/})",
                             R"({"name":1})",
                             R"({"name":true})",
                             R"({"name":{}})",
                             R"({"name":["a"]})",
                             R"({"abort":"true"})",
                             R"({"abort":1})",
                             R"({"for":"1"})",
                             R"({"for":NaN})",
                             R"({"for":1e999})",
                             R"({"for":{}})",
                             R"({"meta":"a"})",
                             R"({"meta":[]})",
                             R"({"meta":{"k":1}})",
                             R"({"meta":{"k":null}})",
                             R"({"meta":{"k":{}}})",
                             R"({"meta":{"k":["a"]}})",
                             R"({"meta":{"k":true}})"}) {
        EXPECT_EQ(error_of(json).code, ErrorCode::Invalid) << json;
    }
}

TEST(RequestBody, refuses_a_member_that_is_given_twice) {
    for (const char* json : {R"({"name":"a","name":"b"})", R"({"name":null,"name":"b"})", R"({"meta":{},"meta":{}})",
                             R"({"meta":{"k":"a","k":"b"}})", R"({"name":"a","\u006eame":"b"})"})
        EXPECT_NE(error_of(json).message.find("twice"), std::string::npos) << json;
}

TEST(RequestBody, refuses_text_that_is_not_plain) {
    for (const std::string text : {"\\u0000", "\\n", "\\u001b[2J", "\\u007f", "\xff", "\xc0\xaf", "\xed\xa0\x80",
                                   "\\ud800", "\\udc00", "\x01", "\xf4\x90\x80\x80", "a \u202e b", "\\u2066"})
        EXPECT_EQ(error_of("{\"name\":\"" + text + "\"}").code, ErrorCode::Invalid) << text;
    EXPECT_EQ(error_of("{\"meta\":{\"a\\u0000\":\"b\"}}").code, ErrorCode::Invalid);
}

TEST(RequestBody, limits_lengths) {
    EXPECT_TRUE(RequestBody::parse(R"({"name":"12345678"})", kFields));
    EXPECT_NE(error_of(R"({"name":"123456789"})").message.find("longer"), std::string::npos);
    std::string many = "{\"meta\":{";
    for (int i = 0; i < 33; ++i) many += (i ? ",\"k" : "\"k") + std::to_string(i) + "\":\"\"";
    EXPECT_NE(error_of(many + "}}").message.find("larger"), std::string::npos);
    EXPECT_NE(error_of("{\"meta\":{\"k\":\"" + std::string(513, 'x') + "\"}}").message.find("larger"),
              std::string::npos);
}

TEST(RequestBody, is_not_exhausted_by_depth) {
    EXPECT_EQ(error_of(std::string(200'000, '[')).code, ErrorCode::Invalid);
    std::string deep;
    for (int i = 0; i < 40'000; ++i) deep += "{\"meta\":";
    EXPECT_EQ(error_of(deep).code, ErrorCode::Invalid);
}

Request parsed(const std::string& target) {
    Request request;
    const auto ok = parse_target(target, request);
    EXPECT_TRUE(ok) << target;
    return request;
}

TEST(Target, is_split_before_it_is_decoded) {
    const Request request = parsed("/api/v1/deployments/team%2Fd-1%3Fx?service=a%26b&limit=5");
    EXPECT_EQ(request.path, (std::vector<std::string>{"api", "v1", "deployments", "team/d-1?x"}));
    EXPECT_EQ(request.parameter("service"), "a&b");
    EXPECT_EQ(request.parameter("limit"), "5");
    EXPECT_EQ(request.parameter("other"), "");
}

TEST(Target, leaves_a_plus_as_it_is) {
    EXPECT_EQ(parsed("/a?version=1.0+build").parameter("version"), "1.0+build");
}

TEST(Target, may_have_an_empty_query) {
    EXPECT_TRUE(parsed("/a?").query.empty());
    EXPECT_EQ(parsed("/a?b").parameter("b"), "");
}

TEST(Target, is_refused_when_it_could_be_read_in_two_ways) {
    for (const char* target :
         {"",   "a",   "*",    "//",   "/a/",  "/a//b", "/.",   "/a/..",   "/a/%2e", "/a/%2E%2e/b", "/a/.%2e",
          "/%", "/%2", "/%zz", "/%00", "/%0a", "/%7f",  "/%ff", "/%c0%af", "/a?b=%", "/a?b=1&b=2",  "/a?b=%0d"}) {
        Request request;
        EXPECT_FALSE(parse_target(target, request)) << target;
    }
}

TEST(Target, the_root_has_no_segment) {
    Request request;
    ASSERT_TRUE(parse_target("/?a=b", request));
    EXPECT_TRUE(request.path.empty());
    EXPECT_EQ(request.parameter("a"), "b");
}

}  // namespace
}  // namespace revertd::api
