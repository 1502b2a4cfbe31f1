// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

/// What the bench's two programs share: one clock, the targets' addresses, and how to give up.
namespace bench {

[[noreturn]] inline void die(const char* what) {
    std::perror(what);
    std::exit(1);
}

/// CLOCK_MONOTONIC in ns: every instant that the bench prints is of this clock.
inline std::int64_t now_ns() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

/// Target i has its own address, 127.1.<i / 250>.<i % 250 + 1>, as targets on hosts of their own have.
inline sockaddr_in target_address(unsigned index, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl((127U << 24U) | (1U << 16U) | ((index / 250) << 8U) | (index % 250 + 1));
    return address;
}

inline void send_at_once(int fd) {
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

inline void watch(int epoll, int fd, std::uint32_t events, int operation = EPOLL_CTL_ADD) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    if (epoll_ctl(epoll, operation, fd, &event) != 0) die("epoll_ctl");
}

/// Content-Length as both the daemon and these programs write it; 0 without one.
inline std::size_t content_length(std::string_view head) {
    const std::size_t at = head.find("Content-Length: ");
    return at == std::string_view::npos ? 0 : std::strtoull(head.data() + at + 16, nullptr, 10);
}

}  // namespace bench
