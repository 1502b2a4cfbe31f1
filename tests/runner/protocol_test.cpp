// SPDX-License-Identifier: Apache-2.0
#include "daemon/runner/protocol.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <optional>

#include "daemon/runner/connection.h"
#include "daemon/runner/limits.h"
#include "daemon/runner/output.h"

namespace revertd::runner {
namespace {

Request round_trip(const Request& request) {
    const Result<std::string> line = encode(request);
    EXPECT_TRUE(line.has_value());
    EXPECT_EQ(line->find('\n'), line->size() - 1) << "one line";
    std::uint64_t id = 0;
    const Result<Request> read = decode_request(std::string_view(*line).substr(0, line->size() - 1), id);
    EXPECT_TRUE(read.has_value()) << (read ? "" : read.error().message);
    EXPECT_EQ(id, request.id);
    return read ? *read : Request{};
}

TEST(Protocol, a_start_arrives_as_it_was_sent) {
    StartRequest start{"a/b/\"c\"\n", "digest", "name",
                       "{}",          90s,      ExecCall{{"/a", "b\n\t\xC3\xA4", ""}, "/w", {{"A", "b=c"}, {"D", ""}}}};
    const auto read = std::get<StartRequest>(round_trip({7, start}).what);
    EXPECT_EQ(read.key, start.key);
    EXPECT_EQ(read.digest, "digest");
    EXPECT_EQ(read.name, "name");
    EXPECT_EQ(read.context, "{}");
    EXPECT_EQ(read.deadline, Duration(90s));
    EXPECT_EQ(read.call, start.call);
    start.call = HttpCall{"PUT", "http://a/b", {{"X", "y"}}, "{\"a\":1}"};
    EXPECT_EQ(std::get<StartRequest>(round_trip({8, start}).what).call, start.call);
}

TEST(Protocol, questions_arrive_as_they_were_sent) {
    EXPECT_TRUE(std::get<QueryRequest>(round_trip({1, QueryRequest{"k", true}}).what).wait);
    EXPECT_EQ(std::get<StopRequest>(round_trip({1, StopRequest{"k"}}).what).key, "k");
    EXPECT_TRUE(std::holds_alternative<PrepareRequest>(round_trip({1, PrepareRequest{}}).what));
    const ProbeRequest probe{ExecCall{{"/a"}, "/", {}}, 250ms};
    EXPECT_EQ(std::get<ProbeRequest>(round_trip({1, probe}).what).deadline, Duration(250ms));
}

TEST(Protocol, an_answer_arrives_as_it_was_sent) {
    Receipt receipt;
    receipt.state = StepState::Failed;
    receipt.exit = 7;
    receipt.reason = "why";
    receipt.output = "line\nline";
    receipt.survivors = receipt.repeated = true;
    receipt.started = WallTime(1795144327250ms);
    receipt.ended = WallTime(1795144327251ms);
    const std::string line = encode(Answer{3, receipt});
    const Result<Answer> answer = decode_answer(line);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->id, 3U);
    const auto& read = std::get<Receipt>(answer->what);
    EXPECT_EQ(read.state, StepState::Failed);
    EXPECT_EQ(read.exit, 7);
    EXPECT_EQ(read.reason, "why");
    EXPECT_EQ(read.output, "line\nline");
    EXPECT_TRUE(read.survivors && read.repeated);
    EXPECT_EQ(read.started, receipt.started);
    EXPECT_EQ(read.ended, receipt.ended);
    EXPECT_EQ(std::get<ProbeResult>(decode_answer(encode(Answer{1, ProbeResult{3, "o", "e"}}))->what).exit, 3);
    EXPECT_EQ(std::get<RequestError>(decode_answer(encode(Answer{1, RequestError{"no"}}))->what).words, "no");
}

TEST(Protocol, what_makes_no_sense_is_told_apart_from_what_is_no_json) {
    std::uint64_t id = 0;
    for (const char* line :
         {"", "x", "[]", "{}", "{\"id\":-1}", "{\"id\":\"1\"}", "{\"id\":1", "{\"id\":1,\"do\":\"\xFF\"}"})
        EXPECT_EQ(decode_request(line, id).error().code, ErrorCode::Invalid) << line;
    for (
        const char* line :
        {R"({"id":1})", R"({"id":1,"do":"dance"})", R"({"id":1,"do":"start","key":"k","deadline_ms":1})",
         R"({"id":1,"do":"start","deadline_ms":1,"exec":{"argv":["/a"]}})",
         R"({"id":1,"do":"start","key":"k","exec":{"argv":["/a"]}})",
         R"({"id":1,"do":"start","key":"k","deadline_ms":0,"exec":{"argv":["/a"]}})",
         R"({"id":1,"do":"start","key":"k","deadline_ms":9223372036854775807,"exec":{"argv":["/a"]}})",
         R"({"id":1,"do":"start","key":"k","deadline_ms":1,"exec":{"argv":["/a"]},"http":{"method":"POST","url":"http://a"}})",
         R"({"id":1,"do":"start","key":"k","deadline_ms":1,"exec":{"argv":[]}})",
         R"({"id":1,"do":"start","key":"k","deadline_ms":1,"exec":{"argv":[1]}})",
         R"({"id":1,"do":"start","key":"k","deadline_ms":1,"exec":{"argv":"/a"}})",
         R"({"id":1,"do":"start","key":"k","deadline_ms":1,"exec":[]})",
         R"({"id":1,"do":"start","key":"k","deadline_ms":1,"exec":{"argv":["/a\u0000b"]}})",
         R"({"id":1,"do":"start","key":"k","deadline_ms":1,"exec":{"argv":["/a"],"cwd":"x"}})",
         R"({"id":1,"do":"start","key":"k","deadline_ms":1,"exec":{"argv":["/a"],"env":[["A"]]}})",
         R"({"id":1,"do":"start","key":"k","deadline_ms":1,"exec":{"argv":["/a"],"env":[["A=B","c"]]}})",
         R"({"id":1,"do":"start","key":"k","deadline_ms":1,"exec":{"argv":["/a"],"env":[["A","\u0000"]]}})",
         R"({"id":1,"do":"start","key":"k","deadline_ms":1,"http":{"method":"","url":"http://a"}})",
         R"({"id":1,"do":"probe","deadline_ms":1})"}) {
        id = 0;
        const Result<Request> request = decode_request(line, id);
        ASSERT_FALSE(request) << line;
        EXPECT_EQ(request.error().code, ErrorCode::NotFound) << line;
        EXPECT_EQ(id, 1U);
    }
}

TEST(Protocol, survives_depth_and_length) {
    std::uint64_t id = 0;
    EXPECT_FALSE(decode_request(std::string(1'000'000, '['), id));
    EXPECT_FALSE(decode_request("{\"id\":1,\"do\":" + std::string(400'000, '[') + std::string(400'000, ']') + "}", id));
    StartRequest start;
    start.key = "k";
    start.deadline = 1s;
    start.call = ExecCall{{"/a", std::string(2 * kMaxLine, 'x')}, "/", {}};
    EXPECT_EQ(encode(Request{1, start}).error().code, ErrorCode::Limit);
}

TEST(Connection, cuts_lines_however_they_arrive) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    Connection connection(1, Fd(ends[0]));
    const Fd other(ends[1]);
    ASSERT_TRUE(write_all(other.get(), "one\ntw"));
    EXPECT_EQ(connection.read_lines(), std::vector<std::string>{"one"});
    ASSERT_TRUE(write_all(other.get(), "o\n\nthree\n"));
    EXPECT_EQ(connection.read_lines(), (std::vector<std::string>{"two", "", "three"}));
    EXPECT_TRUE(connection.is_open());
}

TEST(Connection, is_closed_at_the_end_and_at_a_line_without_end) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    std::optional<Connection> connection(std::in_place, 1, Fd(ends[0]));
    Connection endless(2, Fd(ends[1]));
    while (connection->is_open()) {
        endless.send(std::string(64 * 1024, 'x'));
        EXPECT_TRUE(connection->read_lines().empty());
    }
    connection.reset();
    EXPECT_TRUE(endless.read_lines().empty());
    EXPECT_FALSE(endless.is_open());
}

TEST(Connection, is_closed_when_the_other_side_fetches_nothing) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    Connection connection(1, Fd(ends[0]));
    const Fd other(ends[1]);
    const std::string line(kMaxLine, 'x');
    for (int i = 0; i < 20 && connection.is_open(); ++i) connection.send(line);
    EXPECT_FALSE(connection.is_open());
}

TEST(OutputTail, keeps_the_end_however_it_arrives) {
    for (std::size_t piece = 1; piece < 40; ++piece) {
        OutputTail tail(16);
        std::string all;
        for (std::size_t i = 0; i < 5; ++i) {
            std::string text;
            for (std::size_t j = 0; j < piece; ++j) text += static_cast<char>('a' + (i * piece + j) % 26);
            tail.append(text);
            all += text;
        }
        EXPECT_EQ(tail.text(), all.size() <= 16 ? all : all.substr(all.size() - 16)) << piece;
        EXPECT_EQ(tail.total(), all.size());
    }
}

}  // namespace
}  // namespace revertd::runner
