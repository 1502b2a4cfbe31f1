// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/block.h"

#include <gtest/gtest.h>

#include <ctime>

#include "daemon/ctl/text.h"
#include "tests/ctl/run.h"

namespace revertd::ctl {
namespace {

class Block : public ::testing::Test {
  protected:
    void SetUp() override {
        ::setenv("TZ", "UTC", 1);
        ::tzset();
    }

    static Json json(const std::string& text) { return *Json::parse(text); }

    static std::string render(const std::string& text, std::size_t columns = 80) {
        return render_block(json(text), history_of(text, 0), {.columns = columns, .colour = false, .now = kNow});
    }

    static History history_of(const std::string& text, int points) {
        History history;
        for (int i = 0; i < points; ++i) history.add(json(text));
        return history;
    }
};

constexpr const char* kHealthy = R"({"id":"d-81","service":"api","version":"v1.2.4","from":"v1.2.3","bake":900,
    "elapsed":492,"remaining":408,"state":"baking","phase_words":"healthy","next_check":3,"health":{"up":49,"total":49},
    "signals":[
     {"name":"errors","value":0.004,"unit":"ratio","baseline":0.003,"verdict":"ok","limit_words":"P1 > 5%","rules":[]},
     {"name":"p95","value":0.212,"unit":"seconds","baseline":0.193,"verdict":"ok","limit_words":"P1 > 1.5x","rules":[]},
     {"name":"orders","value":31.2,"unit":"none","baseline":32,"verdict":"no_data","limit_words":"","rules":[]}]})";

TEST_F(Block, shows_progress_health_and_every_signal_with_its_limit) {
    EXPECT_EQ(render(kHealthy),
              "api v1.2.4 (was v1.2.3)  deploy d-81  bake 15m\n"
              "  ██████████░░░░░░░░░░  8m12s / 15m   healthy   next check 3s\n"
              "  health   up 49/49\n"
              "  errors   0.4%   (base 0.3%, P1 > 5%)\n"
              "  p95      212 ms (1.1x, P1 > 1.5x)\n"
              "  orders   31.2   (1x)                  no data\n");
}

TEST_F(Block, says_while_nothing_is_found_what_would_be_and_at_a_pass_what_is_excluded) {
    constexpr const char* kPower = R"("bake":900,"elapsed":200,"phase_words":"healthy","signals":[],
        "power":["1.8 times the errors would be found within 6m with 92 %"],"excluded":[])";
    EXPECT_NE(
        render(deployment("baking", kPower)).find("\n  1.8 times the errors would be found within 6m with 92 %\n"),
        std::string::npos);
    EXPECT_EQ(render(deployment("incident", kPower)).find("1.8 times"), std::string::npos);
    EXPECT_NE(render_end(json(deployment("healthy", R"("verdict_words":"healthy for 15m",
        "excluded":["more than 1.3 times the errors: excluded at 99.9 %"])")))
                  .find("\nmore than 1.3 times the errors: excluded at 99.9 %\n"),
              std::string::npos);
}

TEST_F(Block, says_whom_an_approval_waits_for_and_how_to_answer) {
    EXPECT_EQ(render(deployment("incident", R"("bake":900,"elapsed":200,"phase_words":"awaiting approval",
                "incident":"i-42","health":{"up":9,"total":12},
                "approval":{"role":"leads","quorum":2,"given":[{"by":"ana"}],"until":"2026-11-20T03:19:57Z"},
                "signals":[{"name":"errors","value":0.079,"unit":"ratio","baseline":0.003,"verdict":"breach",
                  "limit_words":"P1 > 5%","rules":[{"severity":"P1","text":"errors > 5% for 2m","verdict":"breach",
                  "holds":true,"since":"2026-11-20T03:09:57Z"}]}])")),
              "api v2 (was v1)  deploy d-81  bake 15m\n"
              "  ████░░░░░░░░░░░░░░░░  3m20s / 15m   awaiting approval\n"
              "  health   only 9/12 up\n"
              "  errors   7.9% (base 0.3%, P1 > 5%)  P1 holds for 2m10s\n"
              "  i-42 waits for leads, 1 of 2 given, until 03:19:57 (in 7m50s)\n"
              "  revertctl approve i-42 | deny i-42 | explain i-42\n");
}

TEST_F(Block, warns_of_what_is_not_known_in_whole_lines) {
    const auto text = deployment("rolling", R"("phase_words":"waiting to see v2; the platform is mute: exit 1",
        "warnings":["the platform is mute: exit 1","release list does not say which version is good: connection refused"])");
    const auto block = render(text, 40);
    EXPECT_NE(block.find("\n  ! release list does not say which\n    version is good: connection refused\n"),
              std::string::npos)
        << block;
    EXPECT_EQ(block.find("! the platform"), std::string::npos) << block;
}

TEST_F(Block, cuts_nothing_that_somebody_must_answer) {
    const auto block = render(deployment("incident", R"("bake":900,"elapsed":200,"incident":"i-42",
        "phase_words":"i-42 P1: waits for an approval to roll back to v1",
        "approval":{"role":"leads","quorum":2,"given":[{"by":"ana"}],"until":"2026-11-20T03:19:57Z"})"),
                              44);
    EXPECT_NE(block.find("  i-42 P1: waits for an approval to roll\n    back to v1\n"), std::string::npos) << block;
    EXPECT_NE(block.find("  i-42 waits for leads, 1 of 2 given, until\n    03:19:57 (in 7m50s)\n"), std::string::npos)
        << block;
    EXPECT_EQ(block.find("…"), std::string::npos) << block;
}

TEST_F(Block, needs_nothing_but_a_name) {
    EXPECT_EQ(render(R"({"service":"api","version":"v2","id":"d-1","state":"rolling"})"),
              "api v2  deploy d-1\n  ░░░░░░░░░░░░░░░░░░░░   rolling\n");
}

TEST_F(Block, never_is_wider_than_the_terminal) {
    for (const std::size_t columns : {1U, 20U, 40U, 79U}) {
        const auto block = render(kHealthy, columns);
        std::size_t at = 0;
        while (at < block.size()) {
            const auto end = block.find('\n', at);
            EXPECT_LE(display_width(block.substr(at, end - at)), columns);
            at = end + 1;
        }
    }
}

TEST_F(Block, ends_a_colour_that_is_cut) {
    const auto block = render_block(json(kHealthy), {}, {.columns = 6, .colour = true, .now = kNow});
    EXPECT_NE(block.find("\x1b[32mhea…\x1b[0m"), std::string::npos) << block;
}

TEST_F(Block, lets_no_word_of_the_daemon_move_the_cursor) {
    const auto block = render(R"({"service":"api\u001b[2J","version":"v\u009b1\n2","id":"d-1","state":"rolling"})");
    EXPECT_EQ(block.find('\x1b'), std::string::npos);
    EXPECT_EQ(block.find("\xc2\x9b"), std::string::npos);
    EXPECT_EQ(std::count(block.begin(), block.end(), '\n'), 2);
}

TEST_F(Block, draws_what_it_has_seen_of_a_signal) {
    History history;
    const auto at = [](double elapsed, double errors) {
        return *Json::parse(R"({"service":"api","version":"v2","id":"d-1","state":"baking","bake":400,"elapsed":)" +
                            std::to_string(elapsed) + R"(,"signals":[{"name":"errors","unit":"ratio","value":)" +
                            std::to_string(errors) + "}]}");
    };
    history.add(at(0, 0.01));
    history.add(at(9, 0.9));  // less than a fortieth of the bake later
    history.add(at(10, 0.02));
    history.add(at(20, 0.04));
    EXPECT_NE(render_block(at(20, 0.04), history, {.now = kNow}).find("  errors   4%  ▃▅█\n"), std::string::npos)
        << render_block(at(20, 0.04), history, {.now = kNow});
}

TEST_F(Block, is_one_line_for_a_log) {
    EXPECT_EQ(render_line(json(kHealthy)),
              "api v1.2.4 d-81: baking, 8m12s / 15m, healthy; health up 49/49, errors 0.4%, p95 212 ms, orders 31.2");
}

TEST_F(Block, names_a_state_once_where_the_phase_begins_with_it) {
    EXPECT_EQ(
        render_line(json(deployment("suspected", R"("elapsed":2,"phase_words":"suspected: errors > 5% for 4s")"))),
        "api v2 d-81: suspected: errors > 5% for 4s, 2s / 15m");
}

TEST_F(Block, says_how_it_ended_and_where_the_report_is) {
    EXPECT_EQ(render_end(json(deployment("regression", R"("exit_code":10,"verdict_words":"rolled back and verified",
                              "incident":"i-42","report":"/var/lib/revertd/reports/i-42/report.md")"))),
              "api v2 d-81: regression, rolled back and verified\n"
              "why: revertctl explain i-42\nreport: revertctl incident report i-42\n");
}

TEST_F(Block, puts_a_long_phase_below_the_bar_rather_than_cut_it) {
    EXPECT_EQ(render(deployment("incident", R"("bake":900,"elapsed":200,"next_check":1,
                "phase_words":"i-42 P1: waits for an approval to roll back to v1.2.3-rc.4+build.77")")),
              "api v2 (was v1)  deploy d-81  bake 15m\n"
              "  ████░░░░░░░░░░░░░░░░  3m20s / 15m   next check 1s\n"
              "  i-42 P1: waits for an approval to roll back to v1.2.3-rc.4+build.77\n");
}

TEST_F(Block, says_why_health_is_down) {
    const auto block =
        render(deployment("suspected", R"j("health":{"up":1,"total":3,"words":"2 of 3 targets down (refused)"})j"));
    EXPECT_NE(block.find("  health   only 1/3 up: 2 of 3 targets down (refused)\n"), std::string::npos) << block;
}

TEST_F(Block, asks_nobody_any_more_once_the_approval_is_given_or_its_time_is_over) {
    for (const auto* approval : {R"({"role":"leads","quorum":1,"given":[{"by":"ana"}],"until":"2026-11-20T03:19:57Z"})",
                                 R"({"role":"leads","quorum":1,"given":[],"until":"2026-11-20T03:12:07Z"})"}) {
        const auto block = render(deployment("incident", std::string(R"("incident":"i-42","approval":)") + approval));
        EXPECT_EQ(block.find("waits for"), std::string::npos) << block;
    }
}

}  // namespace
}  // namespace revertd::ctl
