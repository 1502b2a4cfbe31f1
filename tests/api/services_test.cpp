// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/api/bed.h"

namespace revertd::test {
namespace {

TEST(Services, show_how_they_stand) {
    Bed bed;
    const std::string incident = bed.ask_for_approval();
    const auto services = bed.get("/api/v1/services").json().items();
    ASSERT_EQ(services.size(), 1U);
    const auto s = services.front();
    EXPECT_EQ(s["name"].text(), "api");
    EXPECT_EQ(s["mode"].text(), "enforce");
    EXPECT_EQ(s["live"].text(), "v2");
    EXPECT_EQ(s["good"].text(), "v1");
    EXPECT_TRUE(s["ready_to_rollback"].truth());
    EXPECT_TRUE(s["why_not"].is_null());
    EXPECT_EQ(s["guard"]["id"].text(), "d-1");
    EXPECT_EQ(s["guard"]["version"].text(), "v2");
    EXPECT_EQ(s["guard"]["state"].text(), "incident");
    EXPECT_EQ(s["last_incident"]["id"].text(), incident);
    EXPECT_EQ(s["last_incident"]["state"].text(), "awaiting_approval");
    EXPECT_EQ(s["signals"].items().front()["name"].text(), "errors");
}

TEST(Services, say_why_they_could_not_be_rolled_back) {
    const Bed bed;
    const auto s = bed.get("/api/v1/status").json()["services"].items().front();
    EXPECT_FALSE(s["ready_to_rollback"].truth());
    EXPECT_NE(s["why_not"].text().find("cannot roll back yet"), std::string::npos);
    EXPECT_TRUE(s["live"].is_null());
    EXPECT_TRUE(s["guard"].is_null());
    EXPECT_TRUE(s["last_incident"].is_null());
}

TEST(Services, say_why_no_version_is_good_yet) {
    Bed bed;
    const auto service = [&] { return bed.get("/api/v1/services").json().items().front(); };
    EXPECT_TRUE(service()["adopting"].is_null());
    bed.on_loop([&] { bed.backend().runs("v1"); });
    EXPECT_EQ(service()["adopting"]["version"].text(), "v1");
    EXPECT_FALSE(service()["adopting"]["since"].is_null());
    EXPECT_TRUE(service()["adopting"]["words"].is_null());
    bed.on_loop([&] { bed.backend().feed(event::Summarised{"api", {}}); });
    EXPECT_EQ(service()["adopting"]["words"].text(), "no P0 or P1 rule could be judged");
    EXPECT_EQ(service()["why_not"].text(),
              "cannot roll back yet: no good version until v1 passes a bake; the last one did not: "
              "no P0 or P1 rule could be judged");
    bed.post("/api/v1/services/api/good", R"({"version":"v1","action":"mark","reason":"it ran for weeks"})");
    EXPECT_TRUE(service()["adopting"].is_null());
}

TEST(Services, say_that_nobody_knows_which_version_runs) {
    Bed bed;
    bed.bake();
    const auto service = [&] { return bed.get("/api/v1/status").json()["services"].items().front(); };
    const auto read = [&](Observation seen) {
        bed.on_loop([&] {
            seen.read = bed.backend().now().at;
            bed.backend().feed(event::Observed{"api", 0, seen});
        });
    };
    Observation silent;
    silent.words = "permission denied";
    read(silent), read(silent);
    EXPECT_TRUE(service()["live_unknown"].is_null());
    read(silent);
    EXPECT_EQ(service()["live_unknown"]["words"].text(),
              "the platform does not say which version runs: permission denied");
    EXPECT_FALSE(service()["live_unknown"]["since"].text().empty());
    EXPECT_EQ(service()["why_not"].text(), service()["live_unknown"]["words"].text());
    EXPECT_EQ(service()["live"].text(), "v2");
    const auto started = bed.post("/api/v1/deployments", R"({"service":"api","version":"v3"})").json();
    EXPECT_EQ(started["warnings"].items().front().text(), service()["live_unknown"]["words"].text());
    EXPECT_NE(started["phase_words"].text().find("permission denied"), std::string::npos);
    Observation seen;
    seen.kind = Observation::Kind::Version, seen.version = "v2";
    read(seen);
    EXPECT_TRUE(service()["live_unknown"].is_null());
}

TEST(Services, are_triggered_by_people) {
    Bed bed;
    bed.bake();
    const std::string path = "/api/v1/services/api/trigger";
    EXPECT_EQ(bed.post(path, R"({"severity":"P9","reason":"x"})").status, 400);
    EXPECT_EQ(bed.post(path, R"({"reason":"x"})").status, 400);
    EXPECT_EQ(bed.post(path, R"({"severity":"P1"})").status, 400);
    EXPECT_EQ(bed.post("/api/v1/services/none/trigger", R"({"severity":"P1","reason":"x"})").status, 404);
    const auto answer = bed.post(path, R"({"severity":"P1","reason":"customers call"})");
    EXPECT_EQ(answer.status, 201) << answer.body;
    const auto incident = bed.get("/api/v1/incidents/" + answer.json()["incident"].text()).json();
    EXPECT_EQ(incident["cause"].text(), "trigger");
    EXPECT_EQ(incident["by"].text(), "root");
    EXPECT_EQ(bed.post(path, R"({"severity":"P1","reason":"again"})").status, 200);
}

TEST(Services, are_rolled_back_by_order) {
    Bed bed;
    bed.bake();
    const std::string path = "/api/v1/services/api/rollback";
    EXPECT_EQ(bed.post(path, "{}").status, 400);
    EXPECT_EQ(bed.post(path, R"({"reason":"x","to":"v2"})").status, 409);
    EXPECT_EQ(bed.post(path, R"({"reason":"x","to":"v0"})").status, 409);
    EXPECT_EQ(bed.post("/api/v1/services/none/rollback", R"({"reason":"x"})").status, 404);
    const auto answer = bed.post(path, R"({"reason":"now","to":"v0","force":true})");
    EXPECT_EQ(answer.status, 201) << answer.body;
    EXPECT_EQ(answer.json()["service"].text(), "api");
    bed.on_loop([&] {
        const auto& order = std::get<command::RollbackStart>(bed.backend().commands.back().second);
        EXPECT_EQ(order.to, "v0");
        EXPECT_TRUE(order.force);
        EXPECT_EQ(order.reason, "now");
    });
}

TEST(Services, are_halted_and_resumed) {
    Bed bed;
    bed.bake();
    EXPECT_TRUE(bed.post("/api/v1/services/api/halt", R"({"abort":true})").json()["halted"].truth());
    EXPECT_EQ(bed.get("/api/v1/status").json()["services"].items().front()["why_not"].text(), "halted by root");
    EXPECT_EQ(bed.post("/api/v1/services/api/rollback", R"({"reason":"x"})").status, 409);
    EXPECT_FALSE(bed.post("/api/v1/services/api/resume", "{}").json()["halted"].truth());
    EXPECT_EQ(bed.post("/api/v1/services/none/halt").status, 404);
    EXPECT_EQ(bed.post("/api/v1/services/none/resume").status, 404);
    bed.on_loop([&] { EXPECT_FALSE(bed.backend().engine().state().halted); });
}

TEST(Services, are_halted_all_at_once) {
    Bed bed;
    EXPECT_TRUE(bed.post("/api/v1/halt", R"({"abort":false,"reason":"storm"})").json()["halted"].truth());
    const auto status = bed.get("/api/v1/status").json();
    EXPECT_TRUE(status["halted"].truth());
    EXPECT_EQ(status["halted_by"].text(), "root");
    EXPECT_FALSE(bed.post("/api/v1/resume").json()["halted"].truth());
    EXPECT_FALSE(bed.get("/api/v1/status").json()["halted"].truth());
}

TEST(Versions, are_marked_and_forgiven) {
    Bed bed;
    const auto mark = [&](const std::string& ledger, const std::string& body) {
        return bed.post("/api/v1/services/api/" + ledger, body);
    };
    EXPECT_EQ(mark("good", R"({"version":"v1","action":"mark","reason":"ran for weeks"})").json()["state"].text(),
              "good");
    EXPECT_EQ(mark("bad", R"({"version":"v0","action":"mark"})").json()["state"].text(), "bad");
    auto versions = bed.get("/api/v1/services/api/versions").json().items();
    ASSERT_EQ(versions.size(), 2U);
    EXPECT_EQ(versions.front()["version"].text(), "v0");
    EXPECT_EQ(versions.back()["state"].text(), "good");
    EXPECT_EQ(versions.back()["why"].text(), "ran for weeks");
    EXPECT_EQ(versions.back()["by"].text(), "root");
    EXPECT_FALSE(versions.back()["at"].is_null());
    EXPECT_EQ(mark("good", R"({"version":"v1","action":"unmark"})").json()["state"].text(), "unknown");
    EXPECT_EQ(mark("bad", R"({"version":"v0","action":"forgive"})").status, 200);
    EXPECT_TRUE(bed.get("/api/v1/services/api/versions").json().items().empty());
    EXPECT_EQ(mark("good", R"({"version":"v1","action":"forgive"})").status, 400);
    EXPECT_EQ(mark("bad", R"({"version":"v1","action":"unmark"})").status, 400);
    EXPECT_EQ(mark("good", R"({"version":"v1"})").status, 400);
    EXPECT_EQ(mark("good", R"({"action":"mark"})").status, 400);
    EXPECT_EQ(bed.get("/api/v1/services/none/versions").status, 404);
}

TEST(Gate, tells_a_pipeline_whether_to_go) {
    Bed bed;
    const auto ask = [&](const std::string& version) { return bed.get("/api/v1/gate?service=api&version=" + version); };
    EXPECT_EQ(ask("v2").json()["code"].number(), 5);
    bed.bake();
    bed.post("/api/v1/services/api/bad", R"({"version":"team/v9+1","action":"mark"})");
    const auto go = ask("v3").json();
    EXPECT_TRUE(go["go"].truth()) << go.line();
    EXPECT_EQ(go["code"].number(), 0);
    const auto bad = ask("team%2Fv9%2B1").json();
    EXPECT_FALSE(bad["go"].truth());
    EXPECT_EQ(bad["code"].number(), 3);
    EXPECT_FALSE(bad["reason"].text().empty());
    EXPECT_EQ(bed.get("/api/v1/gate?service=api").status, 400);
    EXPECT_EQ(bed.get("/api/v1/gate?version=v2").status, 400);
    EXPECT_EQ(bed.get("/api/v1/gate?service=none&version=v2").status, 404);
}

// -- the daemon itself

TEST(Process, is_healthy_before_it_is_ready) {
    Bed bed;
    bed.on_loop([&] { bed.backend().is_ready = false; });
    EXPECT_EQ(bed.get("/-/healthy").status, 200);
    const auto answer = bed.get("/-/ready");
    EXPECT_EQ(answer.status, 503);
    EXPECT_FALSE(answer.error().empty());
    EXPECT_EQ(bed.get("/metrics").status, 200);
    EXPECT_EQ(bed.get("/api/v1/status").status, 503);
    EXPECT_EQ(bed.post("/api/v1/halt").status, 503);
    bed.on_loop([&] { bed.backend().is_ready = true; });
    EXPECT_EQ(bed.get("/-/ready").status, 200);
}

TEST(Process, shows_its_metrics_as_prometheus_reads_them) {
    const Bed bed;
    const auto answer = bed.get("/metrics");
    EXPECT_TRUE(answer.has("Content-Type: text/plain; version=0.0.4; charset=utf-8"));
    EXPECT_NE(answer.body.find("revertd_build_info 1\n"), std::string::npos);
}

TEST(Process, reloads) {
    Bed bed;
    EXPECT_EQ(bed.post("/-/reload").json()["hash"].text(), "5e77");
    bed.on_loop([&] { bed.backend().reload_error = Error(ErrorCode::Invalid, "line 3: unknown key"); });
    const auto answer = bed.post("/-/reload");
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.error(), "line 3: unknown key");
    EXPECT_EQ(bed.get("/-/reload").status, 405);
}

TEST(Process, says_what_it_is) {
    const Bed bed;
    EXPECT_FALSE(bed.get("/api/v1/status/buildinfo").json()["version"].text().empty());
    const auto config = bed.get("/api/v1/status/config").json();
    ASSERT_EQ(config.members().size(), 2U);
    EXPECT_EQ(config["hash"].text(), "5e77");
    EXPECT_FALSE(bed.get("/api/v1/status").json()["frozen"].truth());
}

TEST(Process, shows_its_configuration_and_how_it_runs) {
    const Bed bed;
    const auto config = bed.get("/api/v1/status/config").json();
    EXPECT_EQ(config["yaml"].text(), "services: {}\n");
    const auto runtime = bed.get("/api/v1/status/runtimeinfo").json();
    EXPECT_EQ(runtime["journal_records"].number(), 7);
    EXPECT_EQ(runtime["services"].number(), 1);
    EXPECT_EQ(runtime["guards"].number(), 0);
    EXPECT_EQ(runtime["journal"].text(), "0af");
}

TEST(Process, reloads_by_put_too_and_nothing_else_does) {
    Bed bed;
    Client client = bed.connect();
    client.send("PUT /-/reload HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(client.receive().status, 200);
    client.send("PUT /api/v1/halt HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(client.receive().status, 405);
}

TEST(Later, is_501_in_words) {
    const Bed bed;
    for (const char* path : {"/", "/i/i-42"}) {
        const auto answer = bed.get(path);
        EXPECT_EQ(answer.status, 501) << path;
        EXPECT_NE(answer.error().find("not built yet"), std::string::npos) << path;
    }
    for (const char* hook : {"alertmanager", "github", "gitlab", "argocd", "cdevents", "slack", "pagerduty"})
        EXPECT_EQ(bed.post(std::string("/api/v1/hooks/") + hook, "whatever").status, 501) << hook;
    EXPECT_EQ(bed.post("/api/v1/hooks/other").status, 404);
    EXPECT_EQ(bed.get("/api/v1/hooks/github").status, 405);
}

}  // namespace
}  // namespace revertd::test
