// SPDX-License-Identifier: Apache-2.0
// At most once, whoever dies (S33, S34).
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <optional>

#include "tests/runner/harness.h"

namespace revertd {
namespace {

class Receipts : public RunnerTest {
  protected:
    /// Every start leaves a line in `starts`; then the step tells `up`, and ends with the code that it reads from `go`.
    StepOrder counted(const std::string& key) {
        return script(key, "echo x >> $0; echo up > $1; read code < $2; exit $code",
                      {starts(), up_.path(), go_.path()});
    }

    [[nodiscard]] std::string starts() const { return directory_ / "starts"; }

    [[nodiscard]] auto count_starts() const {
        const std::string text = read_text(starts());
        return std::count(text.begin(), text.end(), '\n');
    }

    /// Starts it and returns when its program is under way.
    void begin(const std::string& key) {
        client_.start(counted(key), [this](const Receipt& receipt) { ended_ = receipt; });
        run_until([&] { return client_.connected(); });
        ASSERT_EQ(up_.read_line(), "up");
    }

    Receipt end() {
        run_until([&] { return ended_.has_value(); });
        return ended_.value_or(Receipt{});
    }

    Fifo up_{directory_ / "up"}, go_{directory_ / "go"};
    std::optional<Receipt> ended_;
};

TEST_F(Receipts, a_second_start_is_refused_while_the_first_runs) {
    start_runner();
    begin("k");
    const Receipt second = run(counted("k"));
    EXPECT_EQ(second.state, StepState::Running);
    EXPECT_TRUE(second.repeated);
    EXPECT_EQ(query("k").state, StepState::Running);
    go_.write_line("0");
    EXPECT_EQ(end().state, StepState::Done);
    EXPECT_EQ(count_starts(), 1);
}

TEST_F(Receipts, a_second_start_is_told_how_the_first_ended) {
    start_runner();
    begin("k");
    go_.write_line("3");
    EXPECT_EQ(end().exit, 3);
    const Receipt second = run(counted("k"));
    EXPECT_TRUE(second.repeated);
    EXPECT_EQ(second.state, StepState::Failed);
    EXPECT_EQ(second.exit, 3);
    EXPECT_EQ(count_starts(), 1);
}

TEST_F(Receipts, outlive_the_runner) {
    start_runner();
    EXPECT_EQ(run(script("k", "echo words; exit 5")).state, StepState::Failed);
    EXPECT_EQ(stop_runner(), 0);
    start_runner();
    const Receipt later = query("k");
    EXPECT_EQ(later.state, StepState::Failed);
    EXPECT_EQ(later.exit, 5);
    EXPECT_EQ(later.output, "words\n");
    EXPECT_TRUE(run(script("k", "exit 0")).repeated);
    EXPECT_EQ(query("other").state, StepState::None);
}

TEST_F(Receipts, a_step_goes_on_when_its_runner_is_killed_and_the_next_one_adopts_it) {
    start_runner();
    begin("k");
    kill_runner();
    EXPECT_EQ(end().state, StepState::NoAnswer);
    start_runner();
    EXPECT_EQ(query("k").state, StepState::Running);
    const Receipt second = run(counted("k"));
    EXPECT_TRUE(second.repeated);
    EXPECT_EQ(second.state, StepState::Running);
    go_.write_line("0");
    const Receipt ended = wait_for("k");
    EXPECT_EQ(ended.state, StepState::Unknown);
    EXPECT_EQ(ended.reason, "it ended after its runner had died: the exit code is lost");
    EXPECT_EQ(count_starts(), 1);
    EXPECT_EQ(query("k").state, StepState::Unknown);
}

TEST_F(Receipts, an_adopted_step_keeps_its_deadline) {
    start_runner({"--grace", "200ms"});
    StepOrder order = script("k", "trap '' TERM; echo up > $0; while :; do sleep 1000; done", {up_.path()});
    order.step.deadline = 1s;
    client_.start(order, [this](const Receipt& receipt) { ended_ = receipt; });
    run_until([&] { return client_.connected(); });
    ASSERT_EQ(up_.read_line(), "up");
    kill_runner();
    start_runner({"--grace", "200ms"});
    const Receipt ended = wait_for("k");
    EXPECT_EQ(ended.state, StepState::Unknown);
    EXPECT_EQ(ended.reason, "its deadline passed; ended by SIGTERM, then SIGKILL");
}

TEST_F(Receipts, a_step_that_ended_while_no_runner_lived_is_unknown) {
    Fifo over(directory_ / "over");
    start_runner();
    client_.start(script("k", "echo x >> $0; echo up > $1; read code < $2; echo over > $3",
                         {starts(), up_.path(), go_.path(), over.path()}),
                  [this](const Receipt& receipt) { ended_ = receipt; });
    run_until([&] { return client_.connected(); });
    ASSERT_EQ(up_.read_line(), "up");
    kill_runner();
    EXPECT_EQ(end().state, StepState::NoAnswer);
    go_.write_line("0");
    ASSERT_EQ(over.read_line(), "over");
    start_runner();
    EXPECT_EQ(wait_for("k").state, StepState::Unknown);
    EXPECT_TRUE(run(counted("k")).repeated);
    EXPECT_EQ(count_starts(), 1);
}

TEST_F(Receipts, a_pid_that_is_somebody_elses_now_is_not_adopted) {
    start_runner();
    EXPECT_EQ(run(script("k", "true")).state, StepState::Done);
    EXPECT_EQ(stop_runner(), 0);
    // As if the step's number had been given to this very process, and the boot were the same.
    for (const auto& file : std::filesystem::directory_iterator(directory_ / "storage")) {
        if (file.path().extension() != ".receipt") continue;
        std::string line = read_text(file.path());
        line = line.substr(0, line.find('\n') + 1);
        const std::size_t pid = line.find("\"pid\":") + 6;
        line.replace(pid, line.find(',', pid) - pid, std::to_string(::getpid()));
        write_text(file.path(), line);
    }
    start_runner();
    const Receipt receipt = query("k");
    EXPECT_EQ(receipt.state, StepState::Unknown);
    EXPECT_EQ(receipt.reason, "the runner died while it ran");
}

TEST_F(Receipts, a_torn_receipt_still_refuses_and_is_unknown) {
    start_runner();
    EXPECT_EQ(run(script("k", "true")).state, StepState::Done);
    EXPECT_EQ(stop_runner(), 0);
    for (const auto& file : std::filesystem::directory_iterator(directory_ / "storage")) {
        if (file.path().extension() != ".receipt") continue;
        write_text(file.path(), read_text(file.path()).substr(0, 20));
    }
    start_runner();
    const Receipt second = run(counted("k"));
    EXPECT_EQ(second.state, StepState::Unknown);
    EXPECT_TRUE(second.repeated);
    EXPECT_EQ(count_starts(), 0);
}

/// Tells when something happens to a file of a directory, from its making on.
class DirectoryWatch {
  public:
    DirectoryWatch(const std::string& path, std::uint32_t moment) : fd_(::inotify_init1(IN_CLOEXEC)) {
        EXPECT_GE(::inotify_add_watch(fd_, path.c_str(), moment), 0);
    }

    DirectoryWatch(const DirectoryWatch&) = delete;
    DirectoryWatch& operator=(const DirectoryWatch&) = delete;

    ~DirectoryWatch() { ::close(fd_); }

    void wait() const {
        pollfd wanted{fd_, POLLIN, 0};
        EXPECT_EQ(::poll(&wanted, 1, static_cast<int>(kPatience / 1ms)), 1);
    }

  private:
    int fd_;
};

TEST_F(Receipts, a_runner_killed_at_any_moment_starts_a_step_at_most_once) {
    for (const unsigned moment : {0U | IN_CREATE, 0U | IN_MODIFY, 0U | IN_CLOSE_WRITE}) {
        for (int round = 0; round < 8; ++round) {
            const std::string key = std::to_string(moment) + "/" + std::to_string(round);
            start_runner();
            EXPECT_EQ(query("nothing").state, StepState::None);  // it listens, and its storage is there
            std::filesystem::remove(starts());
            ended_.reset();
            const DirectoryWatch watch(directory_ / "storage", moment);
            client_.start(script(key, "echo x >> $0", {starts()}), [this](const Receipt& r) { ended_ = r; });
            watch.wait();
            kill_runner();
            end();
            start_runner();
            const Receipt then = wait_for(key);
            const Receipt again = run(script(key, "echo x >> $0", {starts()}));
            EXPECT_EQ(again.repeated, then.state != StepState::None) << "moment " << moment;
            EXPECT_LE(count_starts(), 1) << "moment " << moment;
            EXPECT_TRUE(then.state != StepState::Done || count_starts() == 1);
            stop_runner();
        }
    }
}

TEST_F(Receipts, without_a_disk_nothing_starts) {
    start_runner();
    EXPECT_EQ(query("nothing").state, StepState::None);
    std::filesystem::rename(directory_ / "storage", directory_ / "gone");
    const Receipt receipt = run(counted("k"));
    EXPECT_EQ(receipt.state, StepState::None);
    EXPECT_NE(receipt.reason.find("create a receipt"), std::string::npos) << receipt.reason;
    EXPECT_EQ(count_starts(), 0);
}

TEST_F(Receipts, different_keys_run_side_by_side) {
    start_runner();
    int done = 0;
    for (int i = 0; i < 8; ++i)
        client_.start(counted("k" + std::to_string(i)),
                      [&](const Receipt& r) { done += r.state == StepState::Done ? 1 : 0; });
    run_until([&] { return client_.connected(); });
    for (int i = 0; i < 8; ++i) ASSERT_EQ(up_.read_line(), "up");  // all of them, before any may end
    for (int i = 0; i < 8; ++i) go_.write_line("0");
    run_until([&] { return done == 8; });
    EXPECT_EQ(count_starts(), 8);
}

TEST_F(Receipts, of_two_clients_one_starts_it) {
    start_runner();
    RunnerClient other(loop_, {directory_ / "socket", {}, kPatience});
    std::vector<Receipt> answers;
    const auto collect = [&](const Receipt& receipt) { answers.push_back(receipt); };
    client_.start(script("k", "echo x >> $0", {starts()}), collect);
    other.start(script("k", "echo x >> $0", {starts()}), collect);
    run_until([&] { return answers.size() == 2; });
    EXPECT_NE(answers[0].repeated, answers[1].repeated);
    EXPECT_EQ(wait_for("k").state, StepState::Done);
    EXPECT_EQ(count_starts(), 1);
}

TEST_F(Receipts, a_stopping_runner_finishes_what_runs) {
    start_runner();
    begin("k");
    ::kill(runner_pid(), SIGTERM);
    EXPECT_EQ(run(script("late", "true")).state, StepState::None) << "and starts nothing";
    go_.write_line("0");
    EXPECT_EQ(end().state, StepState::Done);
    EXPECT_EQ(stop_runner(), 0);
}

TEST_F(Receipts, the_newest_bears_witness_over_the_runners_death) {
    start_runner();
    const auto newest = [this] {
        std::optional<Receipt> answer;
        client_.witness([&](const Receipt& receipt) { answer = receipt; });
        run_until([&] { return answer.has_value(); });
        return answer->newest;
    };
    EXPECT_EQ(newest(), "");
    for (const char* key : {"api/d-1/i-2/1.0.7", "api/d-1/i-2/2.0.31", "web/d-8/i-9/1.1.12", "without a number"})
        EXPECT_EQ(run(script(key, "exit 0")).state, StepState::Done);
    EXPECT_EQ(newest(), "api/d-1/i-2/2.0.31");
    kill_runner();
    start_runner();
    EXPECT_EQ(newest(), "api/d-1/i-2/2.0.31");
}

TEST_F(Receipts, one_storage_has_one_runner) {
    start_runner();
    EXPECT_EQ(query("k").state, StepState::None);
    const std::string command = std::string(REVERTD_BINARY_DIR) + "/daemon/revertd-runner --socket " +
                                (directory_ / "other") + " --storage " + (directory_ / "storage") + " 2>/dev/null";
    EXPECT_EQ(WEXITSTATUS(std::system(command.c_str())), 75);
    EXPECT_EQ(query("k").state, StepState::None) << "the first one did not notice";
}

}  // namespace
}  // namespace revertd
