// SPDX-License-Identifier: Apache-2.0
// A real revertd-runner in a directory of its own, and a client to talk to it. Waiting is always for something, and
// never longer than kPatience.
#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/io/loop.h"
#include "daemon/io/system_clock.h"
#include "daemon/runner/client.h"

namespace revertd {

inline constexpr Duration kPatience = 30s;

class TemporaryDirectory {
  public:
    TemporaryDirectory();
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory();

    [[nodiscard]] const std::string& path() const { return path_; }

    [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  private:
    std::string path_;
};

/// Steps tell by it that they are under way, and wait at it until the test lets them go on.
class Fifo {
  public:
    explicit Fifo(std::string path);
    Fifo(const Fifo&) = delete;
    Fifo& operator=(const Fifo&) = delete;
    ~Fifo();

    [[nodiscard]] const std::string& path() const { return path_; }

    /// The next line that somebody wrote.
    [[nodiscard]] std::string read_line();
    void write_line(const std::string& text);

  private:
    std::string path_;
    int fd_;
    std::string received_;
};

std::string read_text(const std::string& path);
void write_text(const std::string& path, const std::string& text, unsigned mode = 0644);

class RunnerTest : public testing::Test {
  protected:
    RunnerTest();
    ~RunnerTest() override;

    void start_runner(std::vector<std::string> more = {});
    /// kill -9.
    void kill_runner();
    /// SIGTERM, and its exit code.
    int stop_runner();

    [[nodiscard]] pid_t runner_pid() const { return pid_; }

    /// Runs the loop until it is true.
    void run_until(const std::function<bool()>& is_true);

    /// An order for a shell script; `$0` and on are the arguments.
    [[nodiscard]] StepOrder script(const std::string& key, const std::string& text,
                                   std::vector<std::string> arguments = {});
    [[nodiscard]] StepOrder program(const std::string& key, std::vector<std::string> argv);

    /// Ask and wait.
    Receipt run(const StepOrder& order);
    Receipt query(const std::string& key);
    Receipt wait_for(const std::string& key);
    ProbeResult probe(const std::vector<std::string>& argv, Duration deadline = 10s);

    TemporaryDirectory directory_;
    SystemClock clock_;
    Loop loop_{clock_};
    RunnerClient client_;

  private:
    pid_t pid_ = 0;
};

}  // namespace revertd
