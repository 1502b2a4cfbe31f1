// SPDX-License-Identifier: Apache-2.0
// `test rules` and `init`: offline.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "config/load.h"
#include "daemon/ctl/rules_case.h"
#include "daemon/ctl/unit_layout.h"
#include "tests/ctl/run.h"

namespace revertd::ctl {
namespace {

class Files : public ::testing::Test {
  protected:
    Files() {
        std::string name = (std::filesystem::temp_directory_path() / "revertctl-XXXXXX").string();
        directory = ::mkdtemp(name.data());
        file("revertd.yaml",
             "services:\n  api:\n    health: http://127.0.0.1:1/h\n    metrics: http://127.0.0.1:1/m\n    rollback: "
             "off\n"
             "    signals: { errors: 'ratio(calls_total, outcome=\"fail\")' }\n"
             "    guard: { P0: [health down for 30s], P1: [errors > 5% for 1m] }\n"
             "notify: { webhook: http://127.0.0.1:9/x }\n");
    }

    ~Files() override { std::filesystem::remove_all(directory); }

    std::string file(const std::string& name, const std::string& text) const {
        std::ofstream(directory + "/" + name) << text;
        return directory + "/" + name;
    }

    std::string read(const std::string& name) const {
        std::ifstream in(directory + "/" + name);
        std::ostringstream out;
        out << in.rdbuf();
        return out.str();
    }

    Outcome rules(const std::string& expect, const std::string& fails = "0+8x100") {
        const std::string text =
            "config: revertd.yaml\ntests:\n  - name: a test\n    service: api\n    interval: 5s\n    series:\n"
            "      calls_total{outcome=\"fine\"}: 0+92x100\n      calls_total{outcome=\"fail\"}: " +
            fails + "\n    expect:\n" + expect;
        return terminal.run({"test", "rules", file("t.yaml", text)});
    }

    std::string directory;
    Terminal terminal;
};

TEST_F(Files, rules_that_hold_as_expected_pass) {
    const auto outcome = rules(
        "      - { at: 4m, rule: errors > 5% for 1m, is: holds }\n      - { at: 1m, rule: errors > 5% for 1m, is: "
        "quiet }\n");
    EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.err;
    EXPECT_NE(outcome.out.find("PASS  a test"), std::string::npos);
}

TEST_F(Files, an_expectation_that_is_not_met_fails_with_what_was_instead) {
    const auto outcome = rules("      - { at: 4m, rule: errors > 5% for 1m, is: holds }\n", "0+1x100");
    EXPECT_EQ(outcome.code, 1);
    EXPECT_NE(outcome.out.find("FAIL  a test"), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.out.find("is not holding (ok)"), std::string::npos) << outcome.out;
}

TEST_F(Files, a_rule_that_is_none_a_word_that_is_none_and_values_that_are_none_fail) {
    EXPECT_EQ(rules("      - { at: 4m, rule: errors > 6% for 1m, is: holds }\n").code, 1);
    const auto word = rules("      - { at: 4m, rule: errors > 5% for 1m, is: hold }\n");
    EXPECT_EQ(word.code, 1);
    EXPECT_NE(word.err.find("t.yaml:10:49"), std::string::npos) << word.err;
    EXPECT_NE(rules("      - { at: 4m, rule: errors > 5% for 1m, is: ok }\n", "0+8y100").err.find("is no value"),
              std::string::npos);
    EXPECT_EQ(terminal.run({"test", "rules", file("empty.yaml", "config: revertd.yaml\ntests: []\n")}).code, 1);
}

TEST_F(Files, the_example_passes) {
    const auto outcome = terminal.run({"test", "rules", REVERTD_SOURCE_DIR "/config/examples/tests/rules_test.yaml"});
    EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.err;
}

TEST(ExpandValues, are_promtools) {
    const auto values = expand_values("1 2+3x2 5-1x1 7x1 _ _x2 1e3");
    ASSERT_TRUE(values);
    std::string text;
    for (const auto& v : *values) text += (v ? std::to_string(static_cast<int>(*v)) : "_") + std::string(" ");
    EXPECT_EQ(text, "1 2 5 8 5 4 7 7 _ _ _ 1000 ");
    for (const char* bad : {"", "a", "1+x2", "1+2", "x3", "1+2xa", "0+1x999999999"})
        EXPECT_FALSE(expand_values(bad)) << bad;
}

TEST_F(Files, releases_are_found_by_the_unit_that_runs_from_a_link_to_one) {
    namespace fs = std::filesystem;
    fs::create_directories(directory + "/app/versions/v1/bin");
    fs::create_directory_symlink("versions/v1", directory + "/app/live");
    const auto layout = [&](const std::string& lines) {
        file("shop.service", "[Service]\n" + lines + "\n");
        const auto found = layout_of("shop", {"/nowhere", directory});
        return found ? found->releases + " " + found->link : "none";
    };
    const std::string there = directory + "/app/versions " + directory + "/app/live";
    EXPECT_EQ(layout("ExecStart=/usr/bin/python3 -B " + directory + "/app/live/bin/serve --port 1"), there);
    EXPECT_EQ(layout("ExecStart=-@" + directory + "/app/live/bin/serve serve"), there);
    EXPECT_EQ(layout("ExecStart=/usr/bin/env \\\n  '" + directory + "/app/live/bin/serve'"), there);
    EXPECT_EQ(layout("WorkingDirectory=" + directory + "/app/live\nExecStart=/usr/bin/node server.js"), there);
    EXPECT_EQ(layout("ExecStart=" + directory + "/app/versions/v1/bin/serve"), "none") << "no link on the way";
    EXPECT_EQ(layout("ExecStart=/bin/sh -c true"), "none") << "a link of the system is no release";
    EXPECT_FALSE(layout_of("other.service", {directory}));
    EXPECT_FALSE(layout_of("../shop.service", {directory}));
    fs::create_directory(directory + "/shop.service.d");
    file("shop.service.d/run.conf", "[Service]\nExecStart=\nExecStart=" + directory + "/app/live/bin/serve\n");
    EXPECT_EQ(layout("Type=simple"), there) << "a drop-in says it";
}

TEST_F(Files, init_says_what_the_file_alone_does_not_bring_about) {
    const auto outcome = terminal.run({"init", "--no-questions", "--file", directory + "/new.yaml", "--unit",
                                       "nowhere.service", "--page", "pagerduty"});
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_NE(outcome.err.find("LoadCredential=pagerduty:"), std::string::npos) << outcome.err;
    EXPECT_NE(outcome.err.find("--releases"), std::string::npos) << outcome.err;
}

TEST_F(Files, init_asks_three_questions_and_writes_a_valid_file) {
    terminal.input = "http://127.0.0.1:9000/up\nshop.service\nslack\n";
    const auto outcome = terminal.run({"init", "--file", directory + "/new.yaml"});
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    const LoadResult loaded = load(read("new.yaml"), "new.yaml");
    ASSERT_TRUE(loaded.loaded);
    const auto shop = loaded.loaded->settings.find("shop");
    ASSERT_NE(shop, nullptr);
    EXPECT_EQ(shop->health.front().url, "http://127.0.0.1:9000/up");
    EXPECT_EQ(shop->metrics.front(), "http://127.0.0.1:9000/metrics");
    EXPECT_TRUE(loaded.loaded->notify.slack);
}

TEST_F(Files, init_overwrites_nothing_and_writes_nothing_that_is_wrong) {
    const std::vector<std::string> words{"init", "--no-questions", "--file", directory + "/revertd.yaml"};
    const std::string before = read("revertd.yaml");
    EXPECT_NE(terminal.run(words).code, 0);
    EXPECT_EQ(read("revertd.yaml"), before);
    EXPECT_NE(terminal.run({"init", "--no-questions", "--health", "no url", "--file", directory + "/x.yaml"}).code, 0);
    EXPECT_FALSE(std::filesystem::exists(directory + "/x.yaml"));
    terminal.input = "http://127.0.0.1:9000/up\n";
    EXPECT_NE(terminal.run({"init", "--file", directory + "/y.yaml"}).code, 0);  // the answers ended
    EXPECT_FALSE(std::filesystem::exists(directory + "/y.yaml"));
}

TEST_F(Files, init_takes_every_answer_as_an_option) {
    const auto outcome = terminal.run({"init", "--no-questions", "--file", "-", "--service", "api", "--unit", "off",
                                       "--page", "https://example.com/it's"});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    const LoadResult loaded = load(outcome.out, "stdout");
    ASSERT_TRUE(loaded.loaded);
    EXPECT_EQ(loaded.loaded->notify.webhook->url, "https://example.com/it's");
}

TEST_F(Files, init_writes_a_prometheus_in_place_of_scrapes) {
    const auto outcome = terminal.run({"init", "--no-questions", "--file", "-", "--unit", "off", "--service", "shop",
                                       "--page", "off", "--prometheus", "http://127.0.0.1:9090"});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    const LoadResult loaded = load(outcome.out, "stdout");
    ASSERT_TRUE(loaded.loaded) << outcome.out;
    const auto shop = loaded.loaded->settings.find("shop");
    EXPECT_TRUE(shop->metrics.empty());
    ASSERT_TRUE(shop->prometheus);
    EXPECT_EQ(shop->prometheus->url, "http://127.0.0.1:9090");
    ASSERT_EQ(shop->prometheus_selector.size(), 1U);
    EXPECT_EQ(shop->prometheus_selector[0].value, "shop");
    EXPECT_NE(outcome.out.find("# rollback: { exec:"), std::string::npos) << "what any platform can do";
}

}  // namespace
}  // namespace revertd::ctl
