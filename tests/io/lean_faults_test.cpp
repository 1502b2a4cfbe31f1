// SPDX-License-Identifier: Apache-2.0
// One test for each way in which a fetch can fail, and hostile answers of all kinds.
#include <sys/resource.h>

#include <random>

#include "daemon/io/limits.h"
#include "tests/io/lean_fixture.h"
#include "tests/support/ports.h"

namespace revertd {
namespace {

using test::FakeAnswer;
using test::RecordingSink;

class LeanFaultsTest : public test::LeanTest {};

TEST_F(LeanFaultsTest, refused) {
    const test::ClosedPort closed;
    RecordingSink sink;
    const auto fetch = make("http://127.0.0.1:" + std::to_string(closed.port()) + "/");
    run(*fetch, sink);
    EXPECT_EQ(sink.error, FetchError::ConnectRefused);
    EXPECT_FALSE(fetch->detail().empty());
    EXPECT_EQ(sink.heads, 0);
}

TEST_F(LeanFaultsTest, no_connection_in_time) {
    const test::FullQueue full;
    RecordingSink sink;
    const auto fetch = make("http://127.0.0.1:" + std::to_string(full.port()) + "/");
    run(*fetch, sink, 30ms);
    EXPECT_EQ(sink.error, FetchError::ConnectTimeout);
}

TEST_F(LeanFaultsTest, connected_but_no_answer_in_time) {
    server.on("/hang", FakeAnswer::hanging());
    RecordingSink sink;
    const Time start = loop.now();
    EXPECT_EQ(get("/hang", sink, 30ms), FetchError::Timeout);
    EXPECT_GE(sink.at - start, 30ms);
    EXPECT_EQ(sink.heads, 0);
}

TEST_F(LeanFaultsTest, an_answer_that_never_ends_hits_the_deadline_however_much_arrives) {
    FakeAnswer drip;
    drip.body = std::string(4'000'000, 'x');
    drip.write_bytes = 20;
    drip.before_each = std::make_shared<test::Gate>();
    drip.before_each->release(4);  // the head and the first bytes; what arrives lets the next piece go
    server.on("/drip", drip);
    RecordingSink sink;
    sink.on_body = [&] { drip.before_each->release(); };
    EXPECT_EQ(get("/drip", sink, 300ms), FetchError::Timeout);
    EXPECT_GT(sink.bytes.size(), 0U);
    EXPECT_EQ(sink.heads, 1);
}

TEST_F(LeanFaultsTest, a_host_that_is_lost_is_told_from_a_target_that_hangs_on_a_kept_connection_too) {
    server.on("/", FakeAnswer{});
    RecordingSink sink;
    const auto fetch = make(server.url("/"));
    run(*fetch, sink);
    server.on("/", FakeAnswer::hanging());
    run(*fetch, sink, 600ms);  // longer than the kernel waits before it sends again
    EXPECT_EQ(sink.error, FetchError::Timeout);
    server.on("/", FakeAnswer{});
    run(*fetch, sink);
    server.go_deaf();
    run(*fetch, sink, 600ms);
    EXPECT_EQ(sink.error, FetchError::ConnectTimeout);
}

TEST_F(LeanFaultsTest, a_deadline_that_is_past_already_ends_the_fetch_at_once) {
    server.on("/hang", FakeAnswer::hanging());
    RecordingSink sink;
    EXPECT_EQ(get("/hang", sink, -1s), FetchError::Timeout);
}

TEST_F(LeanFaultsTest, closed_without_an_answer_or_in_the_middle) {
    server.on("/nothing", FakeAnswer::closing());
    FakeAnswer half;
    half.body = "hello";
    half.end = FakeAnswer::End::Close;
    RecordingSink sink;
    EXPECT_EQ(get("/nothing", sink), FetchError::ClosedEarly);
    for (const std::size_t cut : {1U, 20U, 45U}) {
        half.cut_after = cut;
        server.on("/half", half);
        EXPECT_EQ(get("/half", sink), FetchError::ClosedEarly) << cut;
    }
}

TEST_F(LeanFaultsTest, reset) {
    server.on("/reset", FakeAnswer::resetting());
    RecordingSink sink;
    EXPECT_EQ(get("/reset", sink), FetchError::Reset);
}

TEST_F(LeanFaultsTest, body_shorter_than_announced) {
    FakeAnswer answer;
    answer.raw = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello";
    answer.end = FakeAnswer::End::Close;
    server.on("/short", answer);
    RecordingSink sink;
    EXPECT_EQ(get("/short", sink), FetchError::ClosedEarly);
    EXPECT_EQ(sink.bytes, "hello");
}

TEST_F(LeanFaultsTest, not_http) {
    FakeAnswer answer;
    answer.raw = "SSH-2.0-OpenSSH_9.2\r\n";
    server.on("/ssh", answer);
    RecordingSink sink;
    EXPECT_EQ(get("/ssh", sink), FetchError::Malformed);
}

TEST_F(LeanFaultsTest, an_encoding_that_was_not_offered) {
    FakeAnswer answer;
    answer.headers = {{"Content-Encoding", "gzip"}};
    server.on("/gzip", answer);
    RecordingSink sink;
    EXPECT_EQ(get("/gzip", sink), FetchError::Malformed);
}

TEST_F(LeanFaultsTest, body_beyond_its_limit_however_it_is_framed) {
    FakeAnswer answer;
    answer.body = std::string(200'000, 'x');
    for (const auto framing :
         {FakeAnswer::Framing::ContentLength, FakeAnswer::Framing::Chunked, FakeAnswer::Framing::UntilClose}) {
        answer.framing = framing;
        answer.chunk_bytes = 1000;
        server.on("/large", answer);
        FetchOptions options;
        options.max_body_bytes = 100'000;
        RecordingSink sink;
        const auto fetch = make(server.url("/large"), options);
        run(*fetch, sink);
        EXPECT_EQ(sink.error, FetchError::TooLarge);
        EXPECT_LE(sink.bytes.size(), 100'000U);
    }
}

TEST_F(LeanFaultsTest, endless_body_beyond_the_default_limit) {
    FakeAnswer answer;
    answer.body = std::string(kMaxBodyBytes + 1, 'x');
    answer.framing = FakeAnswer::Framing::Chunked;
    answer.chunk_bytes = 1'000'000;
    server.on("/endless", answer);
    RecordingSink sink;
    EXPECT_EQ(get("/endless", sink), FetchError::TooLarge);
}

TEST_F(LeanFaultsTest, head_beyond_its_limit) {
    FakeAnswer answer;
    answer.headers = {{"X", std::string(kMaxHeadBytes, 'x')}};
    server.on("/head", answer);
    RecordingSink sink;
    EXPECT_EQ(get("/head", sink), FetchError::TooLarge);
    EXPECT_EQ(sink.heads, 0);
}

TEST_F(LeanFaultsTest, the_sink_has_enough) {
    FakeAnswer answer;
    answer.body = "hello";
    server.on("/", answer);
    RecordingSink sink;
    sink.stop_at = 1;
    EXPECT_EQ(get("/", sink), FetchError::Aborted);
    EXPECT_TRUE(server.wait_until_disconnected());
}

TEST_F(LeanFaultsTest, no_descriptors_left) {
    server.on("/", FakeAnswer{});
    RecordingSink sink;
    const auto fetch = make(server.url("/"));
    rlimit before{};
    getrlimit(RLIMIT_NOFILE, &before);
    const rlimit none{0, before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    fetch->start(loop.now() + 10s, sink);
    setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_EQ(sink.dones, 0);
    EXPECT_TRUE(test::run_until(loop, [&] { return sink.dones == 1; }));
    EXPECT_EQ(sink.error, FetchError::LocalLimit);
    run(*fetch, sink);
    EXPECT_EQ(sink.error, FetchError::None);
}

TEST_F(LeanFaultsTest, a_redirect_is_an_answer_and_not_followed) {
    FakeAnswer answer;
    answer.status = 302;
    answer.headers = {{"Location", "http://169.254.169.254/"}};
    server.on("/", answer);
    RecordingSink sink;
    EXPECT_EQ(get("/", sink), FetchError::None);
    EXPECT_EQ(sink.status, 302);
    EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(LeanFaultsTest, a_target_that_sends_without_end_does_not_keep_its_neighbours_waiting) {
    FakeAnswer flood;
    flood.body = std::string(60'000'000, 'x');
    server.on("/flood", flood);
    server.on("/health", FakeAnswer{});
    FetchOptions options;
    options.max_body_bytes = 100'000'000;
    RecordingSink flooded;
    const auto fetch = make(server.url("/flood"), options);
    fetch->start(loop.now() + 10s, flooded);
    ASSERT_TRUE(test::run_until(loop, [&] { return !flooded.bytes.empty(); }));
    RecordingSink sink;
    EXPECT_EQ(get("/health", sink), FetchError::None);
    EXPECT_EQ(flooded.dones, 0);
}

TEST_F(LeanFaultsTest, hostile_answers_always_end_exactly_once) {
    const std::vector<std::string> seeds = {
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\nhello, world",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n",
        "HTTP/1.0 503 Busy\r\nConnection: close\r\n\r\nsorry",
    };
    std::mt19937 random(20261120);
    for (int round = 0; round < 300; ++round) {
        std::string text = seeds[random() % seeds.size()];
        for (std::size_t n = random() % 4 + 1; n > 0; --n) text[random() % text.size()] = static_cast<char>(random());
        FakeAnswer answer;
        answer.raw = text;
        answer.write_bytes = random() % text.size() + 1;
        answer.end = FakeAnswer::End::Close;
        server.on("/", answer);
        RecordingSink sink;
        static_cast<void>(get("/", sink));
        EXPECT_EQ(sink.dones, 1);
        EXPECT_LE(sink.heads, 1);
        if (sink.error == FetchError::None) {
            EXPECT_EQ(sink.heads, 1);
        }
    }
}

}  // namespace
}  // namespace revertd
