// SPDX-License-Identifier: Apache-2.0
// Who may ask what.
#include <gtest/gtest.h>

#include <atomic>

#include "daemon/api/router.h"
#include "tests/api/bed.h"
#include "tests/support/loop_driver.h"

namespace revertd::test {
namespace {

Answered over_tcp(const Bed& bed, const std::string& line, const std::string& host) {
    Client client = bed.connect_tcp();
    client.send(line + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    return client.receive();
}

std::string own_host(const Bed& bed) {
    return "127.0.0.1:" + std::to_string(bed.port());
}

TEST(Tcp, is_for_reading) {
    Bed bed;
    bed.bake();
    for (const char* path :
         {"/-/healthy", "/-/ready", "/metrics", "/api/v1/status", "/api/v1/deployments", "/api/v1/services"})
        EXPECT_EQ(over_tcp(bed, std::string("GET ") + path, own_host(bed)).status, 200) << path;
}

TEST(Tcp, refuses_every_write) {
    Bed bed;
    std::size_t before = 0;
    bed.on_loop([&] { before = bed.backend().commands.size(); });
    for (const char* path :
         {"/-/reload", "/api/v1/deployments", "/api/v1/deployments/d-1/finish", "/api/v1/deployments/d-1/abort",
          "/api/v1/incidents/i-1/approve", "/api/v1/incidents/i-1/deny", "/api/v1/incidents/i-1/hold",
          "/api/v1/incidents/i-1/take", "/api/v1/incidents/i-1/ack", "/api/v1/incidents/i-1/label",
          "/api/v1/services/api/trigger", "/api/v1/services/api/rollback", "/api/v1/services/api/halt",
          "/api/v1/services/api/resume", "/api/v1/services/api/good", "/api/v1/services/api/bad", "/api/v1/halt",
          "/api/v1/resume"}) {
        const auto answer = over_tcp(bed, std::string("POST ") + path, own_host(bed));
        EXPECT_EQ(answer.status, 403) << path;
        EXPECT_NE(answer.json()["error"]["hint"].text().find("unix socket"), std::string::npos) << path;
    }
    bed.on_loop([&] {
        EXPECT_EQ(bed.backend().commands.size(), before);
        EXPECT_EQ(bed.backend().reloads, 0);
    });
}

TEST(Tcp, answers_only_to_names_of_this_host) {
    const Bed bed;
    const std::string port = ":" + std::to_string(bed.port());
    for (const std::string& own : {"localhost" + port, "127.0.0.1" + port, "[::1]" + port})
        EXPECT_EQ(over_tcp(bed, "GET /metrics", own).status, 200) << own;
    for (const std::string& other :
         {std::string("evil.example") + port, std::string("localhost"), std::string("localhost:1"), std::string(),
          "localhost" + port + ".evil.example", "localhost.evil.example" + port, "127.0.0.1" + port + "0"})
        EXPECT_EQ(over_tcp(bed, "GET /metrics", other).status, 403) << other;
}

TEST(Tcp, lets_no_other_site_read) {
    const Bed bed;
    Client client = bed.connect_tcp();
    client.send("GET /api/v1/status HTTP/1.1\r\nHost: " + own_host(bed) + "\r\nOrigin: http://evil.example\r\n\r\n");
    EXPECT_EQ(client.receive().head.find("Access-Control"), std::string::npos);
}

TEST(UnixSocket, tells_the_daemon_who_asks) {
    Bed bed;
    bed.set_peer({1001, "ana", {"staff", "oncall"}});
    bed.post("/api/v1/deployments", R"({"service":"api","version":"v2"})");
    bed.on_loop([&] {
        const auto& [peer, command] = bed.backend().commands.back();
        EXPECT_EQ(peer.uid, 1001U);
        EXPECT_EQ(peer.user, "ana");
        EXPECT_EQ(peer.groups, (std::vector<std::string>{"staff", "oncall"}));
        EXPECT_FALSE(peer.internal);
    });
}

TEST(UnixSocket, answers_403_to_those_who_may_not) {
    Bed bed;
    const std::string id = bed.ask_for_approval();
    bed.set_peer({1001, "mallory", {"users"}});
    for (const std::string& path : {"/api/v1/incidents/" + id + "/approve", std::string("/api/v1/services/api/halt"),
                                    std::string("/api/v1/halt"), std::string("/-/reload")})
        EXPECT_EQ(bed.post(path, "{}").status, 403) << path;
    EXPECT_EQ(bed.get("/api/v1/incidents/" + id).json()["state"].text(), "awaiting_approval");
}

TEST(UnixSocket, lets_the_group_reload) {
    Bed bed;
    bed.set_peer({1001, "ana", {"revertd"}});
    EXPECT_EQ(bed.post("/-/reload").status, 200);
    bed.on_loop([&] { EXPECT_EQ(bed.backend().reloads, 1); });
}

/// The router without sockets: the uid of the peer is the kernel's to choose.
class RouterTest : public testing::Test {
  protected:
    int status_of(const std::string& method, const std::vector<std::string>& path, uid_t uid) {
        api::Request request;
        request.method = method, request.path = path;
        std::optional<int> status;
        router_.handle(request, {api::PeerIds{uid, uid}, 0}, [&](const api::Response& r) { status = r.status; });
        EXPECT_TRUE(run_until(loop_, [&] { return status.has_value(); }));
        return status.value_or(0);
    }

    SystemClock clock_;
    Loop loop_{clock_};
    FakeBackend backend_{loop_};
    std::atomic<int> lookups_ = 0;
    api::PeerDirectory directory_{loop_, 2, [this](api::PeerIds ids) {
                                      ++lookups_;
                                      return Peer{ids.uid, "somebody", {"revertd"}};
                                  }};
    api::Router router_{backend_, directory_};
};

TEST_F(RouterTest, never_takes_a_write_of_the_overflow_uid) {
    EXPECT_EQ(status_of("POST", {"api", "v1", "halt"}, 65534), 403);
    EXPECT_TRUE(backend_.commands.empty());
    EXPECT_EQ(lookups_, 0);
    EXPECT_EQ(status_of("GET", {"api", "v1", "status"}, 65534), 200);
    EXPECT_EQ(status_of("POST", {"api", "v1", "halt"}, 65533), 200);
}

TEST_F(RouterTest, asks_the_user_database_only_for_writes) {
    EXPECT_EQ(status_of("GET", {"api", "v1", "status"}, 1001), 200);
    EXPECT_EQ(lookups_, 0);
    EXPECT_EQ(status_of("POST", {"api", "v1", "halt"}, 1001), 200);
    EXPECT_EQ(lookups_, 1);
}

TEST(SlowUserDatabase, holds_nobody_but_those_who_need_it) {
    SystemClock clock;
    Loop loop(clock);
    std::promise<void> release;
    const std::shared_future<void> released = release.get_future().share();
    api::PeerDirectory directory(loop, 2, [released](api::PeerIds ids) {
        released.wait();
        return Peer{ids.uid, "late", {}};
    });
    int found = 0, refused = 0;
    const auto count = [&](const std::optional<Peer>& peer) { ++(peer ? found : refused); };
    for (int i = 0; i < 3; ++i) directory.find({1001, 1001}, count);
    EXPECT_TRUE(run_until(loop, [&] { return refused == 1; }));
    EXPECT_EQ(found, 0);
    release.set_value();
    EXPECT_TRUE(run_until(loop, [&] { return found == 2; }));
}

TEST(SlowUserDatabase, may_answer_when_nobody_listens_any_more) {
    SystemClock clock;
    Loop loop(clock);
    std::promise<void> release, asked, answered;
    const std::shared_future<void> released = release.get_future().share();
    {
        api::PeerDirectory directory(loop, 2, [&, released](api::PeerIds) {
            asked.set_value();
            released.wait();
            answered.set_value();
            return Peer{};
        });
        directory.find({1001, 1001}, [](const std::optional<Peer>&) { ADD_FAILURE(); });
        asked.get_future().wait();
    }
    release.set_value();
    answered.get_future().wait();
}

}  // namespace
}  // namespace revertd::test
