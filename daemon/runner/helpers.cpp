// SPDX-License-Identifier: Apache-2.0
#include "daemon/runner/helpers.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <functional>

#include "daemon/runner/fd.h"
#include "daemon/runner/program.h"

namespace revertd::runner {
namespace {

constexpr int kExitUsage = 64;
constexpr std::size_t kMaxCaptured = 1024 * 1024;

struct Helper {
    const char* name;
    std::vector<std::string> options;
    std::size_t least_words, most_words;
    std::function<int(const HelperArguments&)> run;
};

const std::vector<Helper>& helpers() {
    static const std::vector<Helper> kAll{
        {"flip", {"--link", "--releases", "--to"}, 0, 0, flip},
        {"observe-systemd", {"--releases", "--current", "--systemctl"}, 1, 1000, observe_systemd},
        {"restart-unit", {"--systemctl"}, 1, 1, restart_unit}};
    return kAll;
}

std::optional<HelperArguments> parse(const Helper& helper, const std::vector<std::string>& argv) {
    HelperArguments arguments;
    std::size_t i = 2;
    for (; i + 1 < argv.size() && argv[i] != "--"; i += 2) arguments.options[argv[i]] = argv[i + 1];
    if (i < argv.size() && argv[i] == "--") ++i;
    arguments.words.assign(argv.begin() + static_cast<std::ptrdiff_t>(i), argv.end());
    if (arguments.options.size() != helper.options.size()) return std::nullopt;
    for (const std::string& option : helper.options)
        if (arguments.options.count(option) == 0) return std::nullopt;
    if (arguments.words.size() < helper.least_words || arguments.words.size() > helper.most_words) return std::nullopt;
    return arguments;
}

}  // namespace

std::optional<int> run_helper(const std::vector<std::string>& argv) {
    if (argv.size() < 2) return std::nullopt;
    for (const Helper& helper : helpers()) {
        if (argv[1] != helper.name) continue;
        const std::optional<HelperArguments> arguments = parse(helper, argv);
        if (arguments) return helper.run(*arguments);
        std::string usage = std::string("usage: revertd-runner ") + helper.name;
        for (const std::string& option : helper.options) usage += " " + option + " VALUE";
        std::fprintf(stderr, "%s%s\n", usage.c_str(), helper.least_words > 0 ? " -- WORD..." : "");
        return kExitUsage;
    }
    return std::nullopt;
}

Result<Captured> capture(const std::vector<std::string>& argv) {
    const Result<std::string> program = find_program(argv.front());
    if (!program) return program.error();
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error("pipe");
    const Fd read_end(ends[0]);
    Fd write_end(ends[1]);
    std::vector<std::string> texts = argv;
    std::vector<char*> pointers;
    for (std::string& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);

    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, write_end.get(), 1);
    pid_t pid = 0;
    const int failed = ::posix_spawn(&pid, program->c_str(), &actions, nullptr, pointers.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) return Error(ErrorCode::Io, argv.front() + " could not be executed");
    write_end.reset();

    Captured captured;
    std::array<char, 4096> buffer{};
    for (;;) {
        const ssize_t n = ::read(read_end.get(), buffer.data(), buffer.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        if (captured.output.size() < kMaxCaptured) captured.output.append(buffer.data(), static_cast<std::size_t>(n));
    }
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    if (WIFEXITED(status)) captured.exit = WEXITSTATUS(status);
    return captured;
}

}  // namespace revertd::runner
