// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/signals.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

namespace revertd::ctl {

SignalPace::~SignalPace() {
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

}  // namespace revertd::ctl
