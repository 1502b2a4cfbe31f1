// SPDX-License-Identifier: Apache-2.0
#include "tests/runner/harness.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

namespace revertd {

TemporaryDirectory::TemporaryDirectory() {
    std::string pattern = "/tmp/revertd-test-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
}

TemporaryDirectory::~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

Fifo::Fifo(std::string path) : path_(std::move(path)) {
    ::mkfifo(path_.c_str(), 0600);
    fd_ = ::open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);  // both ends: nobody ever sees its end
}

Fifo::~Fifo() {
    ::close(fd_);
}

std::string Fifo::read_line() {
    for (;;) {
        const std::size_t end = received_.find('\n');
        if (end != std::string::npos) {
            const std::string line = received_.substr(0, end);
            received_.erase(0, end + 1);
            return line;
        }
        pollfd wanted{fd_, POLLIN, 0};
        if (::poll(&wanted, 1, static_cast<int>(kPatience / 1ms)) <= 0) return "(nothing was written)";
        std::array<char, 4096> buffer{};
        const ssize_t n = ::read(fd_, buffer.data(), buffer.size());
        if (n > 0) received_.append(buffer.data(), static_cast<std::size_t>(n));
    }
}

void Fifo::write_line(const std::string& text) {
    const std::string line = text + "\n";
    EXPECT_EQ(::write(fd_, line.data(), line.size()), static_cast<ssize_t>(line.size()));
}

std::string read_text(const std::string& path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

void write_text(const std::string& path, const std::string& text, unsigned mode) {
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
}

RunnerTest::RunnerTest() : client_(loop_, {directory_ / "socket", {}, kPatience}) {}

RunnerTest::~RunnerTest() {
    kill_runner();
}

void RunnerTest::start_runner(std::vector<std::string> more) {
    std::vector<std::string> argv{REVERTD_BINARY_DIR "/daemon/revertd-runner", "--socket", directory_ / "socket",
                                  "--storage", directory_ / "storage"};
    argv.insert(argv.end(), more.begin(), more.end());
    std::vector<char*> pointers;
    for (std::string& text : argv) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    ASSERT_EQ(::posix_spawn(&pid_, argv[0].c_str(), nullptr, nullptr, pointers.data(), environ), 0);
}

void RunnerTest::kill_runner() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
}

int RunnerTest::stop_runner() {
    int status = 0;
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    run_until([this] { return !client_.connected(); });
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void RunnerTest::run_until(const std::function<bool()>& is_true) {
    bool late = false;
    const TimerId timer = loop_.at(loop_.now() + kPatience, [&] { late = true; });
    while (!is_true() && !late) loop_.run_one();
    loop_.cancel(timer);
    ASSERT_FALSE(late) << "it did not happen";
}

StepOrder RunnerTest::program(const std::string& key, std::vector<std::string> argv) {
    StepOrder order;
    order.key = key;
    order.step.name = "test";
    order.step.digest = "digest";
    order.step.deadline = 20s;
    ExecCall call;
    call.argv = std::move(argv);
    order.step.call = call;
    return order;
}

StepOrder RunnerTest::script(const std::string& key, const std::string& text, std::vector<std::string> arguments) {
    std::vector<std::string> argv{"/bin/sh", "-c", text};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return program(key, argv);
}

Receipt RunnerTest::run(const StepOrder& order) {
    std::optional<Receipt> answer;
    client_.start(order, [&](const Receipt& receipt) { answer = receipt; });
    run_until([&] { return answer.has_value(); });
    return answer.value_or(Receipt{});
}

Receipt RunnerTest::query(const std::string& key) {
    std::optional<Receipt> answer;
    client_.query(key, [&](const Receipt& receipt) { answer = receipt; });
    run_until([&] { return answer.has_value(); });
    return answer.value_or(Receipt{});
}

Receipt RunnerTest::wait_for(const std::string& key) {
    std::optional<Receipt> answer;
    client_.wait(key, [&](const Receipt& receipt) { answer = receipt; });
    run_until([&] { return answer.has_value(); });
    return answer.value_or(Receipt{});
}

ProbeResult RunnerTest::probe(const std::vector<std::string>& argv, Duration deadline) {
    std::optional<ProbeResult> answer;
    ExecCall call;
    call.argv = argv;
    client_.probe(call, deadline, [&](const ProbeResult& result) { answer = result; });
    run_until([&] { return answer.has_value(); });
    return answer.value_or(ProbeResult{});
}

}  // namespace revertd
