// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/api/bed.h"

namespace revertd::test {
namespace {

class Incidents : public testing::Test {
  protected:
    std::string path(const std::string& what = {}) const {
        return "/api/v1/incidents/" + id_ + (what.empty() ? "" : "/" + what);
    }

    Bed bed_;
    const std::string id_ = bed_.ask_for_approval();
};

TEST_F(Incidents, show_what_was_found_and_what_is_asked) {
    const auto i = bed_.get(path()).json();
    EXPECT_EQ(i["id"].text(), id_);
    EXPECT_EQ(i["service"].text(), "api");
    EXPECT_EQ(i["deployment"].text(), "d-1");
    EXPECT_EQ(i["severity"].text(), "P1");
    EXPECT_EQ(i["state"].text(), "awaiting_approval");
    EXPECT_EQ(i["from"].text(), "v2");
    EXPECT_EQ(i["to"].text(), "v1");
    EXPECT_EQ(i["reason"].text(), "errors 7.9 % is above 5 % for 2m");
    EXPECT_EQ(i["cause"].text(), "rule_held");
    EXPECT_TRUE(i["closed"].is_null());
    EXPECT_TRUE(i["verification"].is_null());
    EXPECT_TRUE(i["held_by"].items().empty());
    EXPECT_TRUE(i["attempts"].items().empty());
    ASSERT_EQ(i["findings"].items().size(), 1U);
    const auto finding = i["findings"].items().front();
    EXPECT_EQ(finding["rule"].text(), "errors > 5% for 2m");
    EXPECT_EQ(finding["value"].number(), 0.079);
    EXPECT_EQ(finding["limit"].number(), 0.05);
    EXPECT_EQ(finding["limit_why"].text(), "ten times the usual evidence is needed, because the load has just grown");
    EXPECT_TRUE(finding["baseline"].is_null());
    EXPECT_FALSE(finding["since"].is_null());
    EXPECT_EQ(finding["query"].text(), "ratio(requests)");
    EXPECT_EQ(finding["where"].text(), "all of it in route=/pay");
    ASSERT_EQ(finding["places"].items().size(), 1U);
    EXPECT_EQ(finding["places"].items().front()["value"].text(), "/pay");
    EXPECT_EQ(finding["places"].items().front()["share"].number(), 1);
    EXPECT_GE(i["timeline"].items().size(), 2U);
    for (const auto& entry : i["timeline"].items()) EXPECT_FALSE(entry["words"].text().empty());
}

TEST_F(Incidents, are_approved_and_act) {
    EXPECT_EQ(bed_.post(path("approve"), R"({"reason":"go"})").status, 200);
    while (bed_.get(path()).json()["attempts"].items().empty()) std::this_thread::yield();
    const auto i = bed_.get(path()).json();
    EXPECT_EQ(i["state"].text(), "acting");
    EXPECT_EQ(i["approval"]["given"].items().front()["by"].text(), "root");
    const auto attempt = i["attempts"].items().front();
    EXPECT_EQ(attempt["n"].number(), 1);
    EXPECT_EQ(attempt["step"].text(), "flip");
    EXPECT_FALSE(attempt["key"].text().empty());
    EXPECT_FALSE(attempt["intent_at"].is_null());
    EXPECT_TRUE(attempt["outcome"].is_null());
    EXPECT_TRUE(attempt["exit"].is_null());
    bed_.on_loop([&] {
        const std::string key = bed_.backend().engine().state().incident(id_)->attempts.back().intent.key;
        bed_.backend().feed(event::StepEnded{key, StepOutcome::Failed, 3, "exit 3", "no \xff space"});
    });
    const auto failed = bed_.get(path()).json()["attempts"].items().front();
    EXPECT_EQ(failed["outcome"].text(), "failed");
    EXPECT_EQ(failed["exit"].number(), 3);
    EXPECT_EQ(failed["output_tail"].text(), "no \xef\xbf\xbd space");  // as UTF-8, whatever the step printed
}

TEST_F(Incidents, approve_twice_is_a_conflict) {
    bed_.on_loop([&] { bed_.backend().runs({}); });  // the platform is silent, so the action does not go on
    EXPECT_EQ(bed_.post(path("approve")).status, 200);
    EXPECT_EQ(bed_.post(path("approve")).status, 409);
}

TEST_F(Incidents, are_denied) {
    const auto answer = bed_.post(path("deny"), R"({"reason":"known"})");
    EXPECT_EQ(answer.status, 200);
    EXPECT_TRUE(answer.json()["approval"].is_null());
    bed_.on_loop([&] { EXPECT_EQ(std::get<command::Deny>(bed_.backend().commands.back().second).reason, "known"); });
}

TEST_F(Incidents, are_held_for_a_while) {
    EXPECT_EQ(bed_.post(path("hold")).status, 400);
    EXPECT_EQ(bed_.post(path("hold"), R"({"for":-5})").status, 400);
    EXPECT_EQ(bed_.post(path("hold"), R"({"for":1e300})").status, 400);
    EXPECT_EQ(bed_.post(path("hold"), R"({"for":"10m"})").status, 400);
    const auto answer = bed_.post(path("hold"), R"({"for":600.5,"reason":"fix"})");
    EXPECT_EQ(answer.status, 200) << answer.body;
    const auto i = answer.json();
    EXPECT_EQ(i["state"].text(), "held");
    EXPECT_EQ(i["held_by"].items().front()["gate"].text(), "hold_fix");
    EXPECT_FALSE(i["held_by"].items().front()["reason"].text().empty());
    EXPECT_FALSE(i["hold_until"].is_null());
    bed_.on_loop([&] { EXPECT_EQ(std::get<command::Hold>(bed_.backend().commands.back().second).period, 600500ms); });
}

TEST_F(Incidents, are_taken_acknowledged_and_labelled) {
    EXPECT_EQ(bed_.post(path("ack"), "{}").json()["acked_by"].text(), "root");
    EXPECT_EQ(bed_.post(path("take"), "{}").json()["taken_by"].text(), "root");
    EXPECT_EQ(bed_.post(path("label"), R"({"label":"maybe"})").status, 400);
    EXPECT_EQ(bed_.post(path("label"), R"({"label":"false-alarm"})").json()["label"].text(), "false-alarm");
}

TEST_F(Incidents, have_reports_and_explanations) {
    const auto markdown = bed_.get(path("report.md"));
    EXPECT_EQ(markdown.body, "# " + id_ + "\n");
    EXPECT_TRUE(markdown.has("Content-Type: text/markdown; charset=utf-8"));
    const auto json = bed_.get(path("report.json"));
    EXPECT_EQ(json.json()["report"].text(), id_);
    EXPECT_TRUE(json.has("Content-Type: application/json"));
    const auto html = bed_.get(path("report.html"));
    EXPECT_TRUE(html.has("Content-Type: text/html; charset=utf-8"));
    EXPECT_TRUE(html.has("Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'"));
    EXPECT_EQ(bed_.get(path("report.pdf")).status, 404);
    const auto words = bed_.get(path("explain")).json()["words"].items();
    ASSERT_EQ(words.size(), 2U);
    EXPECT_EQ(words.back().text(), "P1 asks \"leads\"");
}

TEST_F(Incidents, are_listed) {
    const auto all = bed_.get("/api/v1/incidents").json().items();
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all.front()["id"].text(), id_);
    EXPECT_EQ(bed_.get("/api/v1/incidents?service=other").status, 404);
    EXPECT_EQ(bed_.get("/api/v1/incidents?limit=0").status, 400);
}

TEST_F(Incidents, that_nobody_knows_are_not_found) {
    for (const char* what : {"", "/report.md", "/report.json", "/explain"})
        EXPECT_EQ(bed_.get(std::string("/api/v1/incidents/i-999") + what).status, 404) << what;
    for (const char* what : {"approve", "deny", "hold", "take", "ack", "label"})
        EXPECT_EQ(bed_.post(std::string("/api/v1/incidents/i-999/") + what).status, 404) << what;
}

TEST_F(Incidents, take_no_unknown_members) {
    for (const char* what : {"approve", "deny", "hold", "take", "ack", "label"})
        EXPECT_EQ(bed_.post(path(what), R"({"force":true})").status, 400) << what;
}

}  // namespace
}  // namespace revertd::test
