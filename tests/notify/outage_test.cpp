// SPDX-License-Identifier: Apache-2.0
// Receivers that are down, hang, or ask for a pause. Time is put forward, not waited for.
#include "tests/notify/outage_bed.h"
#include "tests/support/ports.h"

namespace revertd {
namespace {

using test::FakeAnswer;
using test::FakeRequest;
using test::Outage;

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

    void take(const FakeRequest& r) {
        if (r.method == "GET") return;
        if (r.path == "/pages/p/incidents")
            arrived_.insert(arrived_.end(), {1, 2});  // the public reads other words; one incident is opened
        for (int seq = 1; seq <= 3; ++seq)
            if (r.path != "/chat.update" && r.body.find("page " + std::to_string(seq)) != std::string::npos)
                arrived_.push_back(seq);
    }

    std::size_t asked() const { return server_.requests().size(); }

    std::vector<int> arrived_;
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

/// A request's own limit is of real time, so it is short here; the pauses between tries are leapt over.
TEST_P(EveryChannel, that_takes_the_request_and_never_answers_gets_everything_once_and_in_order_afterwards) {
    send_limit_ = 50ms;
    server_.on("*", [this](const FakeRequest& r) {
        const std::lock_guard lock(mutex_);
        if (!well_) return FakeAnswer::hanging();
        take(r);
        return yes(r);
    });
    GetParam().use(settings_, secret("secret", "canary-secret"), server_.url(""));
    const auto notifier = open();
    const std::string channel = GetParam().channel;
    for (std::uint64_t seq = 1; seq <= 3; ++seq)
        notifier->enqueue(page(seq, seq == 1 ? "trigger" : seq == 2 ? "update" : "resolve", true));
    const Time began = clock_.now().at;
    std::uint64_t tries = 0;
    while (clock_.now().at - began < 10min) {
        ASSERT_TRUE(test::run_until(loop_, [&] { return failed_tries(*notifier, channel) > tries; })) << tries;
        tries = failed_tries(*notifier, channel);
        clock_.set_offset(clock_.offset() + 31s);  // longer than the longest pause
    }
    EXPECT_GE(tries, 600U / 32);
    EXPECT_EQ(notifier->count(channel).failed_tries.at("contextDeadlineExceeded"), tries);
    EXPECT_EQ(notifier->count(channel).failed, 0U) << troubles_;
    {
        const std::lock_guard lock(mutex_);
        well_ = true;
    }
    for (int i = 0; i < 60 && notifier->count(channel).delivered < 3; ++i) pass(*notifier, 1s);
    EXPECT_EQ(notifier->count(channel).delivered, 3U) << troubles_;
    EXPECT_EQ(notifier->waiting(), 0U);
    const std::lock_guard lock(mutex_);
    std::erase(arrived_, 3);  // most end an alert without words
    EXPECT_EQ(arrived_, (std::vector{1, 2})) << "each page once, in order";
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
    void answer_all(const Trouble& trouble) {
        server_.on("*", [this, trouble](const FakeRequest& r) {
            const std::lock_guard lock(mutex_);
            if (!well_) return *trouble.answer;
            take(r);
            return yes(r);
        });
    }
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

}  // namespace
}  // namespace revertd
