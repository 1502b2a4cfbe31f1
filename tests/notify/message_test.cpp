// SPDX-License-Identifier: Apache-2.0
#include "daemon/notify/bodies.h"

#include <gtest/gtest.h>
#include <rapidjson/document.h>

namespace revertd {
namespace {

Message page(const std::string& kind, const std::string& summary) {
    return {42, WallTime(1'795'144'327s), {"api", "d-1", "i-7", "error", kind, summary, "errors 7.9 %"}};
}

rapidjson::Document parsed(const std::string& body) {
    rapidjson::Document json;
    json.Parse(body);
    EXPECT_FALSE(json.HasParseError()) << body;
    return json;
}

TEST(PagerDutyBody, triggers_with_the_key_of_the_incident) {
    const auto json = parsed(pagerduty_body(page("trigger", "api v2 is bad"), "KEY", "host"));
    EXPECT_STREQ(json["event_action"].GetString(), "trigger");
    EXPECT_STREQ(json["routing_key"].GetString(), "KEY");
    EXPECT_STREQ(json["dedup_key"].GetString(), "revertd/api/i-7");
    EXPECT_STREQ(json["payload"]["severity"].GetString(), "error");
    EXPECT_STREQ(json["payload"]["summary"].GetString(), "api v2 is bad");
    EXPECT_STREQ(json["payload"]["custom_details"]["details"].GetString(), "errors 7.9 %");
}

TEST(PagerDutyBody, resolves_the_same_alert_without_a_payload) {
    const auto json = parsed(pagerduty_body(page("resolve", "recovered"), "KEY", "host"));
    EXPECT_STREQ(json["event_action"].GetString(), "resolve");
    EXPECT_STREQ(json["dedup_key"].GetString(), "revertd/api/i-7");
    EXPECT_FALSE(json.HasMember("payload"));
}

TEST(PagerDutyBody, cuts_a_summary_at_its_limit_and_at_a_character) {
    std::string summary;
    while (summary.size() < 2000) summary += "\xc3\xa4";  // two bytes: the limit falls inside none of them
    const auto json = parsed(pagerduty_body(page("trigger", "x" + summary), "KEY", "host"));
    const std::string sent = json["payload"]["summary"].GetString();
    EXPECT_EQ(sent.size(), 1023U);
    EXPECT_EQ(static_cast<unsigned char>(sent.back()), 0xa4);
}

TEST(IncidentLink, is_below_the_address_at_which_people_reach_the_daemon) {
    EXPECT_EQ(incident_link("https://revertd.example.com", "i-7"), "https://revertd.example.com/i/i-7");
    EXPECT_EQ(incident_link("https://example.com/revertd/", "i-7"), "https://example.com/revertd/i/i-7");
    EXPECT_EQ(incident_link("", "i-7"), "");
    EXPECT_EQ(incident_link("https://revertd.example.com", ""), "");
}

TEST(IncidentLink, stands_in_every_body_that_people_read) {
    Message message = page("trigger", "api v2 is bad");
    const std::string link = "https://revertd.example.com/i/i-7";
    message.page.facts = {{"link", link}, {"runbook", "https://runbooks.example.com/api"}};
    const auto pagerduty = parsed(pagerduty_body(message, "KEY", "host"));
    EXPECT_EQ(pagerduty["client_url"].GetString(), link);
    ASSERT_EQ(pagerduty["links"].Size(), 2U);
    EXPECT_EQ(pagerduty["links"][0]["href"].GetString(), link);
    const std::string webhook = webhook_body(message, "host"), slack = slack_body(message, {});
    const std::string issue = github_issue(message, {}), mail = mail_text(message, "a@b.c", "d@e.f", "host");
    const std::string alert = alertmanager_body(message, message.wall, "host");
    EXPECT_EQ(parsed(webhook)["facts"]["link"].GetString(), link);
    EXPECT_NE(slack.find("<" + link + "|incident>"), std::string::npos) << slack;
    EXPECT_NE(issue.find("Incident: <" + link + ">"), std::string::npos) << issue;
    EXPECT_NE(mail.find("incident: " + link), std::string::npos) << mail;
    EXPECT_EQ(parsed(alert)[0]["generatorURL"].GetString(), link);
}

TEST(WebhookBody, carries_hostile_text_as_a_string) {
    const std::string hostile = "\"}, <!channel> \n\x1b[31m";
    const auto json = parsed(webhook_body(page("update", hostile), "host"));
    EXPECT_EQ(std::string(json["summary"].GetString()), hostile);
    EXPECT_EQ(json["id"].GetUint64(), 42U);
}

TEST(Signature, is_that_of_the_published_example) {
    // RFC 4231, test case 2.
    EXPECT_EQ(signature("Jefe", "what do ya want for nothing?"),
              "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(DedupKey, of_a_page_without_an_incident_stands_alone) {
    Message message = page("trigger", "x");
    message.page.incident.clear();
    EXPECT_EQ(dedup_key(message), "revertd/api/d-1");
    message.page.deploy.clear();
    message.page.about = "steady";
    EXPECT_EQ(dedup_key(message), "revertd/api/steady") << "what later pages about the same are known by";
    message.page.about.clear();
    message.page.service.clear();
    EXPECT_EQ(dedup_key(message), "revertd/-/42");
}

}  // namespace
}  // namespace revertd
