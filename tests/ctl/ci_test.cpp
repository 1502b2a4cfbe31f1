// SPDX-License-Identifier: Apache-2.0
// `-o junit` and `-o github`: what CI systems read.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "daemon/ctl/github.h"
#include "daemon/ctl/junit.h"
#include "tests/ctl/run.h"

namespace revertd::ctl {
namespace {

constexpr const char* kReport = R"({"rules":[
  {"severity":"P0","text":"health down for 30s","verdict":"ok","held":false,"words":"12 of 12 up"},
  {"severity":"P1","text":"errors > 5% for 2m","verdict":"breach","held":true,"words":"errors 7.9 % <of> \"12\""},
  {"severity":"P1","text":"p95 > 1.5x baseline for 3m","verdict":"insufficient","held":false,"words":null}]})";

class Ci : public ::testing::Test {
  protected:
    Ci() {
        std::string name = (std::filesystem::temp_directory_path() / "revertctl-ci-XXXXXX").string();
        directory = ::mkdtemp(name.data());
        terminal.environment["GITHUB_OUTPUT"] = directory + "/output";
        terminal.environment["GITHUB_STEP_SUMMARY"] = directory + "/summary";
    }

    ~Ci() override { std::filesystem::remove_all(directory); }

    Outcome watch(int exit_code, const std::string& state, const std::vector<std::string>& more) {
        const auto ended = deployment(
            state,
            R"("exit_code":)" + std::to_string(exit_code) +
                R"(,"incident":"i-42","report":"/api/v1/incidents/i-42/report.md","started":"2026-11-20T03:00:00Z",)"
                R"("finished":"2026-11-20T03:10:30Z","verdict_words":"rolled back\n::warning::to v1")");
        daemon.answer("GET /api/v1/deployments/d-81", {{200, ended}});
        daemon.answer("GET /api/v1/incidents/d-81/report.json", {{200, kReport}});
        std::vector<std::string> arguments{"deploy", "watch", "d-81", "--wait"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return terminal.run(arguments);
    }

    std::string file(const std::string& name) const {
        std::ostringstream text;
        text << std::ifstream(directory + "/" + name).rdbuf();
        return text.str();
    }

    std::string directory;
    FakeDaemon daemon;
    Terminal terminal{daemon};
};

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

TEST_F(Ci, junit_has_a_case_for_every_rule_and_one_for_the_verdict) {
    const auto outcome = watch(10, "regression", {"-o", "junit"});
    EXPECT_EQ(outcome.code, 10);
    for (const char* part :
         {"<testsuite name=\"revertd api v2\" tests=\"4\" failures=\"2\" errors=\"0\" skipped=\"1\" time=\"630.000\"",
          "timestamp=\"2026-11-20T03:00:00\"", "name=\"P0: health down for 30s\" time=\"0.000\"></testcase>",
          "<failure message=\"errors 7.9 % &lt;of&gt; &quot;12&quot;\" type=\"P1\">",
          "name=\"P1: p95 &gt; 1.5x baseline for 3m\" time=\"0.000\"><skipped message=\"insufficient\"/>",
          "name=\"bake\"", "type=\"exit 10\""})
        EXPECT_TRUE(has(outcome.out, part)) << part << "\n" << outcome.out;
}

TEST_F(Ci, an_inconclusive_bake_is_an_error_or_skipped_as_asked) {
    EXPECT_TRUE(has(watch(14, "inconclusive", {"-o", "junit"}).out, "errors=\"1\""));
    const auto passed = watch(14, "inconclusive", {"-o", "junit", "--inconclusive", "pass"});
    EXPECT_EQ(passed.code, 0);
    EXPECT_TRUE(has(passed.out, "errors=\"0\" skipped=\"2\"")) << passed.out;
}

TEST_F(Ci, github_is_told_in_all_three_places) {
    const auto outcome = watch(10, "regression", {"-o", "github"});
    EXPECT_EQ(outcome.code, 10);
    EXPECT_EQ(
        outcome.out,
        "::error title=revertd%3A api v2::api v2: regression, rolled back%0A::warning::to v1%0Awhy: revertctl explain "
        "i-42\n");
    EXPECT_EQ(file("output"),
              "outcome=regression\nexit_code=10\ndeployment=d-81\nincident=i-42\n"
              "report_url=/api/v1/incidents/i-42/report.md\n");
    EXPECT_TRUE(has(file("summary"), "| errors \\> 5% for 2m | P1 | **yes** | errors 7.9 % \\<of\\> \"12\" |"))
        << file("summary");
}

TEST_F(Ci, github_needs_none_of_its_files) {
    terminal.environment.erase("GITHUB_OUTPUT");
    terminal.environment.erase("GITHUB_STEP_SUMMARY");
    EXPECT_TRUE(watch(0, "healthy", {"-o", "github"}).out.starts_with("::notice "));
    terminal.environment["GITHUB_OUTPUT"] = directory + "/none/output";
    const auto outcome = watch(0, "healthy", {"-o", "github"});
    EXPECT_EQ(outcome.code, 0);  // the verdict does not depend on it
    EXPECT_TRUE(has(outcome.err, "cannot be written")) << outcome.err;
}

TEST_F(Ci, start_gives_the_id_to_later_steps) {
    daemon.answer("POST /api/v1/deployments", {{201, deployment("rolling")}});
    EXPECT_EQ(terminal.run({"deploy", "start", "api", "--version", "v2", "-o", "github"}).code, 0);
    EXPECT_EQ(file("output"), "deployment=d-81\n");
}

TEST_F(Ci, gate_says_why_not) {
    daemon.answer("GET /api/v1/gate?service=api&version=v2",
                  {{200, R"({"go":false,"code":3,"reason":"v2 is known to be bad"})"}});
    const auto outcome = terminal.run({"gate", "api", "v2", "-o", "github"});
    EXPECT_EQ(outcome.code, 3);
    EXPECT_EQ(outcome.out, "::error title=revertd gate::api v2: no go: v2 is known to be bad\n");
    EXPECT_EQ(file("output"), "go=false\ncode=3\n");
}

TEST_F(Ci, check_points_at_the_line) {
    std::ofstream(directory + "/bad.yaml") << "services:\n  api:\n    bakee: 15m\n";
    const auto github = terminal.run({"check", directory + "/bad.yaml", "-o", "github"});
    EXPECT_EQ(github.code, 1);
    EXPECT_TRUE(has(github.out, "::error file=" + directory + "/bad.yaml,line=3,col=5,title=revertctl check::"))
        << github.out;
    const auto junit = terminal.run({"check", directory + "/bad.yaml", "-o", "junit"});
    EXPECT_TRUE(has(junit.out, "tests=\"1\" failures=\"1\"")) << junit.out;
}

TEST(Junit, has_no_character_that_xml_has_no_place_for) {
    TestSuite suite{.name = "a\x01\x1b[31m", .classname = "c", .timestamp = {}, .cases = {}};
    EXPECT_TRUE(has(junit_xml(suite), "name=\"a[31m\""));
}

}  // namespace
}  // namespace revertd::ctl
