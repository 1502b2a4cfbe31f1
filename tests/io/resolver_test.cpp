// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/resolver.h"

#include <atomic>

#include "daemon/io/limits.h"
#include "tests/io/lean_fixture.h"

namespace revertd {
namespace {

using test::FakeAnswer;
using test::RecordingSink;

Addresses addresses(std::initializer_list<const char*> hosts) {
    Addresses list;
    for (const char* host : hosts) list.push_back(*parse_address(host));
    return list;
}

/// A resolver that answers what the test says; used from helper threads.
struct FakeNames {
    Addresses lookup(const std::string& host) {
        ++asked;
        if (host.starts_with("hang")) static_cast<void>(gate->pass({}));
        const std::lock_guard lock(mutex);
        return names[host];
    }

    void set(const std::string& host, Addresses list) {
        const std::lock_guard lock(mutex);
        names[host] = std::move(list);
    }

    std::mutex mutex;
    std::map<std::string, Addresses> names;
    std::atomic<int> asked = 0;
    test::GatePtr gate = std::make_shared<test::Gate>();
};

class ResolverTest : public ::testing::Test {
  protected:
    ~ResolverTest() override { names->gate->open(); }

    [[nodiscard]] std::unique_ptr<Fetch> make(const std::string& host) {
        server.on("/", FakeAnswer{});
        return std::move(
            *client.make_fetch(*parse_url("http://" + host + ":" + std::to_string(server.port()) + "/"), {}));
    }

    [[nodiscard]] std::optional<FetchError> run(Fetch& fetch, Duration limit = 10s) {
        RecordingSink sink;
        fetch.start(loop.now() + limit, sink);
        EXPECT_EQ(sink.dones, 0);
        EXPECT_TRUE(test::run_until(loop, [&] { return sink.dones == 1; }));
        return sink.error;
    }

    SystemClock clock;
    Loop loop{clock};
    std::shared_ptr<FakeNames> names = std::make_shared<FakeNames>();  // threads may outlive the test
    Resolver resolver{loop, [names = names](const std::string& host) { return names->lookup(host); }};
    LeanClient client{loop, resolver, "revertd/test"};
    test::FakeHttp server;
};

TEST(ParseAddress, knows_both_families_and_refuses_names) {
    EXPECT_EQ(parse_address("192.0.2.7")->family(), AF_INET);
    EXPECT_EQ(parse_address("2001:db8::7")->family(), AF_INET6);
    EXPECT_FALSE(parse_address("web.example"));
    EXPECT_FALSE(parse_address("1.2.3"));
    EXPECT_EQ(parse_address("192.0.2.7"), parse_address("192.0.2.7"));
    EXPECT_NE(*parse_address("192.0.2.7"), *parse_address("192.0.2.8"));
    EXPECT_NE(*parse_address("::1"), *parse_address("127.0.0.1"));
    EXPECT_NE(*parse_address("::1"), *parse_address("::2"));
}

TEST_F(ResolverTest, asks_once_for_many_fetches_of_a_name) {
    names->set("web.test", addresses({"127.0.0.1"}));
    const auto a = make("web.test");
    const auto b = make("web.test");
    RecordingSink of_a, of_b;
    a->start(loop.now() + 10s, of_a);
    b->start(loop.now() + 10s, of_b);
    EXPECT_TRUE(test::run_until(loop, [&] { return of_a.dones + of_b.dones == 2; }));
    EXPECT_EQ(run(*a), FetchError::None);
    EXPECT_EQ(names->asked, 1);
    EXPECT_EQ(server.requests().at(0).headers.at("host"), "web.test:" + std::to_string(server.port()));
}

TEST_F(ResolverTest, failure_is_blind_and_not_remembered) {
    const auto fetch = make("web.test");
    EXPECT_EQ(run(*fetch), FetchError::Resolve);
    names->set("web.test", addresses({"127.0.0.1"}));
    EXPECT_EQ(run(*fetch), FetchError::None);
    EXPECT_EQ(names->asked, 2);
}

TEST_F(ResolverTest, a_lookup_that_hangs_ends_at_the_deadline_and_holds_nobody_else) {
    const auto hanging = make("hang.test");
    RecordingSink sink;
    hanging->start(loop.now() + 60ms, sink);
    names->set("web.test", addresses({"127.0.0.1"}));
    EXPECT_EQ(run(*make("web.test")), FetchError::None);
    EXPECT_EQ(run(*make("127.0.0.1")), FetchError::None);
    EXPECT_TRUE(test::run_until(loop, [&] { return sink.dones == 1; }));
    EXPECT_EQ(sink.error, FetchError::Resolve);
}

TEST_F(ResolverTest, an_answer_that_comes_after_the_deadline_serves_the_next_fetch) {
    const auto fetch = make("hang.test");
    EXPECT_EQ(run(*fetch, 20ms), FetchError::Resolve);
    names->set("hang.test", addresses({"127.0.0.1"}));
    names->gate->open();
    EXPECT_EQ(run(*fetch), FetchError::None);
    EXPECT_EQ(names->asked, 1);
}

TEST_F(ResolverTest, can_be_destroyed_while_lookups_hang) {
    auto lone =
        std::make_unique<Resolver>(loop, [names = names](const std::string& host) { return names->lookup(host); });

    struct Nobody : ResolveWaiter {
        void on_resolved(const Addresses&) override { ADD_FAILURE() << "told after the end"; }
    } nobody;

    for (int i = 0; i < 8; ++i) lone->resolve("hang" + std::to_string(i), nobody);
    ASSERT_TRUE(test::run_until(loop, [&] { return names->asked == static_cast<int>(kResolverThreads); }));
    lone.reset();
    names->gate->open();
    loop.post([this] { loop.stop(); });
    loop.run();
}

TEST_F(ResolverTest, addresses_are_used_until_their_time_is_over_and_not_longer) {
    names->set("web.test", addresses({"127.0.0.1"}));
    const auto fetch = make("web.test");
    EXPECT_EQ(run(*fetch), FetchError::None);
    names->set("web.test", {});
    EXPECT_EQ(run(*fetch), FetchError::None);
    clock.set_offset(kResolveTtl + 1s);
    EXPECT_EQ(run(*fetch), FetchError::Resolve);
}

TEST_F(ResolverTest, keeps_its_connection_while_the_name_still_says_so_and_follows_it_when_it_moves) {
    names->set("web.test", addresses({"127.0.0.1"}));
    const auto fetch = make("web.test");
    EXPECT_EQ(run(*fetch), FetchError::None);
    clock.set_offset(kResolveTtl + 1s);
    EXPECT_EQ(run(*fetch), FetchError::None);
    EXPECT_EQ(server.connections(), 1U);
    names->set("web.test", addresses({"127.0.0.2"}));  // nobody there
    clock.set_offset(2 * kResolveTtl + 2s);
    EXPECT_EQ(run(*fetch), FetchError::ConnectRefused);
}

TEST_F(ResolverTest, tries_the_next_address_when_one_refuses) {
    names->set("web.test", addresses({"127.0.0.2", "127.0.0.3", "127.0.0.1"}));
    const auto fetch = make("web.test");
    EXPECT_EQ(run(*fetch), FetchError::None);
    names->set("down.test", addresses({"127.0.0.2", "127.0.0.3"}));
    EXPECT_EQ(run(*make("down.test")), FetchError::ConnectRefused);
}

TEST_F(ResolverTest, tells_nothing_after_a_cancel) {
    const auto fetch = make("hang.test");
    RecordingSink sink;
    fetch->start(loop.now() + 10s, sink);
    fetch->cancel();
    names->gate->open();
    ASSERT_TRUE(test::run_until(loop, [&] { return names->asked == 1; }));
    loop.post([this] { loop.stop(); });
    loop.run();
    EXPECT_EQ(sink.dones, 0);
}

TEST(GetaddrinfoLookup, knows_localhost_and_no_invalid_name) {
    const auto lookup = Resolver::getaddrinfo_lookup();
    EXPECT_FALSE(lookup("localhost").empty());
    EXPECT_TRUE(lookup("no such name.invalid").empty());
}

}  // namespace
}  // namespace revertd
