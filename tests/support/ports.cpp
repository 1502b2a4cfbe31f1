// SPDX-License-Identifier: Apache-2.0
#include "tests/support/ports.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace revertd::test {

int bind_loopback(std::uint16_t& port) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        throw std::system_error(errno, std::generic_category(), "bind to loopback");
    }
    port = ntohs(address.sin_port);
    return fd;
}

ClosedPort::ClosedPort() {
    fd_ = bind_loopback(port_);
}

ClosedPort::~ClosedPort() {
    close(fd_);
}

FullQueue::FullQueue() {
    listener_ = bind_loopback(port_);
    sockaddr_in address{};
    socklen_t size = sizeof address;
    if (listen(listener_, 0) != 0 || getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        throw std::system_error(errno, std::generic_category(), "listen with a full queue");
    }
    for (int& fd : fillers_) {
        fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        static_cast<void>(connect(fd, reinterpret_cast<sockaddr*>(&address), size));
    }
}

FullQueue::~FullQueue() {
    for (const int fd : fillers_) close(fd);
    close(listener_);
}

}  // namespace revertd::test
