// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/lean_client.h"

#include "daemon/io/limits.h"
#include "tests/io/counting_new.h"
#include "tests/io/lean_fixture.h"

namespace revertd {
namespace {

using test::FakeAnswer;
using test::FakeRequest;
using test::RecordingSink;

class LeanClientTest : public test::LeanTest {};

TEST_F(LeanClientTest, asks_as_servers_expect_it) {
    server.on("/metrics", FakeAnswer{});
    RecordingSink sink;
    FetchOptions options;
    options.accept = "text/plain;version=0.0.4";
    options.headers = {{"Authorization", "Bearer t"}};
    const auto fetch = make(server.url("/metrics?name=a"), options);
    run(*fetch, sink);
    const FakeRequest request = server.requests().at(0);
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.path, "/metrics?name=a");
    EXPECT_EQ(request.headers.at("host"), "127.0.0.1:" + std::to_string(server.port()));
    EXPECT_EQ(request.headers.at("user-agent"), "revertd/test");
    EXPECT_EQ(request.headers.at("accept"), "text/plain;version=0.0.4");
    EXPECT_EQ(request.headers.at("accept-encoding"), "identity");
    EXPECT_EQ(request.headers.at("authorization"), "Bearer t");
    EXPECT_EQ(request.headers.count("connection"), 0U);
}

TEST_F(LeanClientTest, hands_on_status_type_length_and_body) {
    FakeAnswer answer;
    answer.status = 503;
    answer.headers = {{"Content-Type", "application/json"}};
    answer.body = "{\"status\":\"down\"}";
    server.on("/health", answer);
    RecordingSink sink;
    EXPECT_EQ(get("/health", sink), FetchError::None);
    EXPECT_EQ(sink.status, 503);
    EXPECT_EQ(sink.content_type, "application/json");
    EXPECT_EQ(sink.length, answer.body.size());
    EXPECT_EQ(sink.bytes, answer.body);
    EXPECT_LE(sink.at, loop.now());
}

TEST_F(LeanClientTest, reads_bodies_of_any_framing_dripped_byte_by_byte) {
    for (const auto framing :
         {FakeAnswer::Framing::ContentLength, FakeAnswer::Framing::Chunked, FakeAnswer::Framing::UntilClose}) {
        FakeAnswer answer;
        answer.framing = framing;
        answer.write_bytes = 1;
        answer.body = "up 1\nrequests_total 42\n";
        server.on("/drip", answer);
        RecordingSink sink;
        EXPECT_EQ(get("/drip", sink), FetchError::None);
        EXPECT_EQ(sink.bytes, answer.body);
    }
}

TEST_F(LeanClientTest, reads_a_body_larger_than_its_buffer) {
    FakeAnswer answer;
    answer.body = std::string(3'000'000, 'x');
    answer.framing = FakeAnswer::Framing::Chunked;
    answer.chunk_bytes = 65521;
    server.on("/large", answer);
    RecordingSink sink;
    EXPECT_EQ(get("/large", sink), FetchError::None);
    EXPECT_EQ(sink.bytes.size(), answer.body.size());
}

TEST_F(LeanClientTest, keeps_its_connection) {
    server.on("/metrics", FakeAnswer{});
    RecordingSink sink;
    const auto fetch = make(server.url("/metrics"));
    for (int i = 0; i < 100; ++i) run(*fetch, sink);
    EXPECT_EQ(sink.error, FetchError::None);
    EXPECT_EQ(server.requests().size(), 100U);
    EXPECT_EQ(server.connections(), 1U);
}

TEST_F(LeanClientTest, opens_a_connection_for_each_fetch_where_that_is_wanted) {
    server.on("/health", FakeAnswer{});
    RecordingSink sink;
    FetchOptions options;
    options.keep_alive = false;
    const auto fetch = make(server.url("/health"), options);
    for (int i = 0; i < 3; ++i) run(*fetch, sink);
    EXPECT_EQ(server.connections(), 3U);
    EXPECT_EQ(server.requests().at(0).headers.at("connection"), "close");
}

TEST_F(LeanClientTest, tries_once_more_when_the_kept_connection_turns_out_to_be_dead) {
    server.on("/metrics", [](const FakeRequest& request) {
        return request.on_connection == 0 ? FakeAnswer{} : FakeAnswer::closing();
    });
    RecordingSink sink;
    const auto fetch = make(server.url("/metrics"));
    for (int i = 0; i < 3; ++i) run(*fetch, sink);
    EXPECT_EQ(sink.error, FetchError::None);
    EXPECT_EQ(server.requests().size(), 5U);
    EXPECT_EQ(server.connections(), 3U);
}

TEST_F(LeanClientTest, tries_once_more_after_a_reset_of_the_kept_connection) {
    server.on("/metrics", [](const FakeRequest& request) {
        return request.on_connection == 0 ? FakeAnswer{} : FakeAnswer::resetting();
    });
    RecordingSink sink;
    const auto fetch = make(server.url("/metrics"));
    for (int i = 0; i < 2; ++i) run(*fetch, sink);
    EXPECT_EQ(sink.error, FetchError::None);
}

TEST_F(LeanClientTest, does_not_try_again_on_a_fresh_connection) {
    server.on("/metrics", FakeAnswer::closing());
    RecordingSink sink;
    EXPECT_EQ(get("/metrics", sink), FetchError::ClosedEarly);
    EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(LeanClientTest, does_not_try_a_third_time) {
    server.on("/metrics", [](const FakeRequest& request) {
        return request.connection == 0 && request.on_connection == 0 ? FakeAnswer{} : FakeAnswer::closing();
    });
    RecordingSink sink;
    const auto fetch = make(server.url("/metrics"));
    for (int i = 0; i < 2; ++i) run(*fetch, sink);
    EXPECT_EQ(sink.error, FetchError::ClosedEarly);
    EXPECT_EQ(server.requests().size(), 3U);
}

TEST_F(LeanClientTest, does_not_try_again_once_a_byte_of_the_answer_has_arrived) {
    FakeAnswer half;
    half.cut_after = 20;
    half.end = FakeAnswer::End::Close;
    server.on("/metrics", std::vector<FakeAnswer>{FakeAnswer{}, half});
    RecordingSink sink;
    const auto fetch = make(server.url("/metrics"));
    for (int i = 0; i < 2; ++i) run(*fetch, sink);
    EXPECT_EQ(sink.error, FetchError::ClosedEarly);
    EXPECT_EQ(server.requests().size(), 2U);
}

TEST_F(LeanClientTest, survives_a_restart_of_the_target_between_two_fetches) {
    server.on("/metrics", FakeAnswer{});
    RecordingSink sink;
    const auto fetch = make(server.url("/metrics"));
    run(*fetch, sink);
    server.drop_connections();
    ASSERT_TRUE(server.wait_until_disconnected());
    run(*fetch, sink);
    EXPECT_EQ(sink.error, FetchError::None);
    EXPECT_EQ(server.connections(), 2U);
}

TEST_F(LeanClientTest, drops_a_connection_on_which_more_came_than_was_asked) {
    FakeAnswer answer;
    answer.raw = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 500 Smuggled\r\nContent-Length: 0\r\n\r\n";
    server.on("/metrics", answer);
    RecordingSink sink;
    const auto fetch = make(server.url("/metrics"));
    for (int i = 0; i < 2; ++i) run(*fetch, sink);
    EXPECT_EQ(sink.status, 200);
    EXPECT_EQ(server.connections(), 2U);
}

TEST_F(LeanClientTest, drops_a_connection_on_which_more_came_than_its_buffer_held) {
    FakeAnswer large, filling;
    large.body = std::string(6'000'000, 'x');  // the system gives the connection more room
    std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 131000\r\nX-Filler: ";
    head += std::string(kReadBufferBytes - 131'000 - head.size() - 4, 'f') + "\r\n\r\n";
    filling.raw = head + std::string(131'000, 'x') + "HTTP/1.1 500 Smuggled\r\nContent-Length: 0\r\n\r\n";
    server.on("/metrics", {large, large, filling, FakeAnswer{}});
    const auto fetch = make(server.url("/metrics"));
    RecordingSink sink;
    for (int i = 0; i < 2; ++i) run(*fetch, sink);
    fetch->start(loop.now() + 10s, sink);
    const Time sent = loop.now() + 100ms;
    while (loop.now() < sent) continue;  // all of it is there before the first byte is read
    EXPECT_TRUE(test::run_until(loop, [&] { return !fetch->in_flight(); }));
    run(*fetch, sink);
    EXPECT_EQ(sink.status, 200);
    EXPECT_EQ(server.connections(), 2U);
}

TEST_F(LeanClientTest, reads_on_after_its_turn_is_over_though_nothing_more_arrives) {
    FakeAnswer answer;
    answer.body = std::string(6'000'000, 'x');
    server.on("/large", answer);
    const auto fetch = make(server.url("/large"));
    for (int time = 0; time < 10; ++time) {
        RecordingSink sink;
        run(*fetch, sink);
        EXPECT_EQ(sink.error, FetchError::None);
        EXPECT_EQ(sink.bytes.size(), answer.body.size());
    }
}

TEST_F(LeanClientTest, sees_the_end_that_came_with_the_answer) {
    FakeAnswer answer;
    answer.body = "ok";
    answer.framing = FakeAnswer::Framing::UntilClose;
    answer.end = FakeAnswer::End::Close;
    server.on("/metrics", answer);
    RecordingSink sink;
    const auto fetch = make(server.url("/metrics"));
    for (int time = 0; time < 50; ++time) run(*fetch, sink);
    EXPECT_EQ(sink.error, FetchError::None);
}

TEST_F(LeanClientTest, can_be_started_again_by_its_sink) {
    server.on("/metrics", FakeAnswer{});
    RecordingSink sink;
    const auto fetch = make(server.url("/metrics"));
    sink.on_done = [&] {
        if (sink.dones < 10) fetch->start(loop.now() + 10s, sink);
    };
    fetch->start(loop.now() + 10s, sink);
    EXPECT_TRUE(test::run_until(loop, [&] { return sink.dones == 10; }));
    EXPECT_EQ(server.requests().size(), 10U);
}

TEST_F(LeanClientTest, can_be_destroyed_by_its_sink) {
    server.on("/metrics", FakeAnswer{});
    RecordingSink sink;
    auto fetch = make(server.url("/metrics"));
    sink.on_done = [&] { fetch.reset(); };
    fetch->start(loop.now() + 10s, sink);
    EXPECT_TRUE(test::run_until(loop, [&] { return sink.dones == 1; }));
    EXPECT_TRUE(server.wait_until_disconnected());
}

TEST_F(LeanClientTest, tells_nothing_after_a_cancel_and_can_go_on) {
    server.on("/metrics", std::vector<FakeAnswer>{FakeAnswer::hanging(), FakeAnswer{}});
    RecordingSink sink;
    const auto fetch = make(server.url("/metrics"));
    fetch->start(loop.now() + 10s, sink);
    ASSERT_TRUE(test::run_until(loop, [&] { return server.requests().size() == 1; }));
    fetch->cancel();
    EXPECT_FALSE(fetch->in_flight());
    EXPECT_TRUE(server.wait_until_disconnected());
    EXPECT_EQ(sink.dones, 0);
    run(*fetch, sink);
    EXPECT_EQ(sink.error, FetchError::None);
}

TEST_F(LeanClientTest, fetches_from_many_targets_at_once) {
    FakeAnswer answer;
    answer.body = std::string(10'000, 'x');
    answer.before = std::make_shared<test::Gate>();
    server.on("/metrics", answer);
    constexpr std::size_t kTargets = 100;
    std::vector<std::unique_ptr<Fetch>> fetches;
    std::vector<std::unique_ptr<RecordingSink>> sinks;
    for (std::size_t i = 0; i < kTargets; ++i) {
        fetches.push_back(make(server.url("/metrics")));
        sinks.push_back(std::make_unique<RecordingSink>());
        fetches.back()->start(loop.now() + 10s, *sinks.back());
    }
    ASSERT_TRUE(test::run_until(loop, [&] { return server.requests().size() == kTargets; }));
    answer.before->open();
    EXPECT_TRUE(test::run_until(loop, [&] {
        return std::all_of(sinks.begin(), sinks.end(), [](const auto& sink) { return sink->dones == 1; });
    }));
    for (const auto& sink : sinks) EXPECT_EQ(sink->bytes.size(), answer.body.size());
}

/// Counts instead of keeping, so that it does not allocate itself.
class CountingSink final : public Sink {
  public:
    void head(int, std::string_view, std::optional<std::uint64_t>) override {}

    bool body(std::span<const char> chunk) override {
        bytes += chunk.size();
        return true;
    }

    void done(FetchError error, Time) override {
        if (error == FetchError::None) ++dones;
    }

    std::size_t bytes = 0;
    int dones = 0;
};

TEST_F(LeanClientTest, allocates_nothing_once_it_is_warm) {
    FakeAnswer answer;
    answer.headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}};
    answer.body = std::string(91'000, 'x');
    server.on("/length", answer);
    answer.framing = FakeAnswer::Framing::Chunked;
    answer.chunk_bytes = 4096;
    server.on("/chunked", answer);
    for (const char* path : {"/length", "/chunked"}) {
        const auto fetch = make(server.url(path));
        CountingSink sink;
        const auto scrape = [&] {
            const int wanted = sink.dones + 1;
            fetch->start(loop.now() + 10s, sink);
            while (sink.dones < wanted) loop.run_one();
        };
        for (int i = 0; i < 20; ++i) scrape();
        const std::size_t before = test::allocations();
        for (int i = 0; i < 100; ++i) scrape();
        EXPECT_EQ(test::allocations() - before, 0U) << path;
        EXPECT_EQ(sink.bytes, 120 * answer.body.size());
        EXPECT_EQ(server.requests().back().on_connection, 119U);
    }
}

TEST_F(LeanClientTest, refuses_headers_that_would_end_the_request) {
    FetchOptions options;
    options.headers = {{"X", "a\r\nHost: evil"}};
    EXPECT_FALSE(client.make_fetch(*parse_url("http://a/"), options));
    options.headers = {{"X Y", "a"}};
    EXPECT_FALSE(client.make_fetch(*parse_url("http://a/"), options));
    options.headers.clear();
    options.accept = "a\nb";
    EXPECT_FALSE(client.make_fetch(*parse_url("http://a/"), options));
}

}  // namespace
}  // namespace revertd
