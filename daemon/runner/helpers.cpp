// SPDX-License-Identifier: Apache-2.0
#include "daemon/runner/helpers.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "actions/runner_verbs.h"
#include "daemon/runner/fd.h"
#include "daemon/runner/program.h"

namespace revertd::runner {
namespace {

constexpr int kExitUsage = 64;
constexpr std::size_t kMaxCaptured = 1024 * 1024;

using Run = int (*)(const HelperArguments&);

Run run_of(std::string_view verb) {
    return verb == "flip" ? flip : verb == "observe-systemd" ? observe_systemd : restart_unit;
}

std::optional<HelperArguments> parse(const RunnerVerb& verb, const std::vector<std::string>& argv) {
    HelperArguments arguments;
    std::size_t i = 2;
    for (; i + 1 < argv.size() && argv[i] != "--"; i += 2) arguments.options[argv[i]] = argv[i + 1];
    if (i < argv.size() && argv[i] == "--") ++i;
    arguments.words.assign(argv.begin() + static_cast<std::ptrdiff_t>(i), argv.end());
    std::size_t known = 0;
    for (const std::string_view option : verb.options) known += option.empty() ? 0 : 1;
    if (arguments.options.size() != known) return std::nullopt;
    for (const std::string_view option : verb.options)
        if (!option.empty() && !arguments.options.contains(std::string(option))) return std::nullopt;
    if (arguments.words.size() < verb.least_words || arguments.words.size() > verb.most_words) return std::nullopt;
    return arguments;
}

}  // namespace

std::optional<int> run_helper(const std::vector<std::string>& argv) {
    if (argv.size() < 2) return std::nullopt;
    for (const RunnerVerb& verb : kRunnerVerbs) {
        if (argv[1] != verb.name) continue;
        const std::optional<HelperArguments> arguments = parse(verb, argv);
        if (arguments) return run_of(verb.name)(*arguments);
        std::string usage = "usage: revertd-runner " + std::string(verb.name);
        for (const std::string_view option : verb.options)
            if (!option.empty()) usage += " " + std::string(option) + " VALUE";
        std::fprintf(stderr, "%s%s\n", usage.c_str(), verb.least_words > 0 ? " -- WORD..." : "");
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
