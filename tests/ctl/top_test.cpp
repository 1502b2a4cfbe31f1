// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/top.h"

#include <gtest/gtest.h>

#include "daemon/ctl/text.h"
#include "tests/ctl/run.h"

namespace revertd::ctl {
namespace {

constexpr const char* kStatus = R"({"halted":true,"halted_by":"ana","services":[
  {"name":"api","mode":"enforce","live":"v1","good":"v1","ready_to_rollback":true,"guard":{"id":"d-81","version":"v2","state":"baking","phase_words":"healthy"},"last_incident":null},
  {"name":"web","mode":"enforce","live":"v7","good":null,"ready_to_rollback":false,"why_not":"no version is known to be good","guard":null,"last_incident":{"id":"i-4","state":"held"}}]})";

TopView view() {
    TopView view;
    view.status = *Json::parse(kStatus);
    view.guards.push_back(*Json::parse(deployment("baking", R"("elapsed":300,"phase_words":"healthy")")));
    return view;
}

std::string joined(const std::vector<std::string>& lines) {
    std::string out;
    for (const auto& line : lines) out += line + "\n";
    return out;
}

TEST(Top, shows_brakes_guards_and_services) {
    const auto text = joined(render_top(view(), {.now = kNow}));
    for (const char* part : {"revertd  2 services, 1 guard, 1 open incident", "HALTED by ana",
                             "api v2 (was v1)  deploy d-81", "█████", "SERVICE", "web", "no: no version", "q quits"})
        EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST(Top, fits_every_window) {
    for (const std::size_t columns : {1U, 2U, 15U, 40U, 80U, 200U}) {
        for (const std::size_t rows : {1U, 2U, 3U, 5U, 15U, 24U, 50U}) {
            const auto lines = render_top(view(), {.columns = columns, .rows = rows, .now = kNow});
            EXPECT_LE(lines.size(), rows);
            for (const auto& line : lines) EXPECT_LE(display_width(line), columns) << line;
        }
    }
    EXPECT_NE(joined(render_top(view(), {.rows = 6, .now = kNow})).find("more lines"), std::string::npos);
}

class TopCommand : public ::testing::Test {
  protected:
    TopCommand() {
        daemon.answer("GET /api/v1/status", {{200, kStatus}});
        daemon.answer("GET /api/v1/deployments/d-81", {{200, deployment("baking")}});
        terminal.is_terminal = true;
    }

    FakeDaemon daemon;
    Terminal terminal{daemon};
};

TEST_F(TopCommand, leaves_the_terminal_as_it_was) {
    terminal.time.keys = "..xq";
    const auto outcome = terminal.run({"top"});
    EXPECT_EQ(outcome.code, 0);
    EXPECT_TRUE(outcome.out.starts_with("\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[H"));
    EXPECT_TRUE(outcome.out.ends_with("\x1b[?7h\x1b[?25h\x1b[?1049l"));
    EXPECT_FALSE(terminal.time.holds_keys);
    EXPECT_EQ(outcome.err, "");
    // A frame never scrolls: its last line has no newline. Every line clears what stood there before it is written.
    EXPECT_EQ(outcome.out.find("\n\x1b[H"), std::string::npos);
    EXPECT_NE(outcome.out.find("\r\n\x1b[Jq quits\x1b[H"), std::string::npos);
    EXPECT_EQ(outcome.out.find("\x1b[K"), std::string::npos);
}

TEST_F(TopCommand, obeys_what_is_said_about_colour) {
    const auto is_coloured = [this](const std::map<std::string, std::string>& variables) {
        auto environment = terminal.environment;
        terminal.environment.insert(variables.begin(), variables.end());
        terminal.time.keys = "q";
        const auto outcome = terminal.run({"top"});
        terminal.environment = environment;
        return outcome.out.find("\x1b[32m") != std::string::npos;
    };
    EXPECT_TRUE(is_coloured({}));
    EXPECT_FALSE(is_coloured({{"NO_COLOR", "1"}}));
    EXPECT_FALSE(is_coloured({{"CLICOLOR", "0"}}));
    EXPECT_TRUE(is_coloured({{"CLICOLOR", "0"}, {"CLICOLOR_FORCE", "1"}}));
    EXPECT_FALSE(is_coloured({{"CLICOLOR_FORCE", "1"}, {"NO_COLOR", "1"}}));
}

TEST_F(TopCommand, asks_at_most_once_a_second) {
    terminal.time.keys = std::string(39, '.') + "q";  // ten seconds
    EXPECT_EQ(terminal.run({"top"}).code, 0);
    std::size_t asked = 0;
    for (const auto& request : daemon.requests()) asked += request.path == "/api/v1/status" ? 1 : 0;
    EXPECT_LE(asked, 11U);
    EXPECT_GE(asked, 5U);
}

TEST_F(TopCommand, ends_with_130_when_it_is_interrupted) {
    terminal.time.interrupt_at = 3;
    EXPECT_EQ(terminal.run({"top"}).code, 130);
    EXPECT_FALSE(terminal.time.holds_keys);
}

TEST_F(TopCommand, needs_a_terminal) {
    terminal.environment["TERM"] = "dumb";
    EXPECT_EQ(terminal.run({"top"}).code, 2);
    terminal.environment["TERM"] = "xterm";
    terminal.is_terminal = false;
    const auto outcome = terminal.run({"top"});
    EXPECT_EQ(outcome.code, 2);
    EXPECT_EQ(outcome.out, "");
    EXPECT_NE(outcome.err.find("hint: revertctl status"), std::string::npos);
}

TEST(TopWithoutDaemon, is_an_error_before_the_screen_is_touched) {
    Terminal terminal;
    terminal.is_terminal = true;
    terminal.environment["REVERTD_ADDRESS"] = "unix:/nonexistent/s";
    const auto outcome = terminal.run({"top"});
    EXPECT_EQ(outcome.code, 69);
    EXPECT_EQ(outcome.out, "");
}

}  // namespace
}  // namespace revertd::ctl
