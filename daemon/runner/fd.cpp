// SPDX-License-Identifier: Apache-2.0
#include "daemon/runner/fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace revertd::runner {

void Fd::reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

Error system_error(const std::string& what) {
    const int number = errno;
    const ErrorCode code = number == ENOENT   ? ErrorCode::NotFound
                           : number == EEXIST ? ErrorCode::Conflict
                                              : ErrorCode::Io;
    return {code, what + ": " + std::strerror(number)};
}

Result<void> write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return system_error("write");
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return system_error(path);
    std::string out;
    std::array<char, 4096> buffer{};
    while (out.size() < limit) {
        const ssize_t n = ::read(file.get(), buffer.data(), buffer.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return system_error(path);
        if (n == 0) break;
        out.append(buffer.data(), static_cast<std::size_t>(n));
    }
    return out;
}

Result<void> fsync_directory(const std::string& path) {
    const Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory || ::fsync(directory.get()) != 0) return system_error("fsync of " + path);
    return {};
}

}  // namespace revertd::runner
