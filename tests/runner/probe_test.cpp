// SPDX-License-Identifier: Apache-2.0
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "daemon/runner/listen.h"
#include "daemon/runner/process.h"
#include "tests/runner/harness.h"

namespace revertd {
namespace {

class Probes : public RunnerTest {
  protected:
    Probes() { start_runner({"--grace", "200ms"}); }
};

TEST_F(Probes, give_output_and_exit_code) {
    const ProbeResult result = probe({"/bin/sh", "-c", "echo v1; echo noise >&2"});
    EXPECT_EQ(result.exit, 0);
    EXPECT_EQ(result.output, "v1\n");
    EXPECT_EQ(result.error, "noise\n");
    EXPECT_EQ(probe({"/bin/sh", "-c", "exit 3"}).exit, 3);
}

TEST_F(Probes, may_be_repeated_and_leave_nothing) {
    for (int i = 0; i < 3; ++i) EXPECT_EQ(probe({"/bin/echo", "v1"}).output, "v1\n");
    for (const auto& file : std::filesystem::directory_iterator(directory_ / "storage"))
        EXPECT_NE(file.path().extension(), ".receipt");
}

TEST_F(Probes, leave_no_process_of_their_group_behind) {
    const std::string pid_file = directory_ / "pid";
    const ProbeResult result = probe({"/bin/sh", "-c", "sleep 1000 & echo $! > " + pid_file + "; echo v1"});
    EXPECT_EQ(result.output, "v1\n");
    pid_t left = 0;
    ASSERT_TRUE(std::ifstream(pid_file) >> left);
    std::function<void()> look = [&] { (void)loop_.at(loop_.now() + 5ms, look); };
    look();
    run_until([&] { return !runner::start_ticks_of(left); });  // asked every second, they would become many
}

TEST_F(Probes, that_hang_crash_or_flood_are_no_answer) {
    EXPECT_EQ(probe({"/bin/sleep", "1000"}, 200ms).exit, -1);
    EXPECT_EQ(probe({"/bin/sleep", "1000"}, 200ms).error, "its deadline passed; ended by SIGTERM");
    EXPECT_EQ(probe({"/bin/sh", "-c", "kill -9 $$"}).error, "ended by signal 9");
    EXPECT_EQ(probe({"/bin/sh", "-c", "yes | head -c 100000"}).error, "it printed more than 64 KiB");
    EXPECT_EQ(probe({"/bin/sh", "-c", "yes | head -c 100000"}).exit, -1);
    EXPECT_EQ(probe({"/no/such"}).exit, -1);
    EXPECT_EQ(probe({"relative"}).exit, -1);
}

TEST_F(Probes, the_runner_brings_its_own) {
    const ProbeResult result = probe({"revertd-runner", "flip"});
    EXPECT_EQ(result.exit, 64);
    EXPECT_NE(result.error.find("usage: revertd-runner flip --link VALUE"), std::string::npos);
}

/// As another user: false when the connection is closed without a word.
bool is_served_as(uid_t user, const std::string& socket) {
    const pid_t child = ::fork();
    if (child == 0) {
        if (::setgid(user) != 0 || ::setuid(user) != 0) ::_exit(2);
        const Result<runner::Fd> connection = runner::connect_to(socket);
        if (!connection) ::_exit(3);
        const std::string question = "{\"id\":1,\"do\":\"query\",\"key\":\"k\"}\n";
        [[maybe_unused]] const ssize_t sent = ::send(connection->get(), question.data(), question.size(), MSG_NOSIGNAL);
        char byte = 0;
        pollfd wanted{connection->get(), POLLIN, 0};
        ::poll(&wanted, 1, 10'000);
        ::_exit(::recv(connection->get(), &byte, 1, 0) == 1 ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_LE(WEXITSTATUS(status), 1) << "the test itself did not work";
    return WEXITSTATUS(status) == 0;
}

class Peers : public RunnerTest {
  protected:
    void open_to_all() {
        EXPECT_EQ(query("k").state, StepState::None);  // it listens
        ::chmod(directory_.path().c_str(), 0755);
        ::chmod((directory_ / "socket").c_str(), 0666);  // as if the permissions had been wrong
    }
};

TEST_F(Peers, another_user_is_not_listened_to) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to be somebody else";
    start_runner();
    open_to_all();
    EXPECT_FALSE(is_served_as(4711, directory_ / "socket"));
    EXPECT_EQ(query("k").state, StepState::None) << "and we still are";
}

TEST_F(Peers, a_named_user_is) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to be somebody else";
    start_runner({"--allow-user", "4711"});
    open_to_all();
    EXPECT_TRUE(is_served_as(4711, directory_ / "socket"));
    EXPECT_FALSE(is_served_as(4712, directory_ / "socket"));
}

TEST_F(Peers, the_socket_is_not_for_everybody) {
    start_runner();
    EXPECT_EQ(query("k").state, StepState::None);

    struct stat info {};

    ASSERT_EQ(::stat((directory_ / "socket").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0660U);
}

}  // namespace
}  // namespace revertd
