// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/api/bed.h"

namespace revertd::test {
namespace {

constexpr const char* kDeployments = "/api/v1/deployments";

TEST(Deployments, are_started_once) {
    Bed bed;
    const std::string body =
        R"({"id":"d-1","service":"api","version":"v2","from":"v1","migration":"additive","meta":{"commit":"1a2b"}})";
    const auto first = bed.post(kDeployments, body);
    EXPECT_EQ(first.status, 201) << first.body;
    const auto d = first.json();
    EXPECT_EQ(d["id"].text(), "d-1");
    EXPECT_EQ(d["service"].text(), "api");
    EXPECT_EQ(d["version"].text(), "v2");
    EXPECT_EQ(d["from"].text(), "v1");
    EXPECT_EQ(d["by"].text(), "root");
    EXPECT_EQ(d["migration"].text(), "additive");
    EXPECT_EQ(d["meta"]["commit"].text(), "1a2b");
    EXPECT_EQ(d["state"].text(), "rolling");
    EXPECT_TRUE(d["exit_code"].is_null());
    EXPECT_TRUE(d["first_seen"].is_null());
    EXPECT_TRUE(d["finished"].is_null());
    EXPECT_TRUE(d["incident"].is_null());
    EXPECT_TRUE(d["bake_ends"].is_null());
    EXPECT_EQ(d["bake"].number(), 900);
    EXPECT_EQ(d["elapsed"].number(), 0);
    EXPECT_EQ(d["phase_words"].text(), "waiting to see v2");
    const auto second = bed.post(kDeployments, body);
    EXPECT_EQ(second.status, 200);
    EXPECT_EQ(second.json()["id"].text(), "d-1");
}

TEST(Deployments, with_the_id_of_another_are_a_conflict) {
    Bed bed;
    bed.post(kDeployments, R"({"id":"d-1","service":"api","version":"v2"})");
    const auto answer = bed.post(kDeployments, R"({"id":"d-1","service":"api","version":"v3"})");
    EXPECT_EQ(answer.status, 409);
    EXPECT_EQ(answer.json()["error"]["code"].text(), "conflict");
}

TEST(Deployments, while_a_rollback_runs_wait) {
    Bed bed;
    const std::string id = bed.ask_for_approval();
    EXPECT_EQ(bed.post("/api/v1/incidents/" + id + "/approve").status, 200);
    bed.on_loop([] {});
    while (bed.get("/api/v1/incidents/" + id).json()["attempts"].items().empty()) std::this_thread::yield();
    const auto answer = bed.post(kDeployments, R"({"service":"api","version":"v3"})");
    EXPECT_EQ(answer.status, 409) << answer.body;
    EXPECT_NE(answer.head.find("Retry-After: "), std::string::npos);
    EXPECT_FALSE(answer.json()["error"]["hint"].text().empty());
}

TEST(Deployments, over_an_incident_that_asks_say_that_it_waits) {
    Bed bed;
    const std::string id = bed.ask_for_approval();
    const auto answer = bed.post(kDeployments, R"({"service":"api","version":"v3"})").json();
    ASSERT_EQ(answer["warnings"].items().size(), 1U);
    const std::string words = answer["warnings"].items().front().text();
    EXPECT_NE(words.find("incident " + id + " of v2 waits until v3 is seen"), std::string::npos) << words;
}

TEST(Deployments, say_at_their_start_which_written_rules_nothing_shows) {
    Bed bed;
    bed.on_loop([&] {
        RuleChange change{1, Verdict::NoData, false, 0, 0, 0, 0, {}, false, false, "errors: no target has shown it"};
        change.never_there = true;
        bed.backend().judge(change);
    });
    const auto answer = bed.post(kDeployments, R"({"service":"api","version":"v2"})").json();
    ASSERT_EQ(answer["warnings"].items().size(), 1U);
    EXPECT_EQ(answer["warnings"].items().front().text(),
              "`errors > 5% for 2m` cannot be judged, errors: no target has shown it");
}

TEST(Deployments, are_refused_in_words) {
    const Bed bed;
    const auto post = [&](const std::string& body) { return bed.post(kDeployments, body); };
    EXPECT_EQ(post(R"({"service":"none","version":"v2"})").status, 404);
    EXPECT_EQ(post(R"({"service":"api"})").status, 400);
    EXPECT_EQ(post(R"({"version":"v2"})").status, 400);
    EXPECT_EQ(post(R"({"service":"api","version":"v2; rm -rf /"})").status, 400);
    EXPECT_EQ(post(R"({"service":"api","version":"-v"})").status, 400);
    EXPECT_EQ(post(R"({"service":"api","version":"v2","migration":"huge"})").status, 400);
    EXPECT_EQ(post("not json").status, 400);
    const auto misspelt = post(R"({"service":"api","versoin":"v2"})");
    EXPECT_EQ(misspelt.status, 400);
    EXPECT_EQ(misspelt.json()["error"]["hint"].text(), "did you mean \"version\"?");
}

TEST(Deployments, of_another_deployer_need_an_agent) {
    Bed bed;
    bed.set_peer({1001, "ana", {}});
    EXPECT_EQ(bed.post(kDeployments, R"({"service":"api","version":"v2","by":"roger"})").status, 403);
    EXPECT_EQ(bed.post(kDeployments, R"({"service":"api","version":"v2","by":"ana"})").status, 201);
}

TEST(Deployments, in_their_bake_show_what_is_judged) {
    Bed bed;
    bed.bake();
    bed.on_loop([&] {
        const Time since = bed.backend().now().at - 30s;
        bed.backend().judge({1, Verdict::Breach, false, 0.079, 0.05, 0.003, 1241, since, false, false, "errors 7.9 %"});
    });
    const auto d = bed.get("/api/v1/deployments/d-1").json();
    EXPECT_EQ(d["state"].text(), "suspected");
    EXPECT_EQ(d["phase_words"].text(), "suspected: errors > 5% for 2m");
    EXPECT_FALSE(d["bake_ends"].is_null());
    EXPECT_NEAR(d["remaining"].number().value_or(0), 900, 10);
    EXPECT_NEAR(d["elapsed"].number().value_or(-1), 0, 10);
    EXPECT_NEAR(d["next_check"].number().value_or(0), 3, 0.5);
    EXPECT_EQ(d["health"]["up"].number(), 2);
    EXPECT_EQ(d["health"]["total"].number(), 3);
    ASSERT_EQ(d["signals"].items().size(), 1U);
    const auto signal = d["signals"].items().front();
    EXPECT_EQ(signal["name"].text(), "errors");
    EXPECT_EQ(signal["metric"].text(), "requests_total");
    EXPECT_EQ(signal["value"].number(), 0.004);
    EXPECT_EQ(signal["unit"].text(), "ratio");
    EXPECT_EQ(signal["baseline"].number(), 0.003);
    EXPECT_EQ(signal["verdict"].text(), "ok");
    EXPECT_EQ(signal["limit_words"].text(), "P1 > 5% for 2m");
    ASSERT_EQ(signal["rules"].items().size(), 1U);
    const auto rule = signal["rules"].items().front();
    EXPECT_EQ(rule["severity"].text(), "P1");
    EXPECT_EQ(rule["text"].text(), "errors > 5% for 2m");
    EXPECT_EQ(rule["verdict"].text(), "breach");
    EXPECT_FALSE(rule["holds"].truth());
    EXPECT_EQ(rule["since"].text().size(), std::string("2026-11-20T03:12:07.250Z").size());
}

TEST(Deployments, write_unknown_values_as_null) {
    Bed bed;
    bed.bake();
    bed.on_loop([&] {
        auto& signal = bed.backend().seen.signals.front();
        signal.value = std::numeric_limits<double>::quiet_NaN();
        signal.baseline = std::numeric_limits<double>::infinity();
        signal.verdict = Verdict::NoData;
    });
    const auto signal = bed.get("/api/v1/deployments/d-1").json()["signals"].items().front();
    EXPECT_TRUE(signal["value"].is_null());
    EXPECT_TRUE(signal["baseline"].is_null());
    EXPECT_EQ(signal["verdict"].text(), "no_data");
}

TEST(Deployments, are_found_by_service_and_by_alias) {
    Bed bed;
    bed.bake();
    EXPECT_EQ(bed.post(kDeployments, R"({"id":"ci-77","service":"api","version":"v2"})").status, 200);
    EXPECT_EQ(bed.get("/api/v1/deployments/api").json()["id"].text(), "d-1");
    EXPECT_EQ(bed.get("/api/v1/deployments/ci-77").json()["id"].text(), "d-1");
    EXPECT_EQ(bed.get("/api/v1/deployments/none").status, 404);
}

TEST(Deployments, are_listed_newest_first) {
    Bed bed;
    bed.bake();
    bed.post(kDeployments, R"({"id":"d-2","service":"api","version":"v3"})");
    const auto all = bed.get(kDeployments).json().items();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all.front()["id"].text(), "d-2");
    EXPECT_EQ(all.back()["id"].text(), "d-1");
    EXPECT_EQ(all.back()["phase_words"].text(), "waits for deploy d-2");
    EXPECT_EQ(bed.get("/api/v1/deployments?limit=1").json().items().size(), 1U);
    EXPECT_EQ(bed.get("/api/v1/deployments?service=api").json().items().size(), 2U);
    const auto none = bed.get("/api/v1/deployments?service=none");
    EXPECT_EQ(none.status, 404) << "a name that is misspelled is no empty list";
    EXPECT_NE(none.json()["error"]["hint"].text().find("api"), std::string::npos);
    for (const char* limit : {"0", "-1", "501", "x", "1x", "99999999999999999999"})
        EXPECT_EQ(bed.get(std::string("/api/v1/deployments?limit=") + limit).status, 400) << limit;
}

TEST(Deployments, are_finished) {
    Bed bed;
    bed.bake();
    EXPECT_EQ(bed.post("/api/v1/deployments/d-1/finish", R"({"failed":false})").status, 200);
    bed.on_loop([&] { EXPECT_TRUE(bed.backend().engine().state().deployment("d-1")->finish.has_value()); });
    EXPECT_EQ(bed.post("/api/v1/deployments/none/finish").status, 404);
}

TEST(Deployments, that_the_tool_gave_up_are_an_incident) {
    Bed bed;
    bed.bake();
    const auto answer = bed.post("/api/v1/deployments/d-1/finish", R"({"failed":true})");
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.json()["state"].text(), "incident");
    EXPECT_FALSE(answer.json()["incident"].is_null());
}

TEST(Deployments, are_aborted) {
    Bed bed;
    bed.bake();
    const auto answer = bed.post("/api/v1/deployments/d-1/abort", R"({"reason":"wrong branch"})");
    EXPECT_EQ(answer.status, 200);
    const auto d = answer.json();
    EXPECT_EQ(d["state"].text(), "aborted");
    EXPECT_EQ(d["exit_code"].number(), 15);
    EXPECT_EQ(d["verdict_words"].text(), "aborted by root: wrong branch");
    EXPECT_TRUE(d["phase_words"].is_null());
    EXPECT_TRUE(d["next_check"].is_null());
    EXPECT_TRUE(d["health"].is_null());
    EXPECT_TRUE(d["signals"].items().empty());
    EXPECT_FALSE(d["finished"].is_null());
    EXPECT_EQ(bed.post("/api/v1/deployments/d-1/abort").status, 409);
}

TEST(Deployments, with_an_incident_show_what_is_waited_for) {
    Bed bed;
    const std::string id = bed.ask_for_approval();
    const auto d = bed.get("/api/v1/deployments/d-1").json();
    EXPECT_EQ(d["state"].text(), "incident");
    EXPECT_EQ(d["incident"].text(), id);
    EXPECT_EQ(d["report"].text(), "/api/v1/incidents/" + id + "/report.md");
    EXPECT_EQ(d["phase_words"].text(), id + " P1: waits for an approval to roll back to v1");
    EXPECT_EQ(d["approval"]["quorum"].number(), 1);
    EXPECT_TRUE(d["approval"]["given"].is_array());
    EXPECT_FALSE(d["approval"]["until"].is_null());
}

}  // namespace
}  // namespace revertd::test
