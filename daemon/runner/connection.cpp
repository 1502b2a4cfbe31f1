// SPDX-License-Identifier: Apache-2.0
#include "daemon/runner/connection.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "daemon/runner/limits.h"

namespace revertd::runner {

std::vector<std::string> Connection::read_lines() {
    std::vector<std::string> lines;
    std::array<char, 64 * 1024> buffer{};
    while (is_open()) {
        const ssize_t n = ::recv(fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
        if (n <= 0) {
            close();
            break;
        }
        received_.append(buffer.data(), static_cast<std::size_t>(n));
        std::size_t begin = 0;
        for (std::size_t end = 0; (end = received_.find('\n', begin)) != std::string::npos; begin = end + 1)
            lines.push_back(received_.substr(begin, end - begin));
        received_.erase(0, begin);
        if (received_.size() > kMaxLine) close();
    }
    return lines;
}

void Connection::send(const std::string& line) {
    if (!is_open()) return;
    unsent_ += line;
    flush();
    if (unsent_.size() > kMaxUnsent) close();
}

void Connection::flush() {
    while (is_open() && !unsent_.empty()) {
        const ssize_t n = ::send(fd(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (n < 0) return close();
        unsent_.erase(0, static_cast<std::size_t>(n));
    }
}

}  // namespace revertd::runner
