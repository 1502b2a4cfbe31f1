// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/epoll.h>

#include <cstdint>
#include <span>

namespace revertd {

/// Told that a descriptor is ready.
class Watcher {
  public:
    Watcher() = default;
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;
    virtual ~Watcher() = default;
    /// `events` as epoll has them: EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR.
    virtual void on_ready(std::uint32_t events) = 0;
};

/// Readiness of many descriptors, for one system call a wake-up however many of them are ready. Allocates nothing.
/// Level-triggered, unless EPOLLET is asked for: then what was told once is told again when more has arrived, or when
/// it is `set` anew.
class Poller {
  public:
    Poller();
    Poller(const Poller&) = delete;
    Poller& operator=(const Poller&) = delete;
    ~Poller();

    /// Adds the descriptor or changes what is waited for; false if the system has no room for it (errno says why).
    [[nodiscard]] bool set(int fd, std::uint32_t events, Watcher& watcher);

    /// To be called before the descriptor is closed or the watcher destroyed; also from inside `on_ready`.
    void remove(int fd, const Watcher& watcher);

    enum class Wait { No, ForTheFirst };

    /// Tells the watchers of what is ready; true if there may be more.
    bool dispatch(Wait wait);

  private:
    int fd_;
    std::span<epoll_event> batch_;  // not yet told, while dispatching
};

}  // namespace revertd
