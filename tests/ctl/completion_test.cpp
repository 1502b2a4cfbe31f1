// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <sstream>

#include "tests/ctl/run.h"

namespace revertd::ctl {
namespace {

class Completion : public ::testing::Test {
  protected:
    Completion() {
        daemon.answer("GET /api/v1/services",
                      {{200, R"([{"name":"api","mode":"enforce","live":"v1"},{"name":"web"}])"}});
        daemon.answer("GET /api/v1/deployments?limit=50", {{200, R"([{"id":"d-81","service":"api","version":"v2"}])"}});
        daemon.answer("GET /api/v1/incidents?limit=50", {{200, R"([{"id":"i-42","service":"api"}])"}});
        daemon.answer("GET /api/v1/services/api/versions", {{200, R"([{"version":"v1","state":"good"}])"}});
    }

    /// The words that are offered, without what they mean.
    std::vector<std::string> offered(std::vector<std::string> words) {
        words.insert(words.begin(), {"__complete", "--"});
        std::istringstream in(terminal.run(words).out);
        std::vector<std::string> out;
        for (std::string line; std::getline(in, line);) out.push_back(line.substr(0, line.find('\t')));
        return out;
    }

    FakeDaemon daemon;
    Terminal terminal{daemon};
};

using Words = std::vector<std::string>;

TEST_F(Completion, offers_commands_and_verbs) {
    EXPECT_EQ(offered({"dep"}), Words{"deploy"});
    EXPECT_EQ(offered({"deploy", "a"}), Words{"abort"});
    const auto all = offered({""});
    EXPECT_NE(std::find(all.begin(), all.end(), "top"), all.end());
    EXPECT_EQ(std::find(all.begin(), all.end(), "backtest"), all.end());  // not built
}

TEST_F(Completion, asks_the_daemon_for_names) {
    EXPECT_EQ(offered({"deploy", "start", ""}), (Words{"api", "web"}));
    EXPECT_EQ(offered({"deploy", "watch", ""}), (Words{"api", "web", "d-81"}));
    EXPECT_EQ(offered({"deploy", "watch", "--wait", "d"}), Words{"d-81"});
    EXPECT_EQ(offered({"approve", "i"}), Words{"i-42"});
    EXPECT_EQ(offered({"good", "mark", "api", ""}), Words{"v1"});
    EXPECT_EQ(offered({"good", "mark", "api", "v1", ""}), Words{});
}

TEST_F(Completion, knows_options_and_their_values) {
    EXPECT_EQ(offered({"deploy", "watch", "--incon"}), Words{"--inconclusive"});
    EXPECT_EQ(offered({"deploy", "watch", "--inconclusive", ""}), (Words{"fail", "pass"}));
    EXPECT_EQ(offered({"deploy", "watch", "--inconclusive=p"}), Words{"--inconclusive=pass"});
    EXPECT_EQ(offered({"deploy", "watch", "--inconclusive", "=", "p"}), Words{"pass"});  // as bash splits it
    EXPECT_EQ(offered({"-o", "js"}), (Words{"json", "jsonl"}));
    EXPECT_EQ(offered({"status", "--out"}), Words{"--output"});
    EXPECT_EQ(offered({"completion", "z"}), Words{"zsh"});
}

TEST_F(Completion, is_silent_without_a_daemon) {
    terminal.environment["REVERTD_ADDRESS"] = "unix:/nonexistent/s";
    const auto outcome = terminal.run({"__complete", "--", "approve", ""});
    EXPECT_EQ(outcome.code, 0);
    EXPECT_EQ(outcome.out + outcome.err, "");
}

TEST_F(Completion, prints_a_script_for_each_shell) {
    for (const char* shell : {"bash", "zsh", "fish"})
        EXPECT_NE(terminal.run({"completion", shell}).out.find("__complete"), std::string::npos) << shell;
    EXPECT_EQ(terminal.run({"completion", "csh"}).code, 2);
}

}  // namespace
}  // namespace revertd::ctl
