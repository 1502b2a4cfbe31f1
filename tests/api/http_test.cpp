// SPDX-License-Identifier: Apache-2.0
// The protocol: what is refused, what is limited, how connections live.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "tests/api/bed.h"

namespace revertd::test {
namespace {

constexpr const char* kHealthy = "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n";

Answered answer_to(const Bed& bed, const std::string& bytes) {
    Client client = bed.connect();
    client.send(bytes);
    return client.receive();
}

TEST(Http, answers_and_keeps_the_connection) {
    const Bed bed;
    Client client = bed.connect();
    for (int i = 0; i < 3; ++i) {
        client.send(kHealthy);
        const auto answer = client.receive();
        EXPECT_EQ(answer.status, 200);
        EXPECT_EQ(answer.body, "revertd is healthy.\n");
        EXPECT_FALSE(answer.closed);
        EXPECT_TRUE(answer.has("Cache-Control: no-store"));
    }
}

TEST(Http, answers_pipelined_requests_in_their_order) {
    const Bed bed;
    Client client = bed.connect();
    client.send(std::string(kHealthy) + "GET /api/v1/none HTTP/1.1\r\nHost: a\r\n\r\n" + kHealthy);
    EXPECT_EQ(client.receive().status, 200);
    EXPECT_EQ(client.receive().status, 404);
    EXPECT_EQ(client.receive().status, 200);
}

TEST(Http, reads_a_request_that_comes_byte_by_byte) {
    const Bed bed;
    Client client = bed.connect();
    const std::string text = post_text("/api/v1/halt", R"({"abort":true})");
    for (const char byte : text) client.send(std::string(1, byte));
    EXPECT_EQ(client.receive().status, 200);
}

TEST(Http, reads_a_chunked_body) {
    const Bed bed;
    const auto answer = answer_to(bed,
                                  "POST /api/v1/halt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  "5\r\n{\"abo\r\n9\r\nrt\":true}\r\n0\r\n\r\n");
    EXPECT_EQ(answer.status, 200) << answer.body;
}

TEST(Http, lets_no_trailer_change_the_head) {
    Bed bed;
    const auto answer = answer_to(bed,
                                  "POST /api/v1/halt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  "2\r\n{}\r\n0\r\nHost: b\r\n\r\n");
    EXPECT_EQ(answer.status, 200) << answer.body;
    const auto event = answer_to(bed,
                                 "GET /api/v1/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                 "0\r\nLast-Event-ID: none\r\n\r\n");
    EXPECT_EQ(event.status, 200) << event.body;
}

TEST(Http, answers_head_without_a_body) {
    const Bed bed;
    Client client = bed.connect();
    client.send("HEAD /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto answer = client.receive(true);
    EXPECT_EQ(answer.status, 200);
    EXPECT_TRUE(answer.has("Content-Length: 20"));
    client.send(kHealthy);  // the next answer begins where the head ended
    EXPECT_EQ(client.receive().body, "revertd is healthy.\n");
}

TEST(Http, closes_when_it_is_asked_to) {
    api::ApiLimits limits;
    limits.farewell = 24h;  // the client need not wait for that
    const Bed bed(limits);
    for (const char* text :
         {"GET /-/healthy HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET /-/healthy HTTP/1.0\r\n\r\n"}) {
        Client client = bed.connect();
        client.send(text);
        const auto answer = client.receive();
        EXPECT_EQ(answer.status, 200);
        EXPECT_TRUE(answer.closed);
        EXPECT_TRUE(client.is_closed_by_server());
    }
}

TEST(Http, answers_a_client_that_has_stopped_sending) {
    const Bed bed;
    Client client = bed.connect();
    client.send(post_text("/api/v1/halt", "{}"));
    client.stop_sending();
    EXPECT_EQ(client.receive().status, 200);
    EXPECT_TRUE(client.is_closed_by_server());
}

struct Hostile {
    const char* name;
    std::string bytes;
    int status;
};

void PrintTo(const Hostile& hostile, std::ostream* out) {
    *out << hostile.name;
}

class HostileHttp : public testing::TestWithParam<Hostile> {};

TEST_P(HostileHttp, is_refused_and_the_connection_is_closed) {
    Bed bed;
    Client client = bed.connect();
    client.send(GetParam().bytes);
    const auto answer = client.receive();
    EXPECT_EQ(answer.status, GetParam().status) << answer.body;
    EXPECT_FALSE(answer.error().empty()) << answer.body;
    EXPECT_TRUE(answer.closed);
    EXPECT_TRUE(client.is_closed_by_server());
    bed.on_loop([&] { EXPECT_TRUE(bed.backend().commands.empty()); });
}

const std::string kSmuggled = "POST /api/v1/halt HTTP/1.1\r\nHost: a\r\n\r\n";

INSTANTIATE_TEST_SUITE_P(
    Request, HostileHttp,
    testing::Values(
        Hostile{"length_and_chunked",
                "POST /api/v1/halt HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: "
                "chunked\r\n\r\n0\r\n\r\n" +
                    kSmuggled,
                400},
        Hostile{"chunked_and_length",
                "POST /api/v1/halt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: "
                "4\r\n\r\n0\r\n\r\n" +
                    kSmuggled,
                400},
        Hostile{"two_lengths",
                "POST /api/v1/halt HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ", 400},
        Hostile{"signed_length", "POST /api/v1/halt HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n\r\n{}", 400},
        Hostile{"bare_line_feed", "GET /-/healthy HTTP/1.1\nHost: a\n\n", 400},
        Hostile{"bare_line_feed_in_a_header", "GET /-/healthy HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400},
        Hostile{"space_before_colon", "GET /-/healthy HTTP/1.1\r\nHost : a\r\n\r\n", 400},
        Hostile{"bad_chunk",
                "POST /api/v1/halt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
                400},
        Hostile{"negative_chunk",
                "POST /api/v1/halt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n",
                400},
        Hostile{"chunk_longer_than_said",
                "POST /api/v1/halt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n", 400},
        Hostile{
            "endless_chunk_head",
            "POST /api/v1/halt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;" + std::string(20'000, 'x'),
            400},
        Hostile{"other_coding",
                "POST /api/v1/halt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
        Hostile{"no_host", "GET /-/healthy HTTP/1.1\r\n\r\n", 400},
        Hostile{"two_hosts", "GET /-/healthy HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        Hostile{"old_version", "GET /-/healthy HTTP/0.9\r\n\r\n", 400},
        Hostile{"new_version", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
        Hostile{"tls_hello", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15), 400},
        Hostile{"nul_in_header", std::string("GET /-/healthy HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", 43), 400},
        Hostile{"oversize_head", "GET /-/healthy HTTP/1.1\r\nHost: a\r\nX: " + std::string(9'000, 'x') + "\r\n\r\n",
                431},
        Hostile{"endless_head", "GET /-/healthy HTTP/1.1\r\nHost: a\r\nX: " + std::string(9'000, 'x'), 431},
        Hostile{"endless_target", "GET /" + std::string(9'000, 'x'), 431},
        Hostile{"announced_oversize_body", "POST /api/v1/halt HTTP/1.1\r\nHost: a\r\nContent-Length: 262145\r\n\r\n",
                413},
        Hostile{"oversize_chunks",
                "POST /api/v1/halt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n40001\r\n", 413},
        Hostile{"absolute_target", "GET http://other/-/healthy HTTP/1.1\r\nHost: other\r\n\r\n", 400},
        Hostile{"asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Hostile{"double_slash", "POST //api/v1/halt HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Hostile{"inner_double_slash", "POST /api//v1/halt HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Hostile{"dots", "POST /metrics/../api/v1/halt HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Hostile{"escaped_dots", "POST /metrics/%2e%2e/api/v1/halt HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Hostile{"escaped_dot", "POST /%2E/api/v1/halt HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Hostile{"half_escape", "POST /api/v1/halt%2 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Hostile{"escaped_nul", "POST /api/v1/halt%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Hostile{"overlong_slash", "POST /api/v1%c0%afhalt HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Hostile{"parameter_twice", "GET /api/v1/gate?service=a&service=b HTTP/1.1\r\nHost: a\r\n\r\n", 400}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Http, does_not_let_a_header_change_the_method) {
    Bed bed;
    for (const char* header : {"X-HTTP-Method-Override: POST", "X-HTTP-Method: POST", "X-Method-Override: POST"}) {
        const auto answer = bed.get("/api/v1/halt", std::string(header) + "\r\n");
        EXPECT_EQ(answer.status, 405);
        EXPECT_TRUE(answer.has("Allow: POST"));
    }
    bed.on_loop([&] { EXPECT_FALSE(bed.backend().engine().state().halted); });
}

TEST(Http, says_what_is_possible_at_a_path) {
    const Bed bed;
    EXPECT_EQ(answer_to(bed, "DELETE /api/v1/deployments HTTP/1.1\r\nHost: a\r\n\r\n").status, 405);
    EXPECT_TRUE(answer_to(bed, "PUT /api/v1/deployments HTTP/1.1\r\nHost: a\r\n\r\n").has("Allow: GET, HEAD, POST"));
    EXPECT_TRUE(answer_to(bed, "POST /metrics HTTP/1.1\r\nHost: a\r\n\r\n").has("Allow: GET, HEAD"));
    EXPECT_EQ(answer_to(bed, "BREW /nowhere HTTP/1.1\r\nHost: a\r\n\r\n").status, 404);
}

TEST(Http, refuses_a_slash_in_a_name_unless_it_is_escaped) {
    Bed bed;
    bed.bake();
    EXPECT_EQ(bed.get("/api/v1/deployments/d/1").status, 404);
    const auto started =
        bed.post("/api/v1/deployments", R"({"id":"team/d-7","service":"api","version":"registry/v3"})");
    EXPECT_EQ(started.status, 201) << started.body;
    EXPECT_EQ(bed.get("/api/v1/deployments/team%2Fd-7").json()["version"].text(), "registry/v3");
    EXPECT_EQ(bed.get("/api/v1/deployments/team/d-7").status, 404);
}

// -- limits

api::ApiLimits quick() {
    api::ApiLimits limits;
    limits.head = limits.body = limits.answer = limits.idle = 60ms;
    limits.farewell = 10ms;
    limits.head_bytes = 1 << 30;
    return limits;
}

TEST(HttpLimits, ends_a_head_that_does_not_come_to_its_end) {
    const Bed bed(quick());
    Client client = bed.connect();
    client.send("GET /-/healthy HT");
    EXPECT_EQ(client.receive().status, 408);
    EXPECT_TRUE(client.is_closed_by_server());
}

TEST(HttpLimits, does_not_give_more_time_to_a_head_that_trickles) {
    const Bed bed(quick());
    Client client = bed.connect();
    bool alive = true;
    for (int i = 0; alive && i < 1'000'000; ++i) alive = client.send("G");
    EXPECT_FALSE(alive);
}

TEST(HttpLimits, ends_a_body_that_does_not_come_to_its_end) {
    const Bed bed(quick());
    Client client = bed.connect();
    client.send("POST /api/v1/halt HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{");
    EXPECT_EQ(client.receive().status, 408);
}

TEST(HttpLimits, closes_a_connection_that_says_nothing) {
    const Bed bed(quick());
    Client silent = bed.connect();
    EXPECT_TRUE(silent.is_closed_by_server());
    Client idle = bed.connect();
    idle.send(kHealthy);
    EXPECT_EQ(idle.receive().status, 200);
    EXPECT_TRUE(idle.is_closed_by_server());
}

TEST(HttpLimits, says_when_the_journal_gives_no_answer) {
    Bed bed(quick());
    bed.on_loop([&] { bed.backend().journal_hangs = true; });
    Client client = bed.connect();
    client.send(post_text("/api/v1/halt", "{}"));
    const auto answer = client.receive();
    EXPECT_EQ(answer.status, 504);
    client.send(kHealthy);
    bed.on_loop([&] { bed.backend().release(); });  // the late answer is nobody's
    EXPECT_EQ(client.receive().body, "revertd is healthy.\n");
}

TEST(HttpLimits, gives_a_late_answer_to_no_other_question) {
    api::ApiLimits limits;
    limits.answer = 2s;
    Bed bed(limits);
    bed.on_loop([&] { bed.backend().journal_hangs = true; });
    Client client = bed.connect();
    client.send(post_text("/api/v1/halt", "{}"));
    EXPECT_EQ(client.receive().status, 504);
    client.send(post_text("/api/v1/deployments", R"({"service":"api","version":"v2"})"));
    std::size_t asked = 0;
    while (asked < 2) bed.on_loop([&] { asked = bed.backend().commands.size(); });
    bed.on_loop([&] { bed.backend().release(); });
    EXPECT_EQ(client.receive().status, 201);
}

TEST(HttpLimits, forgets_a_client_that_leaves_before_its_answer) {
    Bed bed;
    bed.on_loop([&] { bed.backend().journal_hangs = true; });
    {
        Client client = bed.connect();
        client.send(post_text("/api/v1/halt", "{}"));
        while (bed.connections() == 0) std::this_thread::yield();
    }
    while (bed.connections() > 0) std::this_thread::yield();
    bed.on_loop([&] { bed.backend().release(); });
}

TEST(HttpLimits, refuses_connections_beyond_its_number) {
    api::ApiLimits limits;
    limits.connections = 2;
    const Bed bed(limits);
    Client first = bed.connect(), second = bed.connect();
    first.send(kHealthy);
    second.send(kHealthy);
    EXPECT_EQ(first.receive().status, 200);
    EXPECT_EQ(second.receive().status, 200);
    Client third = bed.connect();
    EXPECT_EQ(third.receive().status, 429);
    EXPECT_TRUE(third.is_closed_by_server());
}

TEST(HttpLimits, accepts_again_when_descriptors_are_free_again) {
    const Bed bed;
    Client first = bed.connect();
    first.send(kHealthy);
    EXPECT_EQ(first.receive().status, 200);
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const int waiting = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const rlimit exhausted{static_cast<rlim_t>(waiting) + 1, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &exhausted), 0);
    Client second = bed.connect_by(waiting);
    second.send(kHealthy);
    first.send(kHealthy);
    EXPECT_EQ(first.receive().status, 200);  // the loop goes on
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_EQ(second.receive().status, 200);
}

TEST(HttpLimits, lets_no_user_take_every_connection) {
    api::ApiLimits limits;
    limits.connections_of_one = 1;
    const Bed bed(limits);
    Client mine = bed.connect();
    mine.send(kHealthy);
    EXPECT_EQ(mine.receive().status, 200);
    Client second = bed.connect();
    EXPECT_EQ(second.receive().status, 429);
    Client other = bed.connect_tcp();
    other.send("GET /-/healthy HTTP/1.1\r\nHost: localhost:" + std::to_string(bed.port()) + "\r\n\r\n");
    EXPECT_EQ(other.receive().status, 200);
}

TEST(HttpLimits, lets_the_loop_do_other_work_between_two_answers) {
    Bed bed;
    const std::string request = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
    std::string order;
    std::vector<Client> clients;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(bed.connect());
        clients.back().send(kHealthy);
        clients.back().receive();
    }
    bed.on_loop([&] {
        bed.backend().on_metrics = [&] {
            order += "answer ";
            bed.post_to_loop([&] { order += "work "; });
        };
        for (Client& client : clients) client.send(request);  // all wait when the loop looks again
    });
    for (Client& client : clients) EXPECT_EQ(client.receive().status, 200);
    bed.on_loop([] {});  // the last work, too
    bed.on_loop([&] { EXPECT_EQ(order, "answer work answer work answer work "); });
}

TEST(HttpLimits, sends_a_large_answer_to_a_slow_reader) {
    Bed bed;
    bed.bake();
    bed.on_loop([&] {
        for (int i = 0; i < 400; ++i) {
            command::DeployStart start;
            start.service = "api", start.version = "w" + std::to_string(i),
            start.meta = {{"text", std::string(500, 'm')}};
            bed.backend().command({0, "root", {}}, start, [](const effect::Reply&) {});
        }
    });
    Client client = bed.connect();
    client.send("GET /api/v1/deployments?limit=500 HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto answer = client.receive();
    EXPECT_EQ(answer.status, 200);
    EXPECT_GT(answer.body.size(), 300'000U);
    EXPECT_EQ(answer.json().items().size(), 401U);
}

}  // namespace
}  // namespace revertd::test
