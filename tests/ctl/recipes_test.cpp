// SPDX-License-Identifier: Apache-2.0
// `recipes`, `recipes test` and `history`.
#include <gtest/gtest.h>

#include "tests/ctl/run.h"

namespace revertd::ctl {
namespace {

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

TEST(RecipesCommand, lists_and_shows_what_is_compiled_in) {
    const auto list = Terminal().run({"recipes"});
    EXPECT_EQ(list.code, 0);
    EXPECT_TRUE(has(list.out, "systemd")) << list.out;
    const auto one = Terminal().run({"recipes", "systemd"});
    EXPECT_TRUE(has(one.out, "rollback: { systemd: api.service, releases: /srv/api/releases }")) << one.out;
    EXPECT_TRUE(has(one.out, "releases")) << one.out;
    EXPECT_TRUE(has(Terminal().run({"recipes", "-o", "json"}).out, "\"reports_progress\": true"));
    const auto none = Terminal().run({"recipes", "systemdd"});
    EXPECT_EQ(none.code, 1);
    EXPECT_TRUE(has(none.err, "did you mean \"systemd\"?")) << none.err;
}

TEST(RecipesCommand, tests_a_file) {
    const auto good = Terminal().run({"recipes", "test", REVERTD_SOURCE_DIR "/actions/recipes/exec.yaml"});
    EXPECT_EQ(good.code, 0) << good.out;
    EXPECT_TRUE(has(good.out, "PASS  goes to a named version")) << good.out;
    EXPECT_FALSE(has(good.out, "FAIL"));
    EXPECT_EQ(Terminal().run({"recipes", "test", "/nonexistent.yaml"}).code, 1);
    const auto junit =
        Terminal().run({"recipes", "test", REVERTD_SOURCE_DIR "/actions/recipes/exec.yaml", "-o", "junit"});
    EXPECT_TRUE(has(junit.out, "failures=\"0\"")) << junit.out;
}

TEST(HistoryCommand, shows_what_has_ended_only) {
    FakeDaemon daemon;
    const auto ended = deployment(
        "regression",
        R"("exit_code":10,"finished":"2026-11-20T03:10:30Z","started":"2026-11-20T03:00:00Z","incident":"i-42","verdict_words":"rolled back to v1, verified")");
    daemon.answer("GET /api/v1/deployments?limit=50", {{200, "[" + deployment("baking") + "," + ended + "]"}});
    Terminal terminal(daemon);
    const auto outcome = terminal.run({"history"});
    EXPECT_EQ(outcome.code, 0);
    EXPECT_TRUE(has(outcome.out, "v1 -> v2")) << outcome.out;
    EXPECT_TRUE(has(outcome.out, "10m30s")) << outcome.out;
    EXPECT_TRUE(has(outcome.out, "regression (10)")) << outcome.out;
    EXPECT_FALSE(has(outcome.out, "baking")) << outcome.out;
    daemon.answer("GET /api/v1/deployments?limit=50", {{200, "[" + deployment("baking") + "]"}});
    EXPECT_EQ(terminal.run({"history", "-o", "json"}).out, "[]\n");
}

}  // namespace
}  // namespace revertd::ctl
