// SPDX-License-Identifier: Apache-2.0
#include "daemon/runner/helpers.h"
#include "daemon/io/system_clock.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <thread>

#include "tests/runner/harness.h"

namespace revertd {
namespace {

namespace fs = std::filesystem;

class Flip : public testing::Test {
  protected:
    Flip() {
        for (const char* id : {"v1", "v2"}) fs::create_directories(directory_ / ("releases/" + std::string(id)));
    }

    [[nodiscard]] std::string link() const { return directory_ / "current"; }

    int to(const std::string& id) {
        testing::internal::CaptureStdout();
        const int exit =
            runner::flip({{{"--link", link()}, {"--releases", directory_ / "releases"}, {"--to", id}}, {}});
        std::fflush(stdout);
        words_ = testing::internal::GetCapturedStdout();
        return exit;
    }

    TemporaryDirectory directory_;
    std::string words_;
};

TEST_F(Flip, makes_the_link_and_says_when_it_is_there) {
    EXPECT_EQ(to("v1"), 0);
    EXPECT_EQ(fs::read_symlink(link()), "releases/v1") << "relative, as the layout has it";
    EXPECT_EQ(to("v1"), 10);
    EXPECT_EQ(to("v2"), 0);
    EXPECT_EQ(fs::read_symlink(link()), "releases/v2");
}

TEST_F(Flip, a_link_elsewhere_is_absolute) {
    fs::create_directories(directory_ / "etc");
    const std::string elsewhere = directory_ / "etc/live";
    EXPECT_EQ(runner::flip({{{"--link", elsewhere}, {"--releases", directory_ / "releases"}, {"--to", "v1"}}, {}}), 0);
    EXPECT_EQ(fs::read_symlink(elsewhere), directory_ / "releases/v1");
}

TEST_F(Flip, refuses_targets_that_are_no_release) {
    fs::create_directories(directory_ / "outside");
    write_text(directory_ / "releases/file", "");
    fs::create_symlink(directory_ / "outside", directory_ / "releases/escape");
    EXPECT_EQ(to("v1"), 0);
    for (const char* id : {"", ".", "..", "../outside", "v1/..", "v9", "file", "escape"}) EXPECT_EQ(to(id), 78) << id;
    EXPECT_EQ(fs::read_symlink(link()), "releases/v1");
}

TEST_F(Flip, touches_nothing_that_is_not_a_link) {
    fs::create_directories(link());
    EXPECT_EQ(to("v1"), 78);
    EXPECT_TRUE(fs::is_directory(link()));
}

TEST_F(Flip, leaves_no_temporary_link_behind) {
    EXPECT_EQ(to("v1"), 0);
    std::size_t entries = 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator(directory_.path())) ++entries;
    EXPECT_EQ(entries, 2U);
}

TEST_F(Flip, no_reader_ever_finds_no_link) {
    ASSERT_EQ(to("v1"), 0);
    std::atomic<bool> over = false;
    std::atomic<long> reads = 0, misses = 0;
    std::thread reader([&] {
        std::array<char, 256> buffer{};
        while (!over) {
            const ssize_t n = ::readlink(link().c_str(), buffer.data(), buffer.size());
            const std::string_view text(buffer.data(), n < 0 ? 0 : static_cast<std::size_t>(n));
            if (text != "releases/v1" && text != "releases/v2") ++misses;
            ++reads;
        }
    });
    for (int i = 0; i < 300 || reads < 1000; ++i) EXPECT_EQ(to(i % 2 == 0 ? "v2" : "v1"), 0);
    over = true;
    reader.join();
    EXPECT_EQ(misses, 0);
}

/// A systemctl that tells what the test wrote, and notes how it was called.
class Units : public testing::Test {
  protected:
    Units() {
        for (const char* id : {"v1", "v2"})
            fs::create_directories(directory_ / ("releases/" + std::string(id) + "/bin"));
        fs::create_directory_symlink("releases/v2", directory_ / "current");
        write_text(systemctl(),
                   "#!/bin/sh\necho \"$@\" >> " + (directory_ / "calls") + "\ncat " + (directory_ / "shown") +
                       "\nexit $(cat " + (directory_ / "exit") + ")\n",
                   0755);
        write_text(directory_ / "exit", "0");
    }

    ~Units() override {
        for (const pid_t pid : pids_) {
            ::kill(pid, SIGKILL);
            ::waitpid(pid, nullptr, 0);
        }
    }

    [[nodiscard]] std::string systemctl() const { return directory_ / "systemctl"; }

    /// A process that works in a directory.
    pid_t process_in(const std::string& directory) {
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
        std::array<char*, 3> argv{const_cast<char*>("sleep"), const_cast<char*>("1000"), nullptr};
        pid_t pid = 0;
        EXPECT_EQ(::posix_spawn(&pid, "/bin/sleep", &actions, nullptr, argv.data(), environ), 0);
        ::posix_spawn_file_actions_destroy(&actions);
        pids_.push_back(pid);
        return pid;
    }

    struct Answer {
        int exit;
        std::string output;
    };

    /// `shown` are the blocks of `systemctl show`, one a unit.
    Answer observe(const std::vector<std::string>& shown) {
        std::string text;
        std::vector<std::string> units;
        for (const std::string& block : shown) {
            text += (text.empty() ? "" : "\n") + block;
            units.push_back("unit" + std::to_string(units.size()) + ".service");
        }
        write_text(directory_ / "shown", text);
        testing::internal::CaptureStdout();
        const int exit = runner::observe_systemd({{{"--releases", directory_ / "releases"},
                                                   {"--current", directory_ / "current"},
                                                   {"--systemctl", systemctl()}},
                                                  units});
        std::fflush(stdout);
        return {exit, testing::internal::GetCapturedStdout()};
    }

    static std::string block(pid_t pid, const std::string& active, const std::string& load = "loaded") {
        return "MainPID=" + std::to_string(pid) + "\nLoadState=" + load + "\nActiveState=" + active + "\n";
    }

    TemporaryDirectory directory_;
    std::vector<pid_t> pids_;
};

TEST_F(Units, the_process_says_what_runs_and_not_the_link) {
    const Answer answer = observe({block(process_in(directory_ / "releases/v1"), "active")});
    EXPECT_EQ(answer.exit, 0);
    EXPECT_EQ(answer.output, "v1\n") << "the link is at v2: a half rollback";
}

TEST_F(Units, a_directory_within_the_release_counts) {
    EXPECT_EQ(observe({block(process_in(directory_ / "releases/v2/bin"), "active")}).output, "v2\n");
}

TEST_F(Units, the_program_file_counts_where_the_directory_does_not) {
    fs::copy_file("/bin/sleep", directory_ / "releases/v1/bin/service");
    std::array<char*, 3> argv{const_cast<char*>("service"), const_cast<char*>("1000"), nullptr};
    pid_t pid = 0;
    ASSERT_EQ(
        ::posix_spawn(&pid, (directory_ / "releases/v1/bin/service").c_str(), nullptr, nullptr, argv.data(), environ),
        0);
    pids_.push_back(pid);
    EXPECT_EQ(observe({block(pid, "active")}).output, "v1\n");
}

TEST_F(Units, a_script_is_known_by_its_command_line_until_the_link_is_changed) {
    const auto script = [this](const std::string& path) {
        std::vector<std::string> words{"sh", "-c", "kill -STOP $$", path};
        std::vector<char*> argv;
        for (std::string& word : words) argv.push_back(word.data());
        argv.push_back(nullptr);
        pid_t pid = 0;
        EXPECT_EQ(::posix_spawn(&pid, "/bin/sh", nullptr, nullptr, argv.data(), environ), 0);
        pids_.push_back(pid);
        return pid;
    };
    EXPECT_EQ(observe({block(script(directory_ / "releases/v1/serve.py"), "active")}).output, "v1\n");
    EXPECT_EQ(observe({block(script(directory_ / "elsewhere/serve.py"), "active")}).exit, 1);
    const pid_t by_link = script(directory_ / "current/serve.py");
    EXPECT_EQ(observe({block(by_link, "active")}).output, "v2\n");
    // From here on the process is older than the link, by more than the clocks' grain after a few rounds.
    Answer answer{0, {}};
    for (int round = 0; round < 500 && answer.exit == 0; ++round) {
        fs::remove(directory_ / "current");
        fs::create_directory_symlink("releases/v1", directory_ / "current");
        answer = observe({block(by_link, "active")});
    }
    EXPECT_EQ(answer.exit, 1) << "a half rollback is not taken for a whole one: " << answer.output;
    EXPECT_EQ(observe({block(script(directory_ / "current/serve.py"), "active")}).output, "v1\n");
}

TEST_F(Units, settling_while_one_moves_or_runs_something_else) {
    const pid_t v1 = process_in(directory_ / "releases/v1"), v2 = process_in(directory_ / "releases/v2");
    EXPECT_EQ(observe({block(v1, "activating")}).output, "v1 settling\n");
    EXPECT_EQ(observe({block(v1, "active"), block(v2, "active")}).output, "v1 settling\n");
    EXPECT_EQ(observe({block(v1, "active"), block(0, "activating")}).output, "v1 settling\n");
    EXPECT_EQ(observe({block(v1, "active"), block(v1, "active")}).output, "v1\n");
    EXPECT_EQ(observe({block(v1, "active"), block(0, "inactive")}).output, "v1\n") << "a timer's unit is idle";
}

TEST_F(Units, nothing_runs_is_exit_3_and_tells_a_release_that_was_tried_from_one_that_the_link_only_names) {
    const auto ended = [](Duration started) {
        return block(0, "failed") + "ExecMainStartTimestampMonotonic=" + std::to_string(started / 1us) + "\n";
    };
    EXPECT_EQ(observe({ended(since_boot())}).exit, 3);
    EXPECT_EQ(observe({ended(since_boot())}).output, "v2 tried\n");
    EXPECT_EQ(observe({ended(1s)}).output, "\n") << "the link was changed after that process";
    EXPECT_EQ(observe({ended(0s)}).output, "\n") << "never started";
    EXPECT_EQ(observe({block(0, "activating")}).exit, 3) << "between two crashes";
}

TEST_F(Units, what_cannot_be_known_is_no_answer) {
    EXPECT_EQ(observe({block(process_in("/"), "active")}).exit, 1);
    EXPECT_EQ(observe({block(0, "inactive", "not-found")}).exit, 78);
    EXPECT_EQ(observe({block(1 << 22, "active")}).exit, 1) << "gone meanwhile";
    write_text(directory_ / "exit", "1");
    EXPECT_EQ(observe({block(0, "failed")}).exit, 1);
    write_text(directory_ / "exit", "0");
    EXPECT_EQ(observe({""}).exit, 1);
}

TEST_F(Units, a_restart_clears_the_start_limit_first) {
    write_text(directory_ / "shown", "");
    EXPECT_EQ(runner::restart_unit({{{"--systemctl", systemctl()}}, {"api.service"}}), 0);
    EXPECT_EQ(read_text(directory_ / "calls"), "reset-failed -- api.service\nrestart -- api.service\n");
    write_text(directory_ / "exit", "5");
    EXPECT_EQ(runner::restart_unit({{{"--systemctl", systemctl()}}, {"api.service"}}), 5);
    EXPECT_EQ(runner::restart_unit({{{"--systemctl", "/no/such"}}, {"api.service"}}), 1);
}

TEST(Helpers, wrong_arguments_show_how_it_is_used) {
    EXPECT_EQ(runner::run_helper({"revertd-runner"}), std::nullopt);
    EXPECT_EQ(runner::run_helper({"revertd-runner", "--storage", "x"}), std::nullopt);
    EXPECT_EQ(runner::run_helper({"revertd-runner", "flip", "--link", "/a"}), 64);
    EXPECT_EQ(runner::run_helper({"revertd-runner", "flip", "--link", "/a", "--releases", "/b", "--odd", "c"}), 64);
    EXPECT_EQ(runner::run_helper({"revertd-runner", "restart-unit", "--systemctl", "/a"}), 64);
    EXPECT_EQ(runner::run_helper({"revertd-runner", "restart-unit", "--systemctl", "/a", "--", "b", "c"}), 64);
}

}  // namespace
}  // namespace revertd
