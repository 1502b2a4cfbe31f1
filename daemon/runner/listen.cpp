// SPDX-License-Identifier: Apache-2.0
#include "daemon/runner/listen.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "daemon/runner/limits.h"

namespace revertd::runner {
namespace {

Result<sockaddr_un> address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path)
        return Error(ErrorCode::Invalid, "the socket's path has " + std::to_string(path.size()) + " bytes",
                     "Unix allows 107: choose a shorter storage path");
    std::memcpy(address.sun_path, path.c_str(), path.size());
    return address;
}

const sockaddr* as_sockaddr(const sockaddr_un& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace

Result<Fd> listen_at(const std::string& path) {
    const Result<sockaddr_un> address = address_of(path);
    if (!address) return address.error();
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) return system_error("socket");
    ::unlink(path.c_str());
    const mode_t before = ::umask(0117);
    const int bound = ::bind(socket.get(), as_sockaddr(*address), sizeof *address);
    ::umask(before);
    if (bound != 0) return system_error("bind to " + path);
    if (::listen(socket.get(), static_cast<int>(kMaxClients)) != 0) return system_error("listen at " + path);
    return socket;
}

Result<Fd> connect_to(const std::string& path) {
    const Result<sockaddr_un> address = address_of(path);
    if (!address) return address.error();
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) return system_error("socket");
    if (::connect(socket.get(), as_sockaddr(*address), sizeof *address) == 0) return socket;
    return system_error("connect to " + path);
}

bool peer_is_one_of(int socket, const std::vector<uid_t>& users) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
    return std::find(users.begin(), users.end(), peer.uid) != users.end();
}

}  // namespace revertd::runner
