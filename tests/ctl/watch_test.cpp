// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/ctl/run.h"

namespace revertd::ctl {
namespace {

constexpr const char* kGet = "GET /api/v1/deployments/d-81";

std::string ended(int code, const std::string& state) {
    return deployment(state, R"("exit_code":)" + std::to_string(code) + R"(,"verdict_words":"it is over")");
}

std::string baking(const std::string& phase) {
    return deployment("baking", R"("elapsed":60,"phase_words":")" + phase + "\"");
}

class Watching : public ::testing::Test {
  protected:
    Outcome watch(std::vector<std::string> more = {"--wait"}) {
        std::vector<std::string> arguments{"deploy", "watch", "d-81"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return terminal.run(arguments);
    }

    FakeDaemon daemon;
    Terminal terminal{daemon};
};

TEST_F(Watching, waits_for_every_end_with_its_exit_code) {
    const std::vector<std::pair<int, std::string>> ends = {{0, "healthy"},     {10, "regression"}, {11, "regression"},
                                                           {12, "regression"}, {13, "superseded"}, {14, "inconclusive"},
                                                           {15, "aborted"}};
    for (const auto& [code, state] : ends) {
        daemon.answer(kGet, {{200, baking("healthy")}, {200, ended(code, state)}});
        const auto outcome = watch();
        EXPECT_EQ(outcome.code, code);
        EXPECT_EQ(outcome.out, "api v2 d-81: " + state + ", it is over\n");
    }
}

TEST_F(Watching, without_wait_exits_0_at_the_end) {
    daemon.answer(kGet, {{200, baking("healthy")}, {200, ended(11, "regression")}});
    EXPECT_EQ(watch({}).code, 0);
}

TEST_F(Watching, lets_an_inconclusive_bake_pass_if_told_so) {
    daemon.answer(kGet, {{200, ended(14, "inconclusive")}});
    EXPECT_EQ(watch({"--wait", "--inconclusive", "pass"}).code, 0);
    daemon.answer(kGet, {{200, ended(12, "regression")}});
    EXPECT_EQ(watch({"--wait", "--inconclusive", "pass"}).code, 12);
}

TEST_F(Watching, a_service_stays_with_the_deploy_that_it_found) {
    daemon.answer("GET /api/v1/deployments/api", {{200, baking("healthy")}});
    daemon.answer(kGet, {{200, ended(0, "healthy")}});
    EXPECT_EQ(terminal.run({"deploy", "watch", "api", "--wait"}).code, 0);
}

TEST_F(Watching, writes_a_line_for_each_change_where_nobody_watches) {
    daemon.answer(kGet, {{200, baking("healthy")},
                         {200, baking("healthy")},
                         {200, baking("suspected: errors > 5%")},
                         {200, ended(0, "healthy")}});
    EXPECT_EQ(watch().err,
              "03:12:07 api v2 d-81: baking, 1m / 15m, healthy\n"
              "03:12:08 api v2 d-81: baking, 1m / 15m, suspected: errors > 5%\n"
              "03:12:08 api v2 d-81: healthy, it is over\n");
}

TEST_F(Watching, gives_a_sign_of_life_every_minute) {
    std::vector<FakeDaemon::Reply> replies(121, {200, baking("healthy")});
    replies.push_back({200, ended(0, "healthy")});
    daemon.answer(kGet, replies);
    EXPECT_EQ(watch().err,
              "03:12:07 api v2 d-81: baking, 1m / 15m, healthy\n"
              "03:13:07 api v2 d-81: baking, 1m / 15m, healthy\n"
              "03:13:07 api v2 d-81: healthy, it is over\n");
}

TEST_F(Watching, redraws_one_block_on_a_terminal) {
    terminal.is_terminal = true;
    terminal.environment["NO_COLOR"] = "1";
    daemon.answer(kGet, {{200, baking("healthy")}, {200, ended(0, "healthy")}});
    EXPECT_EQ(watch().err,
              "\x1b[2Kapi v2 (was v1)  deploy d-81  bake 15m\n"
              "\x1b[2K  █░░░░░░░░░░░░░░░░░░░  1m / 15m   healthy\n\x1b[J"
              "\x1b[2A\r"
              "\x1b[2Kapi v2 (was v1)  deploy d-81  bake 15m\n"
              "\x1b[2K  ░░░░░░░░░░░░░░░░░░░░   it is over\n\x1b[J");
}

TEST_F(Watching, is_silent_without_progress) {
    terminal.is_terminal = true;
    daemon.answer(kGet, {{200, baking("healthy")}, {200, ended(0, "healthy")}});
    const auto outcome = watch({"--wait", "--no-progress"});
    EXPECT_EQ(outcome.err, "");
    EXPECT_EQ(outcome.out, "api v2 d-81: healthy, it is over\n");
}

TEST_F(Watching, colours_only_a_terminal_that_wants_it) {
    terminal.is_terminal = true;
    daemon.answer(kGet, {{200, ended(0, "healthy")}});
    EXPECT_NE(watch().err.find("\x1b[32m"), std::string::npos);
    EXPECT_EQ(watch().out.find('\x1b'), std::string::npos);
}

TEST_F(Watching, gives_up_after_its_timeout_and_says_that_the_guard_goes_on) {
    daemon.answer(kGet, {{200, baking("healthy")}});
    const auto outcome = watch({"--wait", "--timeout", "5s"});
    EXPECT_EQ(outcome.code, 124);
    EXPECT_EQ(terminal.time.pauses, 10);
    EXPECT_NE(outcome.err.find("timeout after 5s; the guard goes on: revertctl deploy watch d-81"), std::string::npos);
    EXPECT_EQ(outcome.out, "");
}

TEST_F(Watching, is_interrupted_with_130_and_says_that_the_guard_goes_on) {
    daemon.answer(kGet, {{200, baking("healthy")}});
    terminal.time.interrupt_at = 3;
    const auto outcome = watch();
    EXPECT_EQ(outcome.code, 130);
    EXPECT_TRUE(terminal.time.holds_signals);
    EXPECT_NE(outcome.err.find("interrupted; the guard goes on: revertctl deploy watch d-81"), std::string::npos);
}

TEST_F(Watching, bridges_a_restart_of_the_daemon) {
    daemon.answer(kGet, {{200, baking("healthy")}, {503, "starting"}, {200, ended(10, "regression")}});
    terminal.time.on_pause = [this](int pause) {
        if (pause == 1) daemon.stop();
        if (pause == 90) daemon.start();
    };
    const auto outcome = watch();
    EXPECT_EQ(outcome.code, 10);
    EXPECT_NE(outcome.err.find("revertd does not answer, trying again for 1m"), std::string::npos);
    EXPECT_NE(outcome.err.find("revertd answers again"), std::string::npos);
}

TEST_F(Watching, gives_a_dead_daemon_up_after_a_minute) {
    daemon.answer(kGet, {{200, baking("healthy")}});
    terminal.time.on_pause = [this](int pause) {
        if (pause == 1) daemon.stop();
    };
    EXPECT_EQ(watch().code, 69);
    EXPECT_EQ(terminal.time.pauses, 121);
}

TEST_F(Watching, does_not_wait_for_a_daemon_that_was_never_there) {
    daemon.stop();
    EXPECT_EQ(watch().code, 69);
    EXPECT_EQ(terminal.time.pauses, 0);
}

TEST_F(Watching, a_guard_that_nobody_knows_is_an_error) {
    const auto outcome = watch();
    EXPECT_EQ(outcome.code, 1);
    EXPECT_EQ(outcome.err.rfind("error: watch d-81: ", 0), 0U);
}

TEST_F(Watching, an_answer_without_an_id_is_an_error_and_no_endless_watch) {
    daemon.answer(kGet, {{200, "{}"}});
    EXPECT_EQ(watch().code, 1);
}

TEST_F(Watching, as_json_prints_the_deployment_once_at_its_end) {
    daemon.answer(kGet, {{200, baking("healthy")}, {200, R"({"id":"d-81","exit_code":13})"}});
    const auto outcome = watch({"--wait", "-o", "json"});
    EXPECT_EQ(outcome.code, 13);
    EXPECT_EQ(outcome.out, "{\n    \"id\": \"d-81\",\n    \"exit_code\": 13\n}\n");
}

std::string event(int id, const std::string& deployment, const std::string& type) {
    return "id: " + std::to_string(id) + "\nevent: " + type + "\ndata: {\"id\":\"" + std::to_string(id) +
           "\",\"type\":\"" + type + "\",\"deployment\":\"" + deployment + "\"}\n\n";
}

TEST_F(Watching, as_jsonl_prints_the_events_of_that_guard_and_the_exit_code_last) {
    daemon.answer(kGet, {{200, baking("healthy")}, {200, ended(10, "regression")}});
    daemon.answer("GET /api/v1/events?service=api",
                  {{200, event(3, "d-81", "guard.opened") + event(4, "d-9", "guard.opened")},
                   {200, event(5, "d-81", "guard.closed") + event(6, "d-81", "notify")}});
    const auto outcome = watch({"--wait", "-o", "jsonl"});
    EXPECT_EQ(outcome.code, 10);
    EXPECT_EQ(outcome.out, R"({"id":"3","type":"guard.opened","deployment":"d-81"})"
                           "\n"
                           R"({"id":"5","type":"guard.closed","deployment":"d-81","exit_code":10})"
                           "\n");
    EXPECT_EQ(daemon.requests().at(1).headers.at("last-event-id"), "0");
    EXPECT_EQ(daemon.requests().at(2).headers.at("last-event-id"), "4");
}

TEST_F(Watching, as_jsonl_ends_also_when_the_daemon_has_forgotten_the_events) {
    daemon.answer(kGet, {{200, ended(13, "superseded")}});
    daemon.answer("GET /api/v1/events?service=api", {{200, ": nothing here\n\n"}});
    const auto outcome = watch({"--wait", "-o", "jsonl"});
    EXPECT_EQ(outcome.code, 13);
    EXPECT_NE(outcome.out.find(R"("type":"guard.closed")"), std::string::npos);
    EXPECT_NE(outcome.out.find(R"("exit_code":13})"), std::string::npos);
}

TEST_F(Watching, as_jsonl_looks_at_the_guard_while_the_stream_is_silent) {
    terminal.time.per_check = 1s;
    daemon.answer(kGet, {{200, baking("healthy")}, {200, ended(10, "regression")}});
    daemon.answer("GET /api/v1/events?service=api", {{200, event(3, "d-81", "guard.opened"), true}});
    const auto outcome = watch({"--wait", "-o", "jsonl"});
    EXPECT_EQ(outcome.code, 10);
    EXPECT_NE(outcome.out.find(R"("exit_code":10})"), std::string::npos);
}

TEST_F(Watching, as_jsonl_is_interrupted_while_the_stream_is_silent) {
    daemon.answer(kGet, {{200, baking("healthy")}});
    daemon.answer("GET /api/v1/events?service=api",
                  {{200, ": hello\n\n", true, [this] { terminal.time.interrupted = true; }}});
    EXPECT_EQ(watch({"--wait", "-o", "jsonl"}).code, 130);
}

TEST_F(Watching, as_jsonl_bridges_a_restart_too) {
    daemon.answer(kGet, {{200, baking("healthy")}, {200, ended(0, "healthy")}});
    daemon.answer("GET /api/v1/events?service=api",
                  {{200, event(3, "d-81", "guard.opened")}, {503, ""}, {200, event(4, "d-81", "guard.closed")}});
    const auto outcome = watch({"--wait", "-o", "jsonl"});
    EXPECT_EQ(outcome.code, 0);
    EXPECT_NE(outcome.err.find("revertd does not answer"), std::string::npos);
}

TEST_F(Watching, start_with_wait_keeps_stdout_for_the_id) {
    daemon.answer("POST /api/v1/deployments", {{201, baking("healthy")}});
    daemon.answer(kGet, {{200, ended(10, "regression")}});
    const auto outcome = terminal.run({"deploy", "start", "api", "--version", "v2", "--wait"});
    EXPECT_EQ(outcome.code, 10);
    EXPECT_EQ(outcome.out, "d-81\n");
    EXPECT_NE(outcome.err.find("api v2 d-81: regression, it is over"), std::string::npos);
}

}  // namespace
}  // namespace revertd::ctl
