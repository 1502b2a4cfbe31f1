// SPDX-License-Identifier: Apache-2.0
#include "daemon/runner/launch.h"

#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <vector>

#include "daemon/runner/fd.h"
#include "daemon/runner/listen.h"

namespace revertd {

using namespace runner;

namespace {

constexpr const char* kDirectory = "/runner";
constexpr const char* kSocketName = "/socket";

bool somebody_listens(const std::string& socket) {
    return connect_to(socket).has_value();
}

/// Signals that the daemon blocks or ignores are not the runner's to inherit.
class Attributes {
  public:
    Attributes() {
        sigset_t set;
        ::posix_spawnattr_init(&attributes_);
        ::sigemptyset(&set);
        ::posix_spawnattr_setsigmask(&attributes_, &set);
        ::sigfillset(&set);
        ::posix_spawnattr_setsigdefault(&attributes_, &set);
        ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }

    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;

    ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }

    [[nodiscard]] const posix_spawnattr_t* get() const { return &attributes_; }

  private:
    posix_spawnattr_t attributes_{};
};

}  // namespace

Result<RunnerPlace> find_runner(const std::string& mode, const std::string& storage) {
    if (mode.starts_with("unix:/")) return RunnerPlace{mode.substr(5), false};
    if (mode != "auto" && mode != "child")
        return Error(ErrorCode::Invalid, "--runner=" + mode + " is none of auto, child and unix:/PATH");
    if (mode == "auto" && somebody_listens(kServiceSocket)) return RunnerPlace{kServiceSocket, false};
    return RunnerPlace{storage + kDirectory + kSocketName, true};
}

Result<void> launch_runner(const RunnerPlace& place, const std::string& program) {
    if (somebody_listens(place.socket)) return {};
    const std::string storage = std::filesystem::path(place.socket).parent_path().string();
    if (::mkdir(storage.c_str(), 0700) != 0 && errno != EEXIST) return system_error("make " + storage);
    std::vector<std::string> argv{program, "--detach", "--socket=" + place.socket, "--storage=" + storage,
                                  "--idle-exit=5s"};
    std::vector<char*> pointers;
    for (std::string& text : argv) pointers.push_back(text.data());
    pointers.push_back(nullptr);

    const Attributes attributes;
    pid_t pid = 0;
    errno = ::posix_spawn(&pid, program.c_str(), nullptr, attributes.get(), pointers.data(), environ);
    if (errno != 0) return system_error("start " + program);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return system_error("wait for " + program);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    return Error(ErrorCode::Unavailable, program + " did not start", "its words are in " + storage + "/runner.log");
}

std::string runner_program() {
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    return (self.parent_path() / "revertd-runner").string();
}

}  // namespace revertd
