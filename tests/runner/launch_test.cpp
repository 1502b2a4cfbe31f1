// SPDX-License-Identifier: Apache-2.0
#include "daemon/runner/launch.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "daemon/runner/listen.h"
#include "tests/runner/harness.h"

namespace revertd {
namespace {

constexpr const char* kProgram = REVERTD_BINARY_DIR "/daemon/revertd-runner";

pid_t pid_behind(const std::string& socket) {
    const Result<runner::Fd> connection = runner::connect_to(socket);
    if (!connection) return 0;
    ucred peer{};
    socklen_t size = sizeof peer;
    ::getsockopt(connection->get(), SOL_SOCKET, SO_PEERCRED, &peer, &size);
    return peer.pid;
}

class Launch : public RunnerTest {
  protected:
    Launch() : place_(*find_runner("child", directory_.path())) {}

    ~Launch() override {
        if (const pid_t pid = pid_behind(place_.socket); pid > 1) ::kill(pid, SIGKILL);
    }

    RunnerPlace place_;
};

TEST_F(Launch, modes_are_told_apart) {
    EXPECT_EQ(find_runner("unix:/run/x.sock", "/s")->socket, "/run/x.sock");
    EXPECT_FALSE(find_runner("unix:/run/x.sock", "/s")->own);
    EXPECT_EQ(find_runner("child", "/s")->socket, "/s/runner/socket");
    EXPECT_TRUE(find_runner("child", "/s")->own);
    EXPECT_FALSE(find_runner("unix:relative", "/s"));
    EXPECT_FALSE(find_runner("", "/s"));
}

TEST_F(Launch, a_detached_runner_listens_when_it_returns_and_is_started_once) {
    ASSERT_TRUE(launch_runner(place_, kProgram));
    const pid_t pid = pid_behind(place_.socket);
    EXPECT_GT(pid, 1);
    EXPECT_NE(::getsid(pid), ::getsid(0)) << "its own session";
    ASSERT_TRUE(launch_runner(place_, kProgram));
    EXPECT_EQ(pid_behind(place_.socket), pid);
}

/// A detached runner goes to /, where a relative path means another place.
TEST_F(Launch, a_storage_relative_to_where_one_stands_is_found_again) {
    const auto stood = std::filesystem::current_path();
    std::filesystem::current_path(directory_.path());
    const auto launched = launch_runner(*find_runner("child", "."), kProgram);
    std::filesystem::current_path(stood);
    ASSERT_TRUE(launched) << launched.error().message;
    EXPECT_GT(pid_behind(place_.socket), 1);
}

TEST_F(Launch, says_when_it_cannot) {
    EXPECT_FALSE(launch_runner(place_, "/no/such/program"));
    EXPECT_FALSE(launch_runner(place_, "/bin/false"));
    EXPECT_FALSE(launch_runner({"/" + std::string(200, 'x') + "/socket", true}, kProgram)) << "too long for a socket";
}

TEST_F(Launch, a_runner_that_died_is_revived_and_knows_its_receipts) {
    RunnerClient client(loop_, {place_.socket, [&] { EXPECT_TRUE(launch_runner(place_, kProgram)); }, kPatience});
    std::vector<Receipt> answers;
    const auto collect = [&](const Receipt& receipt) { answers.push_back(receipt); };
    client.start(script("k", "exit 7"), collect);
    run_until([&] { return answers.size() == 1; });
    EXPECT_EQ(answers[0].exit, 7);
    ::kill(pid_behind(place_.socket), SIGKILL);
    run_until([&] { return !client.connected(); });
    client.query("k", collect);
    run_until([&] { return answers.size() == 2; });
    EXPECT_EQ(answers[1].exit, 7);
}

TEST_F(Launch, an_idle_runner_ends_by_itself_but_not_while_a_step_runs) {
    Fifo up(directory_ / "up"), go(directory_ / "go");
    start_runner({"--idle-exit", "100ms"});
    {
        RunnerClient gone(loop_, {directory_ / "socket", {}, kPatience});
        gone.start(script("k", "echo up > $0; read x < $1; exit 4", {up.path(), go.path()}), [](const Receipt&) {});
        run_until([&] { return gone.connected(); });
        ASSERT_EQ(up.read_line(), "up");
    }
    go.write_line("now");
    EXPECT_EQ(wait_for("k").exit, 4);
}

TEST_F(Launch, an_order_that_reaches_nobody_was_not_started) {
    RunnerClient client(loop_, {directory_ / "socket", {}, 50ms});
    std::vector<Receipt> answers;
    const auto collect = [&](const Receipt& receipt) { answers.push_back(receipt); };
    client.start(script("k", "true"), collect);
    client.query("k", collect);
    run_until([&] { return answers.size() == 2; });
    EXPECT_EQ(answers[0].state, StepState::None);
    EXPECT_EQ(answers[0].reason, "the runner cannot be reached");
    EXPECT_EQ(answers[1].state, StepState::NoAnswer) << "which is not the same as no receipt";
}

}  // namespace
}  // namespace revertd
