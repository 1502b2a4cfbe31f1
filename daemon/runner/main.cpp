// SPDX-License-Identifier: Apache-2.0
// revertd-runner: executes steps for the daemon, once each, whatever dies meanwhile.
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "daemon/io/startup_memory.h"
#include "daemon/runner/helpers.h"
#include "daemon/runner/server.h"
#include "daemon/runner/usage.h"
#include "systemd/notify.h"

namespace revertd::runner {
namespace {

constexpr int kExitFailure = 1, kExitUsage = 2, kExitLocked = 75;
constexpr off_t kMaxLog = 1024 * 1024;

struct Settings {
    ServerOptions server;
    bool detach = false;
};

int fail(const std::string& words, int code) {
    std::fprintf(stderr, "revertd-runner: %s\n", words.c_str());
    return code;
}

std::optional<uid_t> user_id(const std::string& text) {
    if (const passwd* entry = ::getpwnam(text.c_str())) return entry->pw_uid;
    uid_t uid = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), uid);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return uid;
}

/// False: the option or its value is not known.
bool apply(Settings& settings, const std::string& name, const std::string& value) {
    ServerOptions& server = settings.server;
    if (name == "--socket") {
        server.socket = value;
    } else if (name == "--storage" || name == "--storage.path") {
        server.storage = value;
    } else if (name == "--allow-user") {
        const std::optional<uid_t> uid = user_id(value);
        if (!uid) return false;
        server.users.push_back(*uid);
    } else if (name == "--idle-exit" || name == "--grace") {
        const std::optional<Duration> duration = parse_duration(value);
        if (!duration) return false;
        (name == "--grace" ? server.grace : server.idle_exit) = *duration;
    } else {
        return false;
    }
    return true;
}

/// `--name value` and `--name=value`; what was wrong otherwise.
std::string parse(const std::vector<std::string>& argv, Settings& settings) {
    for (std::size_t i = 1; i < argv.size(); ++i) {
        if (argv[i] == "--detach") {
            settings.detach = true;
            continue;
        }
        const std::size_t equals = argv[i].find('=');
        const std::string name = argv[i].substr(0, equals);
        if (equals == std::string::npos && i + 1 == argv.size()) return name + ": unknown, or its value is missing";
        const std::string value = equals == std::string::npos ? argv[++i] : argv[i].substr(equals + 1);
        if (!apply(settings, name, value)) return name + " " + value + ": not known, or not possible";
    }
    if (settings.server.storage.empty()) return "--storage is missing";
    return {};
}

/// A descriptor that is opened later must not become somebody's standard output.
void hold_standard_descriptors() {
    int fd = 0;
    do fd = ::open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= 2);
    if (fd > 2) ::close(fd);
}

void redirect_to_log(const std::string& storage) {
    ::mkdir(storage.c_str(), 0700);
    const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    const Fd log(::open((storage + "/runner.log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));

    struct stat info {};

    if (log && ::fstat(log.get(), &info) == 0 && info.st_size > kMaxLog)
        if (::ftruncate(log.get(), 0) != 0) return;
    ::dup2(null.get(), 0);
    ::dup2(null.get(), 1);
    ::dup2(log ? log.get() : null.get(), 2);
}

/// The parent's half of --detach: 0 as soon as the child listens, its exit code if it never does.
int wait_until_ready(Fd ready, pid_t child) {
    char byte = 0;
    ssize_t n = 0;
    do n = ::read(ready.get(), &byte, 1);
    while (n < 0 && errno == EINTR);
    if (n == 1) return 0;
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : kExitFailure;
}

void block_signals() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int number : {SIGCHLD, SIGTERM, SIGINT}) ::sigaddset(&set, number);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
}

/// `ready` gets a byte when the socket is open.
int serve(ServerOptions options, Fd ready) {
    block_signals();
    if (options.socket.empty()) {
        std::vector<systemd::ListenSocket> sockets = systemd::listen_sockets();
        if (sockets.size() != 1) return fail("--socket is missing, and systemd passed none", kExitUsage);
        options.listener = Fd(sockets.front().fd);
        ::fcntl(options.listener.get(), F_SETFL, O_NONBLOCK);
    }
    Result<std::unique_ptr<Server>> server = Server::open(std::move(options));
    if (!server)
        return fail(server.error().message, server.error().code == ErrorCode::Conflict ? kExitLocked : kExitFailure);
    systemd::ready("waits for steps");
    if (ready && !write_all(ready.get(), "!")) return kExitFailure;
    ready.reset();
    release_startup_memory();
    (*server)->run();
    return 0;
}

int run_detached(ServerOptions options) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail("no pipe", kExitFailure);
    Fd read_end(ends[0]), write_end(ends[1]);
    const pid_t child = ::fork();
    if (child < 0) return fail("no process", kExitFailure);
    if (child > 0) {
        write_end.reset();
        return wait_until_ready(std::move(read_end), child);
    }
    read_end.reset();
    ::setsid();
    for (std::string* path : {&options.storage, &options.socket})  // it goes to / below
        if (!path->empty()) *path = std::filesystem::absolute(*path).string();
    redirect_to_log(options.storage);
    return ::chdir("/") == 0 ? serve(std::move(options), std::move(write_end)) : kExitFailure;
}

int run(const std::vector<std::string>& argv) {
    hold_standard_descriptors();
    if (const std::optional<int> code = run_helper(argv)) return *code;
    if (argv.size() == 2 && argv[1] == "--help") return std::fputs(usage().c_str(), stdout) < 0 ? kExitFailure : 0;
    if (argv.size() == 2 && argv[1] == "--version")
        return std::puts("revertd-runner " REVERTD_VERSION) < 0 ? kExitFailure : 0;
    Settings settings;
    if (const std::string wrong = parse(argv, settings); !wrong.empty())
        return fail(wrong + "; see --help", kExitUsage);
    if (settings.detach) return run_detached(std::move(settings.server));
    return serve(std::move(settings.server), Fd());
}

}  // namespace
}  // namespace revertd::runner

int main(int argc, char** argv) {
    return revertd::runner::run({argv, argv + argc});
}
