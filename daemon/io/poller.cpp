// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/poller.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace revertd {

Poller::Poller() : fd_(epoll_create1(EPOLL_CLOEXEC)) {
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "create an epoll descriptor");
}

Poller::~Poller() {
    close(fd_);
}

bool Poller::set(int fd, std::uint32_t events, Watcher& watcher) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &watcher;
    if (epoll_ctl(fd_, EPOLL_CTL_MOD, fd, &event) == 0) return true;
    return errno == ENOENT && epoll_ctl(fd_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void Poller::remove(int fd, const Watcher& watcher) {
    epoll_ctl(fd_, EPOLL_CTL_DEL, fd, nullptr);
    for (epoll_event& event : batch_) {
        if (event.data.ptr == &watcher) event.data.ptr = nullptr;
    }
}

bool Poller::dispatch(Wait wait) {
    std::array<epoll_event, 64> events;
    const int patience = wait == Wait::No ? 0 : -1;
    const int count = epoll_wait(fd_, events.data(), static_cast<int>(events.size()), patience);
    if (count <= 0) return false;  // nothing, or a signal: the loop comes again
    batch_ = std::span(events).first(static_cast<std::size_t>(count));
    while (!batch_.empty()) {
        const epoll_event event = batch_.front();
        batch_ = batch_.subspan(1);
        if (event.data.ptr) static_cast<Watcher*>(event.data.ptr)->on_ready(event.events);
    }
    return static_cast<std::size_t>(count) == events.size();
}

}  // namespace revertd
