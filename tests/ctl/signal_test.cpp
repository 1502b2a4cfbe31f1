// SPDX-License-Identifier: Apache-2.0
// The real program and a real signal.
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "tests/ctl/run.h"

extern char** environ;

namespace revertd::ctl {
namespace {

class Program {
  public:
    explicit Program(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), REVERTD_BINARY_DIR "/daemon/revertctl");
        std::vector<char*> argv;
        for (auto& argument : arguments) argv.push_back(argument.data());
        argv.push_back(nullptr);
        if (::posix_spawn(&pid_, argv[0], nullptr, nullptr, argv.data(), environ) != 0) pid_ = -1;
    }

    void send(int signal) const { ::kill(pid_, signal); }

    /// The exit code; -1 if it did not exit by itself.
    [[nodiscard]] int wait() const {
        int status = 0;
        if (pid_ < 0 || ::waitpid(pid_, &status, 0) != pid_) return -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

  private:
    pid_t pid_ = -1;
};

TEST(Signal, ends_the_watch_with_130_and_leaves_the_guard_alone) {
    for (const int signal : {SIGINT, SIGTERM}) {
        FakeDaemon daemon;
        daemon.answer("GET /api/v1/deployments/d-81", {{200, deployment("baking")}});
        const Program program({"--address", daemon.address(), "deploy", "watch", "d-81", "--wait"});
        ASSERT_TRUE(daemon.wait_for_requests(2));
        program.send(signal);
        EXPECT_EQ(program.wait(), 130);
        for (const auto& request : daemon.requests()) EXPECT_EQ(request.method, "GET");
    }
}

TEST(Signal, is_not_needed_where_a_command_simply_ends) {
    FakeDaemon daemon;
    daemon.answer("GET /api/v1/deployments/d-81", {{200, deployment("aborted", R"("exit_code":15)")}});
    EXPECT_EQ(Program({"--address", daemon.address(), "deploy", "watch", "d-81", "--wait"}).wait(), 15);
}

}  // namespace
}  // namespace revertd::ctl
