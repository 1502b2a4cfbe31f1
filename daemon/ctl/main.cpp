// SPDX-License-Identifier: Apache-2.0
// revertctl: the command line of revertd.
#include <curl/curl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "daemon/ctl/options.h"
#include "daemon/ctl/plain_text.h"
#include "daemon/ctl/signals.h"
#include "daemon/io/system_clock.h"

namespace {

std::optional<std::string> environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

winsize terminal_size() {
    winsize size{};
    const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
    if (!known || size.ws_col == 0) size.ws_col = 80;
    if (!known || size.ws_row == 0) size.ws_row = 24;
    return size;
}

std::size_t read_input(std::span<char> into) {
    for (;;) {
        const auto got = ::read(STDIN_FILENO, into.data(), into.size());
        if (got >= 0) return static_cast<std::size_t>(got);
        if (errno != EINTR) return 0;
    }
}

}  // namespace

int main(int count, char** arguments) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    revertd::SystemClock clock;
    revertd::ctl::SignalPace pace;
    // Data in a pipe is UTF-8 always.
    const bool plain = revertd::ctl::wants_plain_text(environment);
    revertd::ctl::PlainText plain_out(*std::cout.rdbuf()), plain_err(*std::cerr.rdbuf());
    std::ostream out(plain && ::isatty(STDOUT_FILENO) == 1 ? &plain_out : std::cout.rdbuf());
    std::ostream err(plain && ::isatty(STDERR_FILENO) == 1 ? &plain_err : std::cerr.rdbuf());
    err.setf(std::ios::unitbuf);
    revertd::ctl::Outside outside{.out = out,
                                  .err = err,
                                  .environment = environment,
                                  .columns = [] { return std::size_t{terminal_size().ws_col}; },
                                  .rows = [] { return std::size_t{terminal_size().ws_row}; },
                                  .err_is_terminal = ::isatty(STDERR_FILENO) == 1,
                                  .out_is_terminal = ::isatty(STDOUT_FILENO) == 1,
                                  .clock = clock,
                                  .pace = pace,
                                  .input = read_input};
    return revertd::ctl::run({arguments + 1, arguments + count}, outside);
}
