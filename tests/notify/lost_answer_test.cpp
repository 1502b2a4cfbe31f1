// SPDX-License-Identifier: Apache-2.0
// Receivers that take a page whose answer is lost.
#include <rapidjson/document.h>

#include "tests/notify/outage_bed.h"

namespace revertd {
namespace {

using test::FakeAnswer;
using test::FakeRequest;
using test::Outage;

/// The receiver has taken it, and the connection breaks before it says so.
class LostAnswer : public Outage {};

TEST_F(LostAnswer, comes_again_under_the_same_key_where_the_receiver_knows_keys) {
    for (const char* path : {"/page", "/enqueue", "/v2/alerts"})
        server_.on(path, std::vector<FakeAnswer>{FakeAnswer::resetting(), answer(202)});
    use(server_.url(""));
    settings_.opsgenie = OpsgenieSettings{secret("ops", "canary"), {}, server_.url("")};
    const auto notifier = open();
    notifier->enqueue(page(1));
    pass(*notifier, 1s);
    for (const char* channel : {"webhook", "pagerduty", "opsgenie"}) ASSERT_TRUE(delivered(*notifier, channel, 1));
    std::map<std::string, std::vector<FakeRequest>> by_path;
    for (const FakeRequest& r : server_.requests()) by_path[r.path].push_back(r);
    for (const char* path : {"/page", "/enqueue", "/v2/alerts"}) {
        ASSERT_EQ(by_path[path].size(), 2U) << path;
        EXPECT_EQ(by_path[path][0].body, by_path[path][1].body) << path;
    }
    const auto& headers = by_path["/page"][0].headers;
    EXPECT_EQ(headers.at("idempotency-key"), "\"revertd/api/i-1/1\"");
    EXPECT_EQ(headers.at("idempotency-key"), by_path["/page"][1].headers.at("idempotency-key"));
    EXPECT_NE(by_path["/enqueue"][0].body.find(R"("dedup_key":"revertd/api/i-1")"), std::string::npos);
    EXPECT_NE(by_path["/v2/alerts"][0].body.find(R"("alias":"revertd/api/i-1")"), std::string::npos);
}

/// A channel of Slack, with its history in pages of two; each second message's answer is lost.
class LostBySlack : public LostAnswer {
  protected:
    LostBySlack() {
        settings_.slack = SlackSettings{{}, secret("token", "xoxb-canary"), "#incidents", server_.url("")};
        server_.on("/chat.postMessage", [this](const FakeRequest& r) { return post(r); });
        server_.on("/chat.update", answer(200, R"({"ok":true,"ts":"1","channel":"C9"})"));
        for (const char* path : {"/conversations.history", "/conversations.replies"})
            server_.on(path, [this](const FakeRequest& r) { return history(r); });
    }

    FakeAnswer post(const FakeRequest& r) {
        const std::lock_guard lock(mutex_);
        rapidjson::Document body;
        body.Parse(r.body);
        const std::string key = body["metadata"]["event_payload"]["key"].GetString();
        keys_.push_back(key);
        stamps_.push_back(std::to_string(keys_.size()) + ".5");
        if (lose_) return lose_ = false, FakeAnswer::resetting();
        return answer(200, R"({"ok":true,"channel":"C9","ts":")" + stamps_.back() + "\"}");
    }

    FakeAnswer history(const FakeRequest& r) {
        const std::lock_guard lock(mutex_);
        if (!readable_) return answer(200, R"({"ok":false,"error":"missing_scope"})");
        if (r.path.find("channel=C9") == std::string::npos)
            return answer(200, R"({"ok":false,"error":"channel_not_found"})");
        if (r.path.find("cursor=two%3D") == std::string::npos)
            return answer(
                200,
                R"({"ok":true,"messages":[{"ts":"9.9","text":"of a person"}],"response_metadata":{"next_cursor":"two="}})");
        std::string list;
        for (std::size_t i = 0; i < keys_.size(); ++i)
            list += (i == 0 ? "" : ",") +
                    (R"({"ts":")" + stamps_[i] +
                     R"(","metadata":{"event_type":"revertd_page","event_payload":{"key":")" + keys_[i] + "\"}}}");
        return answer(200, R"({"ok":true,"messages":[)" + list + "]}");
    }

    std::vector<std::string> keys_, stamps_;
    bool lose_ = false, readable_ = true;
};

TEST_F(LostBySlack, message_is_found_in_the_channel_and_in_the_thread_and_not_posted_twice) {
    const auto notifier = open();
    Record other = page(1);
    std::get<Paged>(other.fact).incident = "i-0";
    notifier->enqueue(other);  // from its answer the channel's id is known
    ASSERT_TRUE(delivered(*notifier, "slack", 1));
    for (const std::uint64_t seq : {2U, 3U}) {  // the message, then one of its thread
        {
            const std::lock_guard lock(mutex_);
            lose_ = true;
        }
        notifier->enqueue(page(seq, seq == 2 ? "trigger" : "update"));
        ASSERT_TRUE(test::run_until(loop_, [&] { return failed_tries(*notifier, "slack") == seq - 1; }));
        pass(*notifier, 1s);
        ASSERT_TRUE(delivered(*notifier, "slack", seq));
    }
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(keys_, (std::vector<std::string>{"revertd/api/i-0/1", "revertd/api/i-1/2", "revertd/api/i-1/3"}));
    const std::string last = server_.requests().back().body;
    EXPECT_NE(last.find(R"("ts":"2.5")"), std::string::npos)
        << "the message that was found is kept up to date: " << last;
}

TEST_F(LostBySlack, message_comes_twice_rather_than_never_where_the_history_may_not_be_read) {
    readable_ = false;
    settings_.slack->channel = "C9";
    lose_ = true;
    const auto notifier = open();
    notifier->enqueue(page(1));
    pass(*notifier, 1s);
    ASSERT_TRUE(delivered(*notifier, "slack", 1));
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(keys_.size(), 2U);
}

TEST_F(LostAnswer, of_github_is_found_behind_hundreds_of_other_issues) {
    settings_.github = GithubSettings{"acme/api", secret("token", "ghp_canary"), {}, server_.url("")};
    int created = 0;
    server_.on("/repos/acme/api/issues", [&](const FakeRequest& r) {
        const std::lock_guard lock(mutex_);
        if (r.method == "POST") return ++created, FakeAnswer::resetting();
        const bool third = r.path.find("page=3&") != std::string::npos || r.path.ends_with("&page=3");
        std::string list;
        for (int i = 0; i < (third ? 40 : 100); ++i)
            list += (i == 0 ? "" : ",") + (R"({"number":)" + std::to_string(1000 + i) + R"(,"body":"of others"})");
        if (third && created > 0) list += R"(,{"number":7,"body":"x <!-- revertd/api/i-1 -->"})";
        return answer(200, "[" + list + "]");
    });
    server_.on("/repos/acme/api/issues/7/comments", [&](const FakeRequest& r) {
        EXPECT_EQ(r.method, "GET") << "the issue itself says it";
        return answer(200, R"([{"id":1,"body":"<!-- revertd/api/i-1/1 -->"}])");
    });
    const auto notifier = open();
    notifier->enqueue(page(1, "trigger", true));
    pass(*notifier, 1s);
    ASSERT_TRUE(delivered(*notifier, "github", 1));
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(created, 1);
}

TEST_F(LostAnswer, of_a_status_page_tells_the_public_nothing_twice) {
    settings_.statuspage = StatuspageSettings{"p1", secret("key", "canary-key"), {}, server_.url("")};
    std::string metadata;
    int shown = 0;
    const auto take = [&](const FakeRequest& r) {
        rapidjson::Document body;
        body.Parse(r.body);
        const auto& ours = body["incident"]["metadata"]["revertd"];
        metadata = std::string(R"({"revertd":{"key":")") + ours["key"].GetString() + R"(","last":")" +
                   ours["last"].GetString() + "\"}}";
        ++shown;
        return FakeAnswer::resetting();
    };
    const auto incident = [&] { return R"({"id":"inc9","metadata":)" + metadata + "}"; };
    server_.on("/pages/p1/incidents/unresolved", [&](const FakeRequest&) {
        const std::lock_guard lock(mutex_);
        return answer(200, metadata.empty() ? "[]" : "[" + incident() + "]");
    });
    for (const char* path : {"/pages/p1/incidents", "/pages/p1/incidents/inc9"})
        server_.on(path, [&](const FakeRequest& r) {
            const std::lock_guard lock(mutex_);
            return r.method == "GET" ? answer(200, incident()) : take(r);
        });
    const auto notifier = open();
    for (const std::uint64_t seq : {1U, 2U, 3U}) {
        notifier->enqueue(page(seq, seq == 3 ? "resolve" : "update"));
        ASSERT_TRUE(test::run_until(loop_, [&] { return failed_tries(*notifier, "statuspage") == seq; }));
        pass(*notifier, 1s);
        ASSERT_TRUE(delivered(*notifier, "statuspage", seq));
        const std::lock_guard lock(mutex_);
        EXPECT_EQ(shown, static_cast<int>(seq));
    }
}

}  // namespace
}  // namespace revertd
