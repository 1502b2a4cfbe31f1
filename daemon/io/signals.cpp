// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/signals.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <system_error>

#include "daemon/io/loop.h"

namespace revertd {
namespace {

/// What a handler may touch: without locks, and of the whole process.
std::atomic<std::uint64_t> came = 0;  // a bit for each signal
std::atomic<int> descriptor = -1;
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

std::uint64_t bit_of(int signal) {
    return std::uint64_t{1} << static_cast<unsigned>(signal);
}

void handle(int signal) {
    const int interrupted = errno;
    came |= bit_of(signal);
    constexpr std::uint64_t kOne = 1;
    static_cast<void>(!write(descriptor, &kOne, sizeof kOne));
    errno = interrupted;
}

}  // namespace

Signals::Signals(Loop& loop, std::initializer_list<int> signals, Told told)
    : loop_(loop), told_(std::move(told)), fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (fd_ < 0 || !loop_.poller().set(fd_, EPOLLIN | EPOLLET, *this)) {
        throw std::system_error(errno, std::generic_category(), "create a descriptor for signals");
    }
    came = 0;
    descriptor = fd_;

    struct sigaction action {};

    action.sa_handler = handle;
    action.sa_flags = SA_RESTART;
    for (const int signal : signals) {
        before_.emplace_back(signal, action);
        sigaction(signal, &action, &before_.back().second);
    }
}

Signals::~Signals() {
    for (const auto& [signal, action] : before_) sigaction(signal, &action, nullptr);
    descriptor = -1;
    loop_.poller().remove(fd_, *this);
    close(fd_);
}

void Signals::on_ready(std::uint32_t) {
    const std::uint64_t now = came.exchange(0);
    for (const auto& [signal, action] : before_)
        if ((now & bit_of(signal)) != 0) told_(signal);
}

}  // namespace revertd
