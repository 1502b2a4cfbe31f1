// SPDX-License-Identifier: Apache-2.0
// Server-sent events.
#include <gtest/gtest.h>

#include "tests/api/bed.h"

namespace revertd::test {
namespace {

StreamEvent event(std::uint64_t id, const std::string& service = "api", const std::string& words = "words") {
    return {id, WallTime(std::chrono::seconds(1'763'600'000)), "rule.breached", service, "d-1", {}, words, {}};
}

void publish(Bed& bed, const StreamEvent& what) {
    bed.on_loop([&] { bed.backend().publish(what); });
}

/// A stream whose head was received.
Client open(Bed& bed, const std::string& query = {}, const std::string& headers = {}) {
    Client client = bed.connect();
    client.send("GET /api/v1/events" + query + " HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n");
    EXPECT_NE(client.read_until("retry: 2000\n\n").find("Content-Type: text/event-stream\r\n"), std::string::npos);
    return client;
}

std::string id_of(const std::string& text) {
    const auto at = text.find("id: ") + 4;
    return text.substr(at, text.find('\n', at) - at);
}

std::string next_id(Client& client) {
    return id_of(client.read_until("\n\n"));
}

TEST(Events, are_what_the_contract_says) {
    Bed bed;
    Client client = open(bed);
    auto closed = event(7, "api", "healthy \"bake\"\nover");
    closed.type = "guard.closed", closed.exit_code = 0;
    publish(bed, closed);
    const std::string text = client.read_until("\n\n");
    EXPECT_TRUE(text.starts_with("id: 7\nevent: guard.closed\ndata: {")) << text;
    Answered data;
    data.body = text.substr(text.find("data: ") + 6);
    const auto json = data.json();
    EXPECT_EQ(json["id"].text(), "7");
    EXPECT_FALSE(json["id"].number().has_value());  // ids are strings
    EXPECT_EQ(json["at"].text(), "2025-11-20T00:53:20.000Z");
    EXPECT_EQ(json["type"].text(), "guard.closed");
    EXPECT_EQ(json["service"].text(), "api");
    EXPECT_EQ(json["deployment"].text(), "d-1");
    EXPECT_TRUE(json["incident"].is_null());
    EXPECT_EQ(json["words"].text(), "healthy \"bake\"\nover");
    EXPECT_EQ(json["exit_code"].number(), 0);
}

TEST(Events, begin_now_unless_they_are_resumed) {
    Bed bed;
    for (std::uint64_t id = 1; id <= 5; ++id) publish(bed, event(id));
    Client from_now = open(bed), resumed = open(bed, {}, "Last-Event-ID: 3\r\n"),
           all = open(bed, {}, "Last-Event-ID: 0\r\n");
    publish(bed, event(6));
    EXPECT_EQ(next_id(from_now), "6");
    for (const char* id : {"4", "5", "6"}) EXPECT_EQ(next_id(resumed), id);
    for (const char* id : {"1", "2", "3", "4", "5", "6"}) EXPECT_EQ(next_id(all), id);
}

TEST(Events, of_one_service_can_be_asked_for) {
    Bed bed;
    publish(bed, event(1, "other"));
    publish(bed, event(2));
    Client client = open(bed, "?service=api", "Last-Event-ID: 0\r\n");
    publish(bed, event(3, "other"));
    publish(bed, event(4));
    EXPECT_EQ(next_id(client), "2");
    EXPECT_EQ(next_id(client), "4");
}

TEST(Events, refuse_an_id_that_is_none) {
    const Bed bed;
    for (const char* id : {"x", "-1", "1x", "99999999999999999999999"})
        EXPECT_EQ(bed.get("/api/v1/events", "Last-Event-ID: " + std::string(id) + "\r\n").status, 400) << id;
}

TEST(Events, show_that_they_live) {
    api::ApiLimits limits;
    limits.heartbeat = 20ms;
    Bed bed(limits);
    Client client = open(bed);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(client.read_until(":\n\n"), ":\n\n");
    publish(bed, event(1));
    EXPECT_EQ(next_id(client), "1");
}

TEST(Events, outlive_the_deadlines_of_requests) {
    api::ApiLimits limits;
    limits.head = limits.answer = limits.idle = limits.send = 30ms;
    limits.heartbeat = 100ms;
    Bed bed(limits);
    Client client = open(bed);
    EXPECT_EQ(client.read_until(":\n\n"), ":\n\n");
}

TEST(Events, end_with_their_client) {
    Bed bed;
    {
        const Client client = open(bed);
        bed.on_loop([&] { EXPECT_EQ(bed.backend().listeners(), 1U); });
    }
    while (bed.connections() > 0) std::this_thread::yield();
    bed.on_loop([&] { EXPECT_EQ(bed.backend().listeners(), 0U); });
    publish(bed, event(1));
}

TEST(Events, drop_a_client_that_falls_behind_and_it_resumes) {
    api::ApiLimits limits;
    limits.queued_events = 50;
    Bed bed(limits);
    Client slow = open(bed), quick = open(bed);
    const std::string words(4096, 'w');
    std::uint64_t id = 0;
    std::size_t listeners = 2;
    while (listeners == 2 && id < 100'000) {
        publish(bed, event(++id, "api", words));
        EXPECT_EQ(next_id(quick), std::to_string(id));  // another's slowness is not its business
        bed.on_loop([&] { listeners = bed.backend().listeners(); });
    }
    EXPECT_EQ(listeners, 1U);
    std::uint64_t last = 0;
    for (std::string text; !(text = slow.read_until("\n\n")).empty();) last = std::stoull(id_of(text));
    ASSERT_GT(last, 0U);
    ASSERT_LT(last, id);
    Client again = open(bed, {}, "Last-Event-ID: " + std::to_string(last) + "\r\n");
    for (std::uint64_t next = last + 1; next <= id; ++next) EXPECT_EQ(next_id(again), std::to_string(next));
}

TEST(Events, kept_for_a_client_that_was_away_are_sent_however_many) {
    api::ApiLimits limits;
    limits.queued_events = 10;
    Bed bed(limits);
    bed.on_loop([&] {
        for (std::uint64_t id = 1; id <= 5000; ++id) bed.backend().publish(event(id, "api", std::string(300, 'w')));
    });
    Client client = open(bed, {}, "Last-Event-ID: 0\r\n");
    for (std::uint64_t id = 1; id <= 5000; ++id) ASSERT_EQ(next_id(client), std::to_string(id));
}

TEST(Events, close_a_client_that_takes_nothing) {
    api::ApiLimits limits;
    limits.send = 50ms;
    Bed bed(limits);
    const Client client = open(bed);
    bed.on_loop([&] {
        for (std::uint64_t id = 1; id <= 900; ++id) bed.backend().publish(event(id, "api", std::string(4096, 'w')));
    });
    while (bed.connections() > 0) std::this_thread::yield();
    bed.on_loop([&] { EXPECT_EQ(bed.backend().listeners(), 0U); });
}

TEST(Events, are_streamed_to_so_many_only) {
    api::ApiLimits limits;
    limits.streams = 1;
    Bed bed(limits);
    const Client first = open(bed);
    EXPECT_EQ(bed.get("/api/v1/events").status, 429);
}

TEST(Events, are_announced_by_head_without_beginning) {
    Bed bed;
    Client client = bed.connect();
    client.send("HEAD /api/v1/events HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(client.receive(true).has("Content-Type: text/event-stream"));
    bed.on_loop([&] { EXPECT_EQ(bed.backend().listeners(), 0U); });
}

TEST(Events, may_be_read_on_tcp) {
    Bed bed;
    Client client = bed.connect_tcp();
    client.send("GET /api/v1/events HTTP/1.1\r\nHost: localhost:" + std::to_string(bed.port()) + "\r\n\r\n");
    client.read_until("retry: 2000\n\n");
    publish(bed, event(9));
    EXPECT_EQ(next_id(client), "9");
}

}  // namespace
}  // namespace revertd::test
