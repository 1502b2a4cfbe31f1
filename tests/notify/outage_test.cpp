// SPDX-License-Identifier: Apache-2.0
// Receivers that are down, ask for a pause, or take a page whose answer is lost. Time is put forward, not waited for.
#include <rapidjson/document.h>

#include <mutex>
#include <numeric>

#include "daemon/journal/codec.h"
#include "daemon/journal/journal.h"
#include "tests/notify/bed.h"
#include "tests/support/ports.h"

namespace revertd {
namespace {

using test::FakeAnswer;
using test::FakeRequest;
using test::NotifyBed;

class Outage : public NotifyBed {
  protected:
    /// Time goes on by so much; what is due by then is done, and what it asked for is answered: a request never sees
    /// the clock leap.
    void pass(const Notifier& notifier, Duration time) {
        clock_.set_offset(clock_.offset() + time);
        bool done = false;
        const TimerId soon = loop_.at(loop_.now() + 20ms, [&done] { done = true; });
        EXPECT_NE(soon, TimerId::None);
        EXPECT_TRUE(test::run_until(loop_, [&] { return done && notifier.in_flight() == 0; }));
    }

    static std::uint64_t failed_tries(const Notifier& notifier, const std::string& channel) {
        const auto count = notifier.count(channel);
        return std::accumulate(count.failed_tries.begin(), count.failed_tries.end(), std::uint64_t{0},
                               [](std::uint64_t sum, const auto& reason) { return sum + reason.second; });
    }

    std::unique_ptr<journal::Journal> journal() {
        journal::Options options;
        options.dir = dir_ + "/journal";
        options.clock = &clock_;
        auto opened = journal::Journal::open(options);
        EXPECT_TRUE(opened.has_value());
        return std::move(*opened);
    }

    void use(const std::string& base) {
        settings_.webhook = WebhookSettings{base + "/page", {}, std::nullopt};
        settings_.pagerduty = PagerDutySettings{secret("key", "canary-routing-key"), base + "/enqueue"};
    }

    std::vector<std::string> taken(const std::string& path) {
        const std::lock_guard lock(mutex_);
        return taken_[path];
    }

    /// Answers that a receiver in trouble gives, one after the other, until it is well.
    FakeAnswer receive(const FakeRequest& r) {
        const std::lock_guard lock(mutex_);
        if (well_) {
            taken_[r.path].push_back(r.body);
            return answer(202);
        }
        switch (asked_++ % 4) {
            case 0:
                return answer(503, "overloaded", "60");
            case 1:
                return answer(500, "oops");
            case 2:
                return answer(429, "slow down", "45");
            default:
                return FakeAnswer::resetting();
        }
    }

    std::mutex mutex_;
    bool well_ = false;
    int asked_ = 0;
    std::map<std::string, std::vector<std::string>> taken_;
};

TEST_F(Outage, of_ten_minutes_and_a_restart_ends_with_everything_once_and_in_order) {
    const test::ClosedPort closed;
    for (const char* path : {"/page", "/enqueue"})
        server_.on(path, [this](const FakeRequest& r) { return receive(r); });
    std::vector<journal::Entry> entries;
    for (std::uint64_t seq = 1; seq <= 3; ++seq)
        entries.push_back(journal::to_entry(page(seq, seq == 3 ? "resolve" : "update")));
    ASSERT_TRUE(journal()->append(std::move(entries)).has_value());
    const Time began = clock_.now().at;
    use("http://127.0.0.1:" + std::to_string(closed.port()));
    {
        const auto notifier = open();
        ASSERT_TRUE(notifier->catch_up(*journal()).has_value());
        while (clock_.now().at - began < 4min) pass(*notifier, 5s);
        for (const char* channel : {"webhook", "pagerduty"}) {
            EXPECT_GE(failed_tries(*notifier, channel), 240U / 35) << channel << ": the longest pause is 30 s";
            EXPECT_LE(failed_tries(*notifier, channel), 40U) << channel << ": pauses grow";
        }
    }
    use(server_.url(""));
    const auto notifier = open();
    ASSERT_TRUE(notifier->catch_up(*journal()).has_value());
    while (clock_.now().at - began < 10min) pass(*notifier, 5s);
    for (const char* channel : {"webhook", "pagerduty"}) {
        EXPECT_GE(failed_tries(*notifier, channel), 5U) << channel;
        EXPECT_EQ(notifier->count(channel).delivered, 0U) << channel;
        EXPECT_EQ(notifier->count(channel).failed, 0U) << channel;
    }
    EXPECT_TRUE(taken("/page").empty());
    {
        const std::lock_guard lock(mutex_);
        well_ = true;
    }
    pass(*notifier, 61s);
    ASSERT_TRUE(delivered(*notifier, "webhook", 3));
    ASSERT_TRUE(delivered(*notifier, "pagerduty", 3));
    for (const char* path : {"/page", "/enqueue"}) {
        const auto bodies = taken(path);
        ASSERT_EQ(bodies.size(), 3U) << path;
        for (std::size_t i = 0; i < 2; ++i)
            EXPECT_NE(bodies[i].find("page " + std::to_string(i + 1)), std::string::npos) << path << ": " << bodies[i];
        EXPECT_NE(bodies[2].find("\"resolve\""), std::string::npos) << path << ": " << bodies[2];
    }
    EXPECT_EQ(notifier->waiting(), 0U);
}

/// What configures one channel, and a page that makes it ask.
struct Way {
    const char* channel;
    void (*use)(NotifySettings&, const SecretFile&, const std::string&);
    std::vector<std::string> paths;
};

void PrintTo(const Way& way, std::ostream* out) {
    *out << way.channel;
}

const Way kWays[] = {
    {"pagerduty",
     [](NotifySettings& s, const SecretFile& f, const std::string& u) {
         s.pagerduty = PagerDutySettings{f, u + "/a"};
     },
     {"/a"}},
    {"webhook",
     [](NotifySettings& s, const SecretFile&, const std::string& u) {
         s.webhook = WebhookSettings{u + "/a", {}, std::nullopt};
     },
     {"/a"}},
    {"slack",
     [](NotifySettings& s, const SecretFile& f, const std::string& u) {
         s.slack = SlackSettings{{}, f, "C1", u};
     },
     {"/chat.postMessage", "/conversations.history"}},
    {"github",
     [](NotifySettings& s, const SecretFile& f, const std::string& u) {
         s.github = GithubSettings{"acme/api", f, {}, u};
     },
     {"/repos/acme/api/issues"}},
    {"alertmanager",
     [](NotifySettings& s, const SecretFile&, const std::string& u) { s.alertmanager = AlertmanagerSettings{{u}}; },
     {"/api/v2/alerts"}},
    {"opsgenie",
     [](NotifySettings& s, const SecretFile& f, const std::string& u) {
         s.opsgenie = OpsgenieSettings{f, {}, u};
     },
     {"/v2/alerts"}},
    {"statuspage",
     [](NotifySettings& s, const SecretFile& f, const std::string& u) {
         s.statuspage = StatuspageSettings{"p", f, {}, u};
     },
     {"/pages/p/incidents/unresolved", "/pages/p/incidents"}},
};

class AnyChannel : public Outage {
  protected:
    /// What all of them take for yes, each in its own words.
    static FakeAnswer yes(const FakeRequest& r) {
        if (r.path.starts_with("/conversations")) return answer(200, R"({"ok":true,"messages":[]})");
        if (r.method == "GET") return answer(200, "[]");
        return answer(201, R"({"ok":true,"ts":"1.5","channel":"C1","number":7,"id":"i9"})");
    }

    std::size_t asked() const { return server_.requests().size(); }
};

class EveryChannel : public AnyChannel, public testing::WithParamInterface<Way> {};

TEST_P(EveryChannel, obeys_a_pause_and_tries_5xx_again) {
    GetParam().use(settings_, secret("secret", "canary-secret"), server_.url(""));
    for (const std::string& path : GetParam().paths)
        server_.on(path, [this](const FakeRequest& r) {
            const std::lock_guard lock(mutex_);
            switch (asked_++) {
                case 0:
                    return answer(429, "slow down", "40");
                case 1:
                    return answer(503, "", "50");
                case 2:
                    return answer(500);
                default:
                    return yes(r);
            }
        });
    const auto notifier = open();
    const std::string channel = GetParam().channel;
    notifier->enqueue(page(1, "trigger", true));
    ASSERT_TRUE(test::run_until(loop_, [&] { return failed_tries(*notifier, channel) == 1; }));
    pass(*notifier, 38s);
    EXPECT_EQ(asked(), 1U) << "40 s were asked for";
    pass(*notifier, 3s);
    ASSERT_TRUE(test::run_until(loop_, [&] { return failed_tries(*notifier, channel) == 2; }));
    pass(*notifier, 47s);
    EXPECT_EQ(asked(), 2U) << "50 s were asked for";
    pass(*notifier, 4s);
    ASSERT_TRUE(test::run_until(loop_, [&] { return failed_tries(*notifier, channel) == 3; }));
    pass(*notifier, 31s);
    EXPECT_TRUE(delivered(*notifier, channel, 1));
    EXPECT_EQ(notifier->count(channel).failed, 0U);
    EXPECT_EQ(notifier->count(channel).failed_tries.at("rateLimited"), 1U);
    EXPECT_EQ(notifier->count(channel).failed_tries.at("serverError"), 2U);
    EXPECT_EQ(troubles_.find("canary"), std::string::npos) << troubles_;
}

INSTANTIATE_TEST_SUITE_P(Notify, EveryChannel, testing::ValuesIn(kWays),
                         [](const auto& tested) { return std::string(tested.param.channel); });

/// Ways to be down whose tries end at once, for ten minutes, and every channel: afterwards everything has arrived once
/// and in order.
struct Trouble {
    const char* name;
    std::optional<FakeAnswer> answer;  ///< nothing: nobody listens
    std::uint64_t least, most;         ///< tries in ten minutes
};

void PrintTo(const Trouble& trouble, std::ostream* out) {
    *out << trouble.name;
}

FakeAnswer said(int status, std::vector<std::pair<std::string, std::string>> headers) {
    FakeAnswer out;
    out.status = status;
    out.headers = std::move(headers);
    return out;
}

const Trouble kTroubles[] = {
    {"refused", {}, 600 / 45, 80},  // pauses grow to half a minute, are spread from 0 on, and end at a step of 15 s
    {"unavailable", said(503, {}), 600 / 45, 80},
    {"asks_for_a_pause", said(429, {{"Retry-After", "60"}}), 7, 11},
    {"resets", FakeAnswer::resetting(), 600 / 45, 160},
};

class TenMinutes : public AnyChannel, public testing::WithParamInterface<std::tuple<Way, Trouble>> {
  protected:
    void take(const FakeRequest& r) {
        if (r.method == "GET") return;
        if (r.path == "/pages/p/incidents")
            arrived_.insert(arrived_.end(), {1, 2});  // the public reads other words; one incident is opened
        for (int seq = 1; seq <= 3; ++seq)
            if (r.path != "/chat.update" && r.body.find("page " + std::to_string(seq)) != std::string::npos)
                arrived_.push_back(seq);
    }

    void answer_all(const Trouble& trouble) {
        server_.on("*", [this, trouble](const FakeRequest& r) {
            const std::lock_guard lock(mutex_);
            if (!well_) return *trouble.answer;
            take(r);
            return yes(r);
        });
    }

    std::vector<int> arrived_;
};

TEST_P(TenMinutes, everything_arrives_once_and_in_order_afterwards) {
    const auto& [way, trouble] = GetParam();
    const test::ClosedPort closed;
    const bool refused = !trouble.answer;
    const SecretFile file = secret("secret", "canary-secret");
    well_ = refused;  // nobody is asked until the address is that of a server
    answer_all(trouble);
    way.use(settings_, file, refused ? "http://127.0.0.1:" + std::to_string(closed.port()) : server_.url(""));
    const auto notifier = open();
    for (std::uint64_t seq = 1; seq <= 3; ++seq)
        notifier->enqueue(page(seq, seq == 1 ? "trigger" : seq == 2 ? "update" : "resolve", true));
    const Time began = clock_.now().at;
    while (clock_.now().at - began < 10min) pass(*notifier, 15s);
    EXPECT_GE(failed_tries(*notifier, way.channel), trouble.least);
    EXPECT_LE(failed_tries(*notifier, way.channel), trouble.most);
    EXPECT_EQ(notifier->count(way.channel).delivered, 0U);
    EXPECT_EQ(notifier->count(way.channel).failed, 0U) << troubles_;
    {
        const std::lock_guard lock(mutex_);
        well_ = true;
    }
    way.use(settings_, file, server_.url(""));
    notifier->configure(settings_);
    pass(*notifier, 61s);
    for (int i = 0; i < 60 && notifier->count(way.channel).delivered < 3; ++i) pass(*notifier, 1s);
    EXPECT_EQ(notifier->count(way.channel).delivered, 3U) << troubles_;
    EXPECT_EQ(notifier->waiting(), 0U);
    const std::lock_guard lock(mutex_);
    std::erase(arrived_, 3);  // most end an alert without words
    EXPECT_EQ(arrived_, (std::vector{1, 2})) << "each page once, in order";
    EXPECT_EQ(troubles_.find("canary"), std::string::npos) << troubles_;
}

INSTANTIATE_TEST_SUITE_P(Notify, TenMinutes, testing::Combine(testing::ValuesIn(kWays), testing::ValuesIn(kTroubles)),
                         [](const auto& tested) {
                             return std::string(std::get<0>(tested.param).channel) + "_" +
                                    std::get<1>(tested.param).name;
                         });

TEST_F(Outage, a_receiver_that_asks_for_no_pause_at_all_is_not_stormed) {
    server_.on("/page", answer(429, "", "0"));
    settings_.webhook = WebhookSettings{server_.url("/page"), {}, std::nullopt};
    const auto notifier = open();
    notifier->enqueue(page(1));
    ASSERT_TRUE(test::run_until(loop_, [&] { return failed_tries(*notifier, "webhook") == 1; }));
    pass(*notifier, 300ms);
    EXPECT_EQ(server_.requests().size(), 1U);
}

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
