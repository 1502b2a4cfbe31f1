// SPDX-License-Identifier: Apache-2.0
// Each channel against a receiver that answers as the real one documents.
#include <fcntl.h>
#include <rapidjson/document.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mutex>

#include "daemon/io/limits.h"
#include "tests/notify/bed.h"

namespace revertd {
namespace {

using test::FakeAnswer;
using test::FakeHttp;
using test::FakeRequest;
using test::NotifyBed;

rapidjson::Document json(const FakeRequest& request) {
    rapidjson::Document out;
    out.Parse(request.body);
    EXPECT_FALSE(out.HasParseError()) << request.body;
    return out;
}

class Slack : public NotifyBed {
  protected:
    void use_bot() {
        settings_.slack = SlackSettings{{}, secret("token", "xoxb-canary"), "#incidents", server_.url("")};
    }
};

TEST_F(Slack, webhook_takes_each_page) {
    server_.on("/services/T/B/X", std::vector<FakeAnswer>{answer(429, "", "0"), answer(200, "ok")});
    settings_.slack = SlackSettings{secret("url", server_.url("/services/T/B/X")), {}, {}, {}};
    const auto notifier = open();
    notifier->enqueue(page(1));
    ASSERT_TRUE(delivered(*notifier, "slack", 1));
    const auto body = json(server_.requests().back());
    EXPECT_TRUE(body.HasMember("text"));
    EXPECT_GE(body["blocks"].Size(), 3U);
    EXPECT_FALSE(body.HasMember("channel"));
}

TEST_F(Slack, webhook_that_is_gone_is_given_up_without_its_url_in_any_word) {
    server_.on("/services/T/B/canary", answer(404, "no_service"));
    settings_.slack = SlackSettings{secret("url", server_.url("/services/T/B/canary")), {}, {}, {}};
    const auto notifier = open();
    notifier->enqueue(page(1));
    ASSERT_TRUE(test::run_until(loop_, [&] { return notifier->count("slack").failed == 1; }));
    EXPECT_NE(troubles_.find("no_service"), std::string::npos);
    EXPECT_EQ(troubles_.find("canary"), std::string::npos);
}

/// As a file on a network file system that does not answer.
TEST_F(Slack, a_secret_that_hangs_holds_neither_the_daemon_nor_the_other_channels) {
    server_.on("/services/T/B/X", answer(200, "ok"));
    server_.on("/page", answer(200));
    const std::string fifo = dir_ + "/url";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    settings_.slack = SlackSettings{SecretFile{"url", fifo}, {}, {}, {}};
    settings_.webhook = WebhookSettings{server_.url("/page"), {}, std::nullopt};
    const auto notifier = open();
    (void)loop_.take_lag();
    notifier->enqueue(page(1));
    ASSERT_TRUE(delivered(*notifier, "webhook", 1));
    EXPECT_EQ(notifier->count("slack").delivered, 0U);
    EXPECT_LT(loop_.take_lag(), kSecretPatience / 2);
    std::filesystem::rename(secret("new", server_.url("/services/T/B/X")).path, dir_ + "/url.new");
    const int fd = ::open(fifo.c_str(), O_RDWR | O_NONBLOCK);  // whoever reads it wakes up, and finds nothing
    std::filesystem::rename(dir_ + "/url.new", fifo);
    ::close(fd);
    EXPECT_TRUE(delivered(*notifier, "slack", 1)) << troubles_;
}

TEST_F(Slack, bot_keeps_one_message_and_its_story_in_the_thread) {
    server_.on("/chat.postMessage", answer(200, R"({"ok":true,"ts":"1.5","channel":"C9"})"));
    server_.on("/chat.update", answer(200, R"({"ok":true,"ts":"1.5","channel":"C9"})"));
    use_bot();
    {
        const auto notifier = open();
        notifier->enqueue(page(1));
        ASSERT_TRUE(delivered(*notifier, "slack", 1));
    }
    const auto notifier = open();  // a restart does not forget the message
    notifier->enqueue(page(2, "resolve"));
    ASSERT_TRUE(delivered(*notifier, "slack", 1));
    const auto requests = server_.requests();
    ASSERT_EQ(requests.size(), 3U);
    EXPECT_EQ(requests[0].headers.at("authorization"), "Bearer xoxb-canary");
    EXPECT_STREQ(json(requests[0])["channel"].GetString(), "#incidents");
    EXPECT_STREQ(json(requests[1])["thread_ts"].GetString(), "1.5");
    EXPECT_STREQ(json(requests[1])["channel"].GetString(), "C9");
    EXPECT_EQ(requests[2].path, "/chat.update");
    EXPECT_STREQ(json(requests[2])["ts"].GetString(), "1.5");
}

TEST_F(Slack, a_refusal_inside_of_a_200_is_one) {
    server_.on("/chat.postMessage", std::vector<FakeAnswer>{answer(200, R"({"ok":false,"error":"ratelimited"})"),
                                                            answer(200, R"({"ok":false,"error":"channel_not_found"})"),
                                                            answer(200, R"({"ok":true,"ts":"2","channel":"C"})")});
    use_bot();
    const auto notifier = open();
    notifier->enqueue(page(1));
    notifier->enqueue(page(2));
    ASSERT_TRUE(delivered(*notifier, "slack", 1));
    EXPECT_EQ(notifier->count("slack").failed, 1U);
    EXPECT_EQ(notifier->count("slack").failed_tries.at("rateLimited"), 1U);
    EXPECT_EQ(notifier->count("slack").failed_tries.at("clientError"), 1U);
}

TEST_F(Slack, mentions_who_the_page_is_for_and_nobody_by_what_a_metric_says) {
    server_.on("/chat.postMessage", answer(200, R"({"ok":true,"ts":"1.5","channel":"C9"})"));
    use_bot();
    settings_.contacts["leads"] = {{"ana", "U123", {}, {}}, {"bo", {}, {}, {}}};
    const auto notifier = open();
    Record record = page(1, "ask");
    std::get<Paged>(record.fact).to = "leads";
    std::get<Paged>(record.fact).summary = "<!channel> <@U666> & so on";
    notifier->enqueue(record);
    ASSERT_TRUE(delivered(*notifier, "slack", 1));
    const std::string body = server_.requests().back().body;
    EXPECT_NE(body.find("<@U123>"), std::string::npos) << body;
    EXPECT_EQ(body.find("<!channel>"), std::string::npos);
    EXPECT_EQ(body.find("<@U666>"), std::string::npos);
    EXPECT_NE(body.find("revertctl approve i-1"), std::string::npos);
}

/// The issues of a repository, as GitHub keeps them.
class Github : public NotifyBed {
  protected:
    Github() {
        settings_.github = GithubSettings{"acme/api", secret("token", "ghp_canary"), {"revertd"}, server_.url("")};
        server_.on("/repos/acme/api/issues", [this](const FakeRequest& r) { return issues(r); });
        server_.on("/repos/acme/api/issues/7/comments", [this](const FakeRequest& r) { return comments(r); });
        server_.on("/repos/acme/api/issues/7", [this](const FakeRequest& r) {
            const std::lock_guard lock(mutex_);
            closed_ = r.body.find("\"closed\"") != std::string::npos;
            return answer(200, R"({"number":7})");
        });
    }

    FakeAnswer issues(const FakeRequest& r) {
        const std::lock_guard lock(mutex_);
        if (r.method == "GET") return answer(200, "[" + issue_ + "]");
        if (r.body.find("<!-- revertd/api/i-1 -->") == std::string::npos) return answer(422, "no marker");
        ++created_;
        issue_ = R"({"number":7,"body":"x <!-- revertd/api/i-1 -->"})";
        return lose_next_ ? (lose_next_ = false, FakeAnswer::resetting()) : answer(201, R"({"number":7})");
    }

    FakeAnswer comments(const FakeRequest& r) {
        const std::lock_guard lock(mutex_);
        if (r.method == "GET") return answer(200, "[" + comments_ + "]");
        const auto marker = r.body.find("<!-- revertd/api/i-1/");
        const std::string text = r.body.substr(marker, r.body.find("-->", marker) + 3 - marker);
        comments_ += (comments_.empty() ? "" : ",") +
                     (R"({"id":)" + std::to_string(++commented_) + R"(,"body":")" + text + "\"}");
        return lose_next_ ? (lose_next_ = false, FakeAnswer::resetting()) : answer(201, "{}");
    }

    std::mutex mutex_;
    std::string issue_, comments_;
    int created_ = 0, commented_ = 0;
    bool closed_ = false, lose_next_ = false;
};

TEST_F(Github, opens_comments_and_closes_one_issue) {
    const auto notifier = open();
    notifier->enqueue(page(1, "trigger", true));
    notifier->enqueue(page(2, "update", true));
    notifier->enqueue(page(3, "resolve", true));
    ASSERT_TRUE(delivered(*notifier, "github", 3));
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(created_, 1);
    EXPECT_EQ(commented_, 2);
    EXPECT_TRUE(closed_);
}

TEST_F(Github, an_issue_and_a_comment_whose_answer_was_lost_are_not_made_twice) {
    lose_next_ = true;
    const auto notifier = open();
    notifier->enqueue(page(1, "trigger", true));
    ASSERT_TRUE(delivered(*notifier, "github", 1));
    {
        const std::lock_guard lock(mutex_);
        EXPECT_EQ(created_, 1);
        lose_next_ = true;
        commented_ = 0, comments_.clear();
    }
    notifier->enqueue(page(2, "update", true));
    ASSERT_TRUE(delivered(*notifier, "github", 2));
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(commented_, 1);
}

TEST_F(Github, nothing_is_opened_for_a_severity_without_issue) {
    const auto notifier = open();
    notifier->enqueue(page(1));
    ASSERT_TRUE(delivered(*notifier, "github", 1));
    EXPECT_TRUE(server_.requests().empty());
}

TEST_F(Github, a_403_that_is_a_rate_limit_is_waited_for_and_any_other_is_final) {
    FakeAnswer limited = answer(403, "rate limit");
    limited.headers = {{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", "1"}};
    server_.on("/repos/acme/api/issues", std::vector<FakeAnswer>{limited, answer(403, "Resource not accessible"),
                                                                 answer(403, "Resource not accessible")});
    const auto notifier = open();
    notifier->enqueue(page(1, "trigger", true));
    ASSERT_TRUE(test::run_until(loop_, [&] { return notifier->count("github").failed == 1; }));
    EXPECT_EQ(notifier->count("github").failed_tries.at("rateLimited"), 1U);
    EXPECT_EQ(troubles_.find("ghp_canary"), std::string::npos);
}

class Others : public NotifyBed {};

TEST_F(Others, alertmanager_gets_an_open_alert_and_its_end_under_the_same_labels) {
    server_.on("/api/v2/alerts", answer(200));
    settings_.alertmanager = AlertmanagerSettings{{server_.url("")}};
    const auto notifier = open();
    notifier->enqueue(page(1));
    notifier->enqueue(page(2, "update"));
    notifier->enqueue(page(3, "resolve"));
    ASSERT_TRUE(delivered(*notifier, "alertmanager", 3));
    std::vector<std::string> labels, ends;
    for (const FakeRequest& request : server_.requests()) {
        const auto body = json(request);
        ASSERT_TRUE(body.IsArray());
        std::string all;
        for (const auto& label : body[0]["labels"].GetObject())
            all += std::string(label.name.GetString()) + "=" + label.value.GetString() + ";";
        labels.push_back(all);
        ends.emplace_back(body[0]["endsAt"].GetString());
    }
    ASSERT_GE(labels.size(), 3U);
    EXPECT_EQ(labels.front(), labels.back());
    EXPECT_LT(ends.back(), ends.front());  // now, before what the open one promised
}

TEST_F(Others, alertmanager_has_it_when_one_member_of_the_cluster_has) {
    server_.on("/api/v2/alerts", answer(200));
    settings_.alertmanager = AlertmanagerSettings{{server_.url("/gone"), server_.url("")}};
    const auto notifier = open();
    notifier->enqueue(page(1));
    EXPECT_TRUE(delivered(*notifier, "alertmanager", 1));
}

TEST_F(Others, opsgenie_creates_notes_and_closes_by_alias) {
    const std::string alias = "/v2/alerts/revertd%2Fapi%2Fi-1";
    server_.on("/v2/alerts", answer(202, R"({"result":"Request will be processed","requestId":"1"})"));
    server_.on(alias + "/notes", answer(202));
    server_.on(alias + "/close", answer(202));
    settings_.opsgenie = OpsgenieSettings{secret("key", "canary-key"), "payments", server_.url("")};
    const auto notifier = open();
    notifier->enqueue(page(1));
    notifier->enqueue(page(2, "update"));
    notifier->enqueue(page(3, "resolve"));
    ASSERT_TRUE(delivered(*notifier, "opsgenie", 3));
    const auto requests = server_.requests();
    EXPECT_STREQ(json(requests[0])["alias"].GetString(), "revertd/api/i-1");
    EXPECT_STREQ(json(requests[0])["responders"][0]["name"].GetString(), "payments");
    EXPECT_EQ(requests[0].headers.at("authorization"), "GenieKey canary-key");
    EXPECT_EQ(requests[2].path, alias + "/close?identifierType=alias");
}

TEST_F(Others, statuspage_says_nothing_internal_and_resolves_the_same_incident) {
    server_.on("/pages/p1/incidents/unresolved", answer(200, "[]"));
    server_.on("/pages/p1/incidents", answer(201, R"({"id":"inc9"})"));
    server_.on("/pages/p1/incidents/inc9", answer(200, "{}"));
    settings_.statuspage = StatuspageSettings{"p1", secret("key", "canary-key"), {"c1"}, server_.url("")};
    const auto notifier = open();
    notifier->enqueue(page(1));
    notifier->enqueue(page(2, "resolve"));
    ASSERT_TRUE(delivered(*notifier, "statuspage", 2));
    const auto requests = server_.requests();
    ASSERT_EQ(requests.size(), 3U);
    EXPECT_EQ(requests[1].body.find("errors 7.9"), std::string::npos);
    EXPECT_EQ(requests[1].body.find("v2"), std::string::npos);
    EXPECT_STREQ(json(requests[2])["incident"]["status"].GetString(), "resolved");
    EXPECT_EQ(requests[2].method, "PATCH");
}

/// What `http` says of a channel's server.
class OwnServer : public NotifyBed {
  protected:
    HttpSettings trusting(const FakeHttp& server) {
        HttpSettings out;
        out.ca_file = dir_ + "/ca.pem";
        std::ofstream(out.ca_file) << server.certificate();
        return out;
    }
};

TEST_F(OwnServer, is_trusted_and_logged_in_to_as_the_configuration_says) {
    FakeHttp tls({.tls = true});
    tls.on("/api/v2/alerts", answer(200));
    tls.on("/page", answer(202));
    settings_.alertmanager = AlertmanagerSettings{{tls.url("")}};
    settings_.webhook = WebhookSettings{tls.url("/page"), {}, std::nullopt};
    settings_.http["alertmanager"] = settings_.http["webhook"] = trusting(tls);
    settings_.http["alertmanager"].credentials = secret("bearer", "canary-bearer");
    settings_.http["alertmanager"].headers = {{"X-Scope-OrgID", "tenant-1"}};
    settings_.http["webhook"].user = "revertd";
    settings_.http["webhook"].password = secret("basic", "canary-password");
    const auto notifier = open();
    notifier->enqueue(page(1));
    ASSERT_TRUE(delivered(*notifier, "alertmanager", 1)) << troubles_;
    ASSERT_TRUE(delivered(*notifier, "webhook", 1)) << troubles_;
    for (const FakeRequest& request : tls.requests()) {
        const bool alert = request.path == "/api/v2/alerts";
        EXPECT_EQ(request.headers.at("authorization"),
                  alert ? "Bearer canary-bearer" : "Basic cmV2ZXJ0ZDpjYW5hcnktcGFzc3dvcmQ=");
        EXPECT_EQ(request.headers.contains("x-scope-orgid"), alert);
    }
}

TEST_F(OwnServer, that_is_not_trusted_is_told_nothing_and_a_secret_that_is_missing_is_waited_for) {
    FakeHttp tls({.tls = true});
    tls.on("/page", answer(202));
    settings_.webhook = WebhookSettings{tls.url("/page"), {}, std::nullopt};
    const auto notifier = open();
    notifier->enqueue(page(1));
    ASSERT_TRUE(test::run_until(loop_, [&] { return notifier->count("webhook").failed_tries.contains("other"); }));
    EXPECT_TRUE(tls.requests().empty());
    HttpSettings http = trusting(tls);
    http.credentials = SecretFile{"later", dir_ + "/later"};
    settings_.http["webhook"] = http;
    notifier->configure(settings_);
    ASSERT_TRUE(test::run_until(loop_, [&] { return notifier->count("webhook").failed_tries.contains("authError"); }));
    EXPECT_TRUE(tls.requests().empty()) << "not without its credentials";
    (void)secret("later", "canary-later");
    EXPECT_TRUE(delivered(*notifier, "webhook", 1)) << troubles_;
}

TEST_F(OwnServer, is_reached_by_its_proxy) {
    server_.on("http://pages.example.com/page", answer(202));
    settings_.webhook = WebhookSettings{"http://pages.example.com/page", {}, std::nullopt};
    settings_.http["webhook"].proxy = server_.url("");
    const auto notifier = open();
    notifier->enqueue(page(1));
    EXPECT_TRUE(delivered(*notifier, "webhook", 1)) << troubles_;
}

class Fallback : public NotifyBed {
  protected:
    Fallback() {
        settings_.pagerduty = PagerDutySettings{secret("key", "canary-routing-key"), server_.url("/enqueue")};
        settings_.webhook = WebhookSettings{server_.url("/page"), {}, std::nullopt};
        settings_.fallback = {{"pagerduty", "webhook"}};
        server_.on("/page", answer(202));
    }
};

TEST_F(Fallback, hears_nothing_while_the_first_channel_works) {
    server_.on("/enqueue", answer(202));
    const auto notifier = open();
    notifier->enqueue(page(1));
    ASSERT_TRUE(delivered(*notifier, "pagerduty", 1));
    EXPECT_EQ(notifier->count("webhook").delivered, 0U);
}

TEST_F(Fallback, takes_over_at_once_what_is_refused_for_good) {
    server_.on("/enqueue", answer(400, R"({"status":"invalid event","errors":["canary-routing-key is no key"]})"));
    const auto notifier = open();
    notifier->enqueue(page(1));
    ASSERT_TRUE(delivered(*notifier, "webhook", 1));
    const std::string body = server_.requests().back().body;
    EXPECT_NE(body.find("pagerduty could not be reached"), std::string::npos);
    EXPECT_EQ(body.find("canary"), std::string::npos) << body;
    EXPECT_EQ(troubles_.find("canary"), std::string::npos);
}

TEST_F(Fallback, takes_over_in_order_when_the_first_has_failed_for_long_and_it_goes_on_trying) {
    settings_.fallback_after = 50ms;
    server_.on("/enqueue", answer(503, "", "1"));
    const auto notifier = open();
    notifier->enqueue(page(1));
    notifier->enqueue(page(2));
    ASSERT_TRUE(delivered(*notifier, "webhook", 2));
    notifier->enqueue(page(3));  // while it is known to fail
    ASSERT_TRUE(delivered(*notifier, "webhook", 3));
    server_.on("/enqueue", answer(202));
    ASSERT_TRUE(delivered(*notifier, "pagerduty", 3));
    std::string order;
    for (const FakeRequest& request : server_.requests())
        if (request.path == "/page") order += request.body.substr(request.body.find("page ") + 5, 1);
    EXPECT_EQ(order, "123");
}

class Test : public NotifyBed {};

TEST_F(Test, pages_every_channel_once_and_says_what_each_answered) {
    server_.on("/enqueue", answer(202));
    server_.on("/page", answer(503, "down for maintenance"));
    settings_.pagerduty = PagerDutySettings{secret("key", "canary"), server_.url("/enqueue")};
    settings_.webhook = WebhookSettings{server_.url("/page"), {}, std::nullopt};
    settings_.fallback = {{"pagerduty", "webhook"}};
    const auto notifier = open();
    std::vector<Notifier::Tested> results;
    notifier->test([&](const std::vector<Notifier::Tested>& r) { results = r; });
    ASSERT_TRUE(test::run_until(loop_, [&] { return !results.empty(); }));
    ASSERT_EQ(results.size(), 2U);
    EXPECT_TRUE(results[0].delivered);
    EXPECT_FALSE(results[1].delivered);
    EXPECT_NE(results[1].words.find("down for maintenance"), std::string::npos);
    EXPECT_EQ(server_.requests().size(), 2U);
}

}  // namespace
}  // namespace revertd
