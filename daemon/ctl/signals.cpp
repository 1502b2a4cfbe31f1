// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/signals.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace revertd::ctl {

struct SignalPace::Terminal {
    termios before{};
};

SignalPace::SignalPace() = default;

SignalPace::~SignalPace() {
    release_keys();
    if (descriptor_ >= 0) ::close(descriptor_);
}

void SignalPace::hold_signals() {
    if (descriptor_ >= 0) return;
    sigset_t held;
    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &held, nullptr);
    descriptor_ = ::signalfd(-1, &held, SFD_NONBLOCK | SFD_CLOEXEC);
}

bool SignalPace::interrupted_within(Duration duration) {
    pollfd waited{.fd = descriptor_, .events = POLLIN, .revents = 0};
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(duration).count();
    // A negative descriptor is skipped by poll(), which then only waits: right before hold_signals().
    return ::poll(&waited, 1, static_cast<int>(milliseconds)) == 1;
}

void SignalPace::hold_keys() {
    auto terminal = std::make_unique<Terminal>();
    if (terminal_ || ::tcgetattr(STDIN_FILENO, &terminal->before) != 0) return;
    termios raw = terminal->before;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG | IEXTEN);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    if (::tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) == 0) terminal_ = std::move(terminal);
}

void SignalPace::release_keys() {
    if (terminal_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal_->before);
    terminal_.reset();
}

std::optional<char> SignalPace::key_within(Duration duration) {
    std::array<pollfd, 2> waited{pollfd{.fd = descriptor_, .events = POLLIN, .revents = 0},
                                 pollfd{.fd = terminal_ ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0}};
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(duration).count();
    if (::poll(waited.data(), waited.size(), static_cast<int>(milliseconds)) <= 0) return std::nullopt;
    if (waited[0].revents != 0) return kInterrupt;
    char key = 0;
    return ::read(STDIN_FILENO, &key, 1) == 1 ? key : kInterrupt;
}

}  // namespace revertd::ctl
