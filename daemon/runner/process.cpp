// SPDX-License-Identifier: Apache-2.0
#include "daemon/runner/process.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <vector>

#include "daemon/runner/limits.h"
#include "daemon/runner/program.h"

namespace revertd::runner {
namespace {

constexpr int kExitNotReleased = 125;
constexpr int kExitNotExecuted = 127;
constexpr unsigned kCloseRangeCloexec = 4;  // CLOSE_RANGE_CLOEXEC of linux/close_range.h, which older headers lack

struct Pipe {
    Fd read, write;
};

Result<Pipe> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error("pipe");
    return Pipe{Fd(ends[0]), Fd(ends[1])};
}

/// A memory file rather than a pipe: nobody has to feed it while the program runs.
Result<Fd> make_input(const std::string& text) {
    if (text.empty()) {
        Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        if (!null) return system_error("/dev/null");
        return null;
    }
    Fd file(::memfd_create("revertd-context", MFD_CLOEXEC));
    if (!file) return system_error("memfd_create");
    if (const Result<void> written = write_all(file.get(), text); !written) return written.error();
    if (::lseek(file.get(), 0, SEEK_SET) != 0) return system_error("lseek");
    return file;
}

/// Everything that the child needs, made before fork: after it only async-signal-safe calls are allowed, because
/// libcurl's resolver threads may hold any lock.
struct Image {
    std::string program, cwd;
    std::vector<std::string> argv, env;
    std::vector<char*> argv_pointers, env_pointers;
    int input = -1, output = -1, errors = -1, gate = -1, exec_error = -1;

    void point() {
        for (std::string& text : argv) argv_pointers.push_back(text.data());
        for (std::string& text : env) env_pointers.push_back(text.data());
        argv_pointers.push_back(nullptr);
        env_pointers.push_back(nullptr);
    }
};

std::vector<std::string> environment_of(const ExecCall& call) {
    std::vector<std::string> env;
    bool has_path = false;
    for (const auto& [name, value] : call.env) {
        has_path = has_path || name == "PATH";
        env.push_back(name + "=" + value);
    }
    if (!has_path) env.push_back(std::string("PATH=") + kPath);
    return env;
}

void reset_signals() {
    struct sigaction action {};

    action.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number) ::sigaction(number, &action, nullptr);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void close_on_exec_from(int first) {
    if (::syscall(SYS_close_range, static_cast<unsigned>(first), ~0U, kCloseRangeCloexec) == 0) return;
    const long limit = ::sysconf(_SC_OPEN_MAX);  // a kernel before 5.11
    for (int fd = first; fd < limit; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

[[noreturn]] void run_child(const Image& image) {
    // Everything but the program itself is got ready while the receipt is being written.
    ::setsid();
    reset_signals();
    const bool ready = ::dup2(image.input, 0) == 0 && ::dup2(image.output, 1) == 1 && ::dup2(image.errors, 2) == 2 &&
                       ::chdir(image.cwd.c_str()) == 0;
    int number = errno;
    close_on_exec_from(3);
    ::umask(022);

    char released = 0;
    ssize_t n = 0;
    do n = ::read(image.gate, &released, 1);
    while (n < 0 && errno == EINTR);
    if (n != 1) ::_exit(kExitNotReleased);
    if (ready) {
        ::execve(image.program.c_str(), image.argv_pointers.data(), image.env_pointers.data());
        number = errno;
    }
    [[maybe_unused]] const ssize_t told = ::write(image.exec_error, &number, sizeof number);
    ::_exit(kExitNotExecuted);
}

void set_nonblocking(int fd) {
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

}  // namespace

Result<Process> spawn_gated(const ExecCall& call, const SpawnOptions& options) {
    Result<std::string> program = find_program(call.argv.front());
    if (!program) return program.error();
    Result<Fd> input = make_input(options.input);
    Result<Pipe> output = make_pipe(), gate = make_pipe(), exec_error = make_pipe();
    Result<Pipe> errors = options.separate_errors ? make_pipe() : Result<Pipe>(Pipe{});
    if (!input) return input.error();
    for (const Result<Pipe>* pipe : {&output, &gate, &exec_error, &errors})
        if (!*pipe) return pipe->error();

    Image image{*program, call.cwd, call.argv, environment_of(call), {}, {}};
    image.point();
    image.input = input->get();
    image.output = output->write.get();
    image.errors = options.separate_errors ? errors->write.get() : image.output;
    image.gate = gate->read.get();
    image.exec_error = exec_error->write.get();

    const pid_t pid = ::fork();
    if (pid < 0) return system_error("fork");
    if (pid == 0) {
        ::close(gate->write.get());  // or it would keep its own gate from closing
        run_child(image);
    }
    Process process;
    process.pid = pid;
    process.start_ticks = start_ticks_of(pid).value_or(0);
    process.output = std::move(output->read);
    process.errors = std::move(errors->read);
    process.gate = std::move(gate->write);
    process.exec_error = std::move(exec_error->read);
    set_nonblocking(process.output.get());
    set_nonblocking(process.exec_error.get());
    if (process.errors) set_nonblocking(process.errors.get());
    return process;
}

void release(Process& process) {
    [[maybe_unused]] const ssize_t n = ::write(process.gate.get(), "", 1);
    process.gate.reset();
}

std::optional<int> exec_errno(const Process& process) {
    int number = 0;
    if (::read(process.exec_error.get(), &number, sizeof number) != sizeof number) return std::nullopt;
    return number;
}

std::optional<std::uint64_t> start_ticks_of(pid_t pid) {
    const Result<std::string> stat = read_file("/proc/" + std::to_string(pid) + "/stat", 4096);
    if (!stat) return std::nullopt;
    std::size_t at = stat->rfind(')');  // the name before it may hold blanks and parentheses
    if (at == std::string::npos || at + 2 >= stat->size()) return std::nullopt;
    const char state = (*stat)[at + 2];
    if (state == 'Z' || state == 'X') return std::nullopt;
    for (int field = 2; field < 22 && at != std::string::npos; ++field) at = stat->find(' ', at + 1);
    if (at == std::string::npos) return std::nullopt;
    std::uint64_t ticks = 0;
    const char* end = stat->data() + stat->size();
    if (std::from_chars(stat->data() + at + 1, end, ticks).ec != std::errc()) return std::nullopt;
    return ticks;
}

bool signal_group(pid_t leader, int signal) {
    return leader > 1 && ::kill(-leader, signal) == 0;
}

}  // namespace revertd::runner
