// SPDX-License-Identifier: Apache-2.0
// Each command: what it asks the daemon, what it says, how it exits.
#include <gtest/gtest.h>

#include "tests/ctl/run.h"

namespace revertd::ctl {
namespace {

class Commands : public ::testing::Test {
  protected:
    Outcome run(const std::vector<std::string>& arguments) { return terminal.run(arguments); }

    FakeDaemon daemon;
    Terminal terminal{daemon};
};

TEST_F(Commands, start_prints_the_id_alone) {
    daemon.answer("POST /api/v1/deployments", {{201, deployment("rolling")}});
    const auto outcome = run({"deploy", "start", "api", "--version", "v2", "--from", "v1", "--id", "d-81",
                              "--migration", "additive", "--by", "ana", "--meta", "commit=1a=2b", "--meta", "pr=7"});
    EXPECT_EQ(outcome.code, 0);
    EXPECT_EQ(outcome.out, "d-81\n");
    EXPECT_EQ(outcome.err, "");
    EXPECT_EQ(daemon.requests().front().body,
              R"({"service":"api","version":"v2","from":"v1","id":"d-81","by":"ana","migration":"additive",)"
              R"("meta":{"commit":"1a=2b","pr":"7"}})");
}

TEST_F(Commands, start_as_json_prints_the_object) {
    daemon.answer("POST /api/v1/deployments", {{200, R"({"id":"d-81","new_field":1})"}});
    EXPECT_EQ(run({"deploy", "start", "api", "--version", "v2", "-o", "json"}).out,
              "{\n    \"id\": \"d-81\",\n    \"new_field\": 1\n}\n");
    EXPECT_EQ(run({"-o", "jsonl", "deploy", "start", "api", "--version", "v2"}).out,
              "{\"id\":\"d-81\",\"new_field\":1}\n");
}

TEST_F(Commands, start_passes_on_the_time_to_come_back) {
    daemon.answer("POST /api/v1/deployments",
                  {{409, R"({"error":{"code":"step_running","message":"a rollback runs","hint":"again in 40s"}})"}});
    const auto outcome = run({"deploy", "start", "api", "--version", "v2"});
    EXPECT_EQ(outcome.code, 1);
    EXPECT_EQ(outcome.err, "error: start a guard of api: a rollback runs\nhint: again in 40s\n");
    EXPECT_EQ(outcome.out, "");
}

TEST_F(Commands, a_service_may_have_the_name_of_a_command) {
    daemon.answer("POST /api/v1/deployments", {{201, deployment("rolling")}});
    EXPECT_EQ(run({"deploy", "start", "status", "--version", "v2"}).code, 0);
    EXPECT_EQ(run({"deploy", "start", "list", "--version", "v2"}).code, 0);
    daemon.answer("POST /api/v1/services/halt/halt", {{200, "{}"}});
    EXPECT_EQ(run({"halt", "halt"}).code, 0);
}

TEST_F(Commands, list_is_a_table_of_aligned_columns) {
    daemon.answer("GET /api/v1/deployments?limit=5&service=api",
                  {{200, R"([{"id":"d-81","service":"api","version":"v2","from":"v1","state":"baking","exit_code":null,
                              "started":"2026-11-20T03:02:07Z"},
                             {"id":"d-8","service":"api","version":"v1","from":null,"state":"healthy","exit_code":0,
                              "started":"2026-11-20T02:12:07Z"}])"}});
    EXPECT_EQ(run({"deploy", "list", "api", "--limit", "5"}).out,
              "ID    SERVICE  VERSION  FROM  STATE    EXIT  INCIDENT  STARTED\n"
              "d-81  api      v2       v1    baking   -     -         03:02:07 (10m ago)\n"
              "d-8   api      v1       -     healthy  0     -         02:12:07 (1h ago)\n");
}

TEST_F(Commands, an_empty_list_says_so_beside_the_data) {
    daemon.answer("GET /api/v1/deployments?limit=20", {{200, "[]"}});
    const auto outcome = run({"deploy", "list"});
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(outcome.err, "no deployments yet\n");
    EXPECT_EQ(run({"deploy", "list", "-o", "json"}).out, "[]\n");
}

TEST_F(Commands, finish_and_abort_tell_the_daemon) {
    daemon.answer("POST /api/v1/deployments/d-81/finish", {{200, deployment("baking")}});
    daemon.answer("POST /api/v1/deployments/d-81/abort", {{200, deployment("aborted")}});
    EXPECT_EQ(run({"deploy", "finish", "d-81", "--failed"}).code, 0);
    EXPECT_EQ(daemon.request("POST /api/v1/deployments/d-81/finish").body, R"({"failed":true})");
    EXPECT_EQ(run({"deploy", "abort", "d-81", "--reason", "wrong host"}).code, 0);
    EXPECT_EQ(daemon.request("POST /api/v1/deployments/d-81/abort").body, R"({"reason":"wrong host"})");
}

TEST_F(Commands, answers_of_a_person_reach_the_incident) {
    const std::vector<std::pair<std::vector<std::string>, std::string>> answers = {
        {{"approve", "i-42", "--reason", "go"}, R"({"reason":"go"})"},
        {{"deny", "i-42"}, "{}"},
        {{"hold", "i-42", "--for", "10m"}, R"({"for":600})"},
        {{"take", "i-42"}, "{}"},
        {{"incident", "ack", "i-42"}, "{}"},
        {{"incident", "label", "i-42", "false-alarm"}, R"({"label":"false-alarm"})"}};
    for (const auto& [arguments, body] : answers) {
        const auto verb = arguments[0] == "incident" ? arguments[1] : arguments[0];
        daemon.answer("POST /api/v1/incidents/i-42/" + verb, {{200, R"({"id":"i-42","state":"acting"})"}});
        const auto outcome = run(arguments);
        EXPECT_EQ(outcome.code, 0) << verb << outcome.err;
        EXPECT_NE(outcome.out.find("i-42: "), std::string::npos);
        EXPECT_EQ(daemon.request("POST /api/v1/incidents/i-42/" + verb).body, body);
    }
}

TEST_F(Commands, somebody_who_may_not_approve_gets_77) {
    daemon.answer("POST /api/v1/incidents/i-42/approve",
                  {{403, R"({"error":{"code":"not_allowed","message":"bo is not among leads","hint":"ask roger"}})"}});
    const auto outcome = run({"approve", "i-42"});
    EXPECT_EQ(outcome.code, 77);
    EXPECT_EQ(outcome.err, "error: approve i-42: bo is not among leads\nhint: ask roger\n");
}

TEST_F(Commands, a_report_is_printed_as_it_was_written) {
    daemon.answer("GET /api/v1/incidents/i-42/report.md", {{200, "# i-42\n\nö\n"}});
    daemon.answer("GET /api/v1/incidents/i-42/report.json", {{200, R"({"id":"i-42"})"}});
    EXPECT_EQ(run({"incident", "report", "i-42"}).out, "# i-42\n\nö\n");
    EXPECT_EQ(run({"incident", "report", "i-42", "-o", "md"}).out, "# i-42\n\nö\n");
    EXPECT_EQ(run({"incident", "report", "i-42", "-o", "jsonl"}).out, "{\"id\":\"i-42\"}\n");
}

TEST_F(Commands, explain_prints_the_chain_of_reasons) {
    daemon.answer("GET /api/v1/incidents/i-42/explain", {{200, R"({"words":["errors were 7.9 %","so it asked"]})"}});
    EXPECT_EQ(run({"explain", "i-42"}).out, "errors were 7.9 %\nso it asked\n");
}

TEST_F(Commands, an_incident_is_shown_with_findings_attempts_and_timeline) {
    daemon.answer("GET /api/v1/incidents/i-42", {{200, R"({"id":"i-42","severity":"P1","service":"api",
        "deployment":"d-81","state":"verifying","from":"v2","to":"v1","reason":"rule_held",
        "findings":[{"rule":"errors > 5% for 2m","words":"errors 7.9 %, limit 5 %"}],
        "held_by":[{"gate":"limit","reason":"1 per 6h"}],
        "approval":{"role":"leads","given":[{"by":"ana","at":"2026-11-20T03:11:07Z"}],"until":null},
        "attempts":[{"n":1,"step":"systemd","outcome":"done","exit":0,"intent_at":"2026-11-20T03:11:37Z"}],
        "verification":{"since":"2026-11-20T03:11:57Z","outcome":null},"opened":"2026-11-20T03:08:07Z","closed":null,
        "timeline":[{"at":"2026-11-20T03:08:07Z","what":"opened","words":"P1 holds"}]})"}});
    EXPECT_EQ(run({"incident", "show", "i-42"}).out,
              "i-42  P1  api  deploy d-81  verifying\n"
              "  rollback     v2 -> v1\n"
              "  reason       rule_held\n"
              "  finding      errors 7.9 %, limit 5 %\n"
              "  held by      limit: 1 per 6h\n"
              "  approval     by leads\n"
              "    given      by ana, 03:11:07 (1m ago)\n"
              "  attempt 1    systemd, done, exit 0, 03:11:37 (30s ago)\n"
              "  verification since 03:11:57 (10s ago)\n"
              "  opened       03:08:07 (4m ago)\n"
              "  03:08:07     opened: P1 holds\n");
}

TEST_F(Commands, orders_of_a_person_reach_the_service) {
    daemon.answer("POST /api/v1/services/api/trigger", {{200, R"({"incident":"i-7"})"}});
    daemon.answer("POST /api/v1/services/api/rollback", {{200, "{}"}});
    EXPECT_EQ(run({"trigger", "api", "--severity", "P0", "--reason", "fire"}).out,
              "api: triggered as P0, incident i-7\n");
    EXPECT_EQ(daemon.requests().back().body, R"({"severity":"P0","reason":"fire"})");
    EXPECT_EQ(run({"rollback", "start", "api", "--to", "v1", "--reason", "fire", "--force"}).code, 0);
    EXPECT_EQ(daemon.requests().back().body, R"({"to":"v1","reason":"fire","force":true})");
}

TEST_F(Commands, halt_and_resume_are_for_one_service_or_for_all) {
    for (const auto* path :
         {"/api/v1/halt", "/api/v1/services/api/halt", "/api/v1/resume", "/api/v1/services/api/resume"}) {
        daemon.answer(std::string("POST ") + path, {{200, "{}"}});
    }
    EXPECT_EQ(run({"halt", "--abort"}).code, 0);
    EXPECT_EQ(daemon.requests().back().body, R"({"abort":true})");
    EXPECT_EQ(run({"halt", "api"}).code, 0);
    EXPECT_EQ(line_of(daemon.requests().back()), "POST /api/v1/services/api/halt");
    EXPECT_EQ(run({"resume"}).out, "everything: resumed\n");
    EXPECT_EQ(run({"resume", "api"}).out, "api: resumed\n");
}

TEST_F(Commands, ledgers_show_who_said_what) {
    daemon.answer("GET /api/v1/services/api/versions",
                  {{200, R"([{"version":"v1","state":"good","why":"baked","by":null,"at":"2026-11-20T03:02:07Z"},
                             {"version":"v2","state":"bad","why":"rolled back","by":"ana","at":"2026-11-20T03:02:07Z"},
                             {"version":"v9","state":"unknown","why":"unmarked","by":"bo","at":null},
                             {"version":"v0","state":"declared","why":"--from","by":"bo","at":null}])"}});
    EXPECT_EQ(run({"good", "list", "api"}).out,
              "VERSION  STATE     WHY     BY  SINCE\n"
              "v1       good      baked   -   03:02:07 (10m ago)\n"
              "v0       declared  --from  bo  -\n");
    EXPECT_EQ(run({"bad", "list", "api"}).out,
              "VERSION  STATE  WHY          BY   SINCE\n"
              "v2       bad    rolled back  ana  03:02:07 (10m ago)\n");
}

TEST_F(Commands, a_ledger_without_a_good_version_says_what_it_waits_for) {
    daemon.answer("GET /api/v1/services/api/versions", {{200, "[]"}});
    EXPECT_EQ(run({"good", "list", "api"}).err, "api has no good versions\n") << "an older daemon";
    const auto said = [&](const std::string& adopting) {
        daemon.answer("GET /api/v1/services", {{200, R"([{"name":"web","adopting":{"version":"w1","words":null}},
            {"name":"api","adopting":)" + adopting + "}]"}});
        return run({"good", "list", "api"}).err;
    };
    EXPECT_EQ(said("null"), "api has no good versions\n");
    EXPECT_EQ(said(R"({"version":"v1","since":"2026-11-20T03:02:07Z","words":null})"),
              "api has no good versions: v1 is watched for one bake before it counts as good\n");
    EXPECT_EQ(
        said(R"({"version":"v1","since":"2026-11-20T03:02:07Z","words":"nothing was seen"})"),
        "api has no good versions: v1 does not count as good yet and is watched for another bake: nothing was seen\n");
    EXPECT_EQ(run({"bad", "list", "api"}).err, "api has no bad versions\n");
}

TEST_F(Commands, versions_are_marked_and_forgiven) {
    daemon.answer("POST /api/v1/services/api/good", {{200, "{}"}});
    daemon.answer("POST /api/v1/services/api/bad", {{200, "{}"}});
    EXPECT_EQ(run({"good", "mark", "api", "v1", "--reason", "tested"}).out, "api v1: marked good\n");
    EXPECT_EQ(daemon.requests().back().body, R"({"version":"v1","action":"mark","reason":"tested"})");
    EXPECT_EQ(run({"good", "unmark", "api", "v1"}).out, "api v1: no longer good\n");
    EXPECT_EQ(run({"bad", "forgive", "api", "v2"}).out, "api v2: forgiven\n");
    EXPECT_EQ(daemon.requests().back().body, R"({"version":"v2","action":"forgive"})");
}

TEST_F(Commands, gate_exits_as_the_daemon_says) {
    for (const int code : {0, 3, 4, 5, 6}) {
        const auto body = std::string(R"({"go":)") + (code == 0 ? "true" : "false") + R"(,"code":)" +
                          std::to_string(code) + R"(,"reason":"because"})";
        daemon.answer("GET /api/v1/gate?service=api&version=a%2Fb%3A1", {{200, body}});
        const auto outcome = run({"gate", "api", "a/b:1"});
        EXPECT_EQ(outcome.code, code);
        EXPECT_EQ(outcome.out, code == 0 ? "go: because\n" : "no go: because\n");
        EXPECT_EQ(run({"gate", "api", "a/b:1", "-o", "jsonl"}).out, body + "\n");
    }
}

TEST_F(Commands, an_answer_without_a_code_opens_no_gate) {
    daemon.answer("GET /api/v1/gate?service=api&version=v1", {{200, "{}"}});
    EXPECT_EQ(run({"gate", "api", "v1"}).code, 1);
}

TEST_F(Commands, status_is_69_until_the_daemon_is_ready) {
    daemon.answer("GET /-/ready", {{503, "replaying the journal"}, {200, "ok"}});
    daemon.answer(
        "GET /api/v1/status",
        {{200, R"({"halted":true,"halted_by":"ana","observe_only":"the disk is full","frozen":false,"services":[
                     {"name":"api","mode":"enforce","live":"v2","good":"v1","ready_to_rollback":true,"why_not":null,
                      "guard":{"id":"d-81","version":"v2","state":"baking","phase_words":"healthy"},"last_incident":null},
                     {"name":"web","mode":"observe","halted":true,"live":null,"good":null,"ready_to_rollback":false,
                      "why_not":"no good version yet","guard":null,"last_incident":"i-3"}]})"}});
    EXPECT_EQ(run({"status"}).code, 69);
    const auto outcome = run({"status"});
    EXPECT_EQ(outcome.code, 0);
    EXPECT_EQ(outcome.out,
              "HALTED by ana: nothing acts until `revertctl resume`\n"
              "OBSERVING ONLY, nothing acts: the disk is full\n"
              "SERVICE  MODE             LIVE  GOOD  GUARD            LAST INCIDENT  CAN ROLL BACK\n"
              "api      enforce          v2    v1    d-81 v2 healthy  -              yes\n"
              "web      observe, halted  -     -     -                i-3            no: no good version yet\n");
}

TEST_F(Commands, status_says_who_does_not_say_what_runs) {
    daemon.answer("GET /-/ready", {{200, "ok"}});
    daemon.answer("GET /api/v1/status",
                  {{200, R"({"halted":false,"services":[{"name":"api","mode":"enforce","live":"v1",
        "good":"v1","ready_to_rollback":false,"why_not":"the platform does not say which version runs","guard":null,
        "last_incident":null,"live_unknown":{"since":"2026-11-20T03:09:57Z","words":"the platform is mute: exit 1"}}]})"}});
    const auto outcome = run({"status"});
    EXPECT_NE(outcome.out.find(" v1?   v1 "), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.out.find("\napi: the platform is mute: exit 1, since "), std::string::npos) << outcome.out;
}

TEST_F(Commands, status_says_why_no_version_is_good_yet_where_the_row_does_not) {
    daemon.answer("GET /-/ready", {{200, "ok"}});
    const std::string adopting =
        R"("adopting":{"version":"v1","since":"2026-11-20T03:09:57Z","words":"errors were seen"})";
    daemon.answer("GET /api/v1/status",
                  {{200, R"({"halted":false,"services":[{"name":"api","why_not":"no good version: errors were seen",)" +
                             adopting + R"(},{"name":"web","why_not":"mode observe",)" + adopting +
                             R"(},{"name":"old","why_not":"mode observe"}]})"}});
    const auto outcome = run({"status"});
    const std::string line = "does not count as good yet and is watched for another bake: errors were seen\n";
    EXPECT_TRUE(outcome.out.ends_with("\nweb: v1 " + line)) << outcome.out;
    EXPECT_EQ(outcome.out.find("api: v1 "), std::string::npos) << outcome.out;
}

TEST_F(Commands, status_says_where_no_deploys_are_wanted_and_where_everything_asks) {
    daemon.answer("GET /-/ready", {{200, "ok"}, {200, "ok"}});
    const std::string hours = R"x("frozen":true,"frozen_why":"no deploys in these hours (Fri 16:00-Mon 08:00 UTC)",)x"
                              R"x("frozen_until":"2026-11-23T08:00:00Z")x";
    std::string alike;
    for (const char* name : {"a", "b", "c", "d", "e", "f", "g"})
        alike += R"({"name":")" + std::string(name) + "\"," + hours + "},";
    daemon.answer("GET /api/v1/status",
                  {{200, R"({"halted":false,"frozen":false,"services":[)" + alike +
                             R"({"name":"h","frozen":false,"ask_only":true,"ask_only_why":"Mon-Fri 09:00-17:00 UTC",
        "ask_only_until":"2026-11-20T17:00:00Z"}]})"},
                   {200, R"({"halted":false,"frozen":true,"frozen_why":"deploys are frozen by ana: moving","services":[
        {"name":"a","frozen":true,"frozen_why":"deploys are frozen by ana: moving","frozen_until":null}]})"}});
    const std::string out = run({"status"}).out;
    EXPECT_EQ(out.find("a, b, c, d, e and 2 more: FROZEN: no deploys in these hours (Fri 16:00-Mon 08:00 UTC), until "),
              0U)
        << out;
    EXPECT_NE(out.find("; `gate` says no to deploys, a rollback is not restrained\n"), std::string::npos) << out;
    EXPECT_NE(out.find("\nh: asks before it acts, until "), std::string::npos) << out;
    EXPECT_NE(out.find(" (Mon-Fri 09:00-17:00 UTC): `now` is `after approval` in these hours\n"), std::string::npos);
    const std::string everything = run({"status"}).out;
    EXPECT_EQ(everything.find("FROZEN: deploys are frozen by ana: moving; `gate` says no"), 0U) << everything;
    EXPECT_EQ(everything.find("FROZEN", 10), std::string::npos) << "once, not for every service: " << everything;
}

TEST_F(Commands, start_warns_of_what_is_not_known) {
    daemon.answer("POST /api/v1/deployments",
                  {{201, R"({"id":"d-9","warnings":["the platform is mute: exit 1","tag is silent"]})"}});
    const auto outcome = run({"deploy", "start", "api", "--version", "v2"});
    EXPECT_EQ(outcome.out, "d-9\n");
    EXPECT_EQ(outcome.err, "warning: the platform is mute: exit 1\nwarning: tag is silent\n");
}

TEST_F(Commands, a_daemon_that_is_not_there_is_69_with_a_hint) {
    const auto outcome = run({"--address", "unix:/nonexistent/s", "halt"});
    EXPECT_EQ(outcome.code, 69);
    EXPECT_NE(outcome.err.find("error: halt everything: cannot reach revertd at unix:/nonexistent/s"),
              std::string::npos);
    EXPECT_NE(outcome.err.find("hint: is revertd running"), std::string::npos);
}

TEST_F(Commands, an_answer_that_is_not_json_is_an_error) {
    daemon.answer("GET /api/v1/incidents", {{200, "<html>"}});
    EXPECT_EQ(run({"incident", "list"}).code, 1);
}

TEST_F(Commands, version_needs_no_daemon) {
    EXPECT_EQ(Terminal().run({"version", "--address", "unix:/nonexistent/s"}).out.rfind("revertctl ", 0), 0U);
    daemon.answer("GET /api/v1/status/buildinfo", {{200, R"({"version":"0.9.9"})"}});
    EXPECT_NE(run({"version"}).out.find("revertd 0.9.9\n"), std::string::npos);
}

}  // namespace
}  // namespace revertd::ctl
