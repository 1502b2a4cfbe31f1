// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

namespace revertd::api {
namespace {

using runner::system_error;

constexpr const char* kGroup = "revertd";
constexpr std::string_view kUnixPrefix = "unix:";
constexpr const char* kAddressHint = "unix:/path, or a loopback address with a port as 127.0.0.1:9477";

/// Either family of TCP.
union SocketAddress {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
};

struct TcpAddress {
    SocketAddress address{};
    socklen_t size = 0;
};

Result<sockaddr_un> unix_address(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.starts_with('@') || !path.starts_with('/'))
        return Error(ErrorCode::Invalid, "unix:" + path + " is no absolute path",
                     "abstract sockets have no permissions and are not offered");
    if (path.size() >= sizeof address.sun_path)
        return Error(ErrorCode::Invalid, "unix:" + path + " is longer than the 107 bytes that Unix allows");
    std::memcpy(address.sun_path, path.c_str(), path.size());
    return address;
}

/// Clears the way for bind: only a socket that nobody listens on is replaced.
Result<void> remove_stale(const std::string& path, const sockaddr_un& address) {
    struct stat found {};

    if (::lstat(path.c_str(), &found) != 0) {
        if (errno == ENOENT) return {};
        return system_error(path);
    }
    if (!S_ISSOCK(found.st_mode))
        return Error(ErrorCode::Conflict, path + " exists and is no socket", "it is not touched: remove it yourself");
    const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!probe) return system_error("socket");
    const int connected = ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    if (connected == 0 || errno != ECONNREFUSED)
        return Error(ErrorCode::Conflict, "somebody listens on " + path, "another revertd runs");
    if (::unlink(path.c_str()) != 0) return system_error("remove the stale " + path);
    return {};
}

/// The group may ask if it exists and this process may give the file to it; otherwise only the daemon's own user.
void give_to_group(const std::string& path) {
    std::array<char, 64 * 1024> buffer{};
    group entry{};
    group* found = nullptr;
    if (::getgrnam_r(kGroup, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return;
    if (::lchown(path.c_str(), static_cast<uid_t>(-1), found->gr_gid) != 0) return;
}

std::optional<TcpAddress> loopback(const std::string& host, std::uint16_t port) {
    TcpAddress out;
    if (host == "[::1]") {
        out.address.v6.sin6_family = AF_INET6;
        out.address.v6.sin6_port = htons(port);
        out.address.v6.sin6_addr = in6addr_loopback;
        out.size = sizeof out.address.v6;
        return out;
    }
    if (host != "127.0.0.1" && host != "localhost") return std::nullopt;
    out.address.v4.sin_family = AF_INET;
    out.address.v4.sin_port = htons(port);
    out.address.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    out.size = sizeof out.address.v4;
    return out;
}

bool is_loopback(const SocketAddress& address) {
    if (address.any.sa_family == AF_INET) return ntohl(address.v4.sin_addr.s_addr) >> 24U == 127;
    return address.any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr);
}

SocketAddress name_of(int fd) {
    SocketAddress bound{};
    socklen_t size = sizeof bound;
    if (::getsockname(fd, &bound.any, &size) != 0) bound.any.sa_family = AF_UNSPEC;
    return bound;
}

std::uint16_t port_of(const SocketAddress& address) {
    return ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
}

}  // namespace

Result<Listener> Listener::open(const std::string& address) {
    return address.starts_with(kUnixPrefix) ? open_unix(address.substr(kUnixPrefix.size())) : open_tcp(address);
}

Result<Listener> Listener::open_unix(const std::string& path) {
    const Result<sockaddr_un> address = unix_address(path);
    if (!address) return address.error();
    if (auto cleared = remove_stale(path, *address); !cleared) return cleared.error();
    Listener listener(Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)));
    if (!listener.fd_) return system_error("socket");
    // Nobody but the daemon's user may connect until group and mode are right.
    const mode_t before = ::umask(0177);
    const int bound = ::bind(listener.fd(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address);
    ::umask(before);
    if (bound != 0) return system_error("bind to " + path);

    struct stat made {};

    if (::lstat(path.c_str(), &made) == 0) listener.path_ = path, listener.inode_ = made.st_ino;
    give_to_group(path);
    if (::chmod(path.c_str(), 0660) != 0) return system_error("chmod " + path);
    if (::listen(listener.fd(), SOMAXCONN) != 0) return system_error("listen at " + path);
    return listener;
}

Result<Listener> Listener::open_tcp(const std::string& address) {
    const auto colon = address.rfind(':');
    const std::string digits = colon == std::string::npos ? std::string() : address.substr(colon + 1);
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc() || end != digits.data() + digits.size())
        return Error(ErrorCode::Invalid, "\"" + address + "\" is no address to listen on", kAddressHint);
    const auto tcp = loopback(address.substr(0, colon), port);
    if (!tcp)
        return Error(
            ErrorCode::Invalid,
            "\"" + address + "\" is not a loopback address; other addresses need TLS, which is not offered yet",
            kAddressHint);
    Listener listener(Fd(::socket(tcp->address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)));
    if (!listener.fd_) return system_error("socket");
    const int on = 1;
    ::setsockopt(listener.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(listener.fd(), &tcp->address.any, tcp->size) != 0) return system_error("bind to " + address);
    if (::listen(listener.fd(), SOMAXCONN) != 0) return system_error("listen at " + address);
    listener.port_ = port_of(name_of(listener.fd()));
    return listener;
}

Result<Listener> Listener::adopt(int fd) {
    Listener listener{Fd(fd)};
    int listens = 0;
    socklen_t size = sizeof listens;
    if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0)
        return Error(ErrorCode::Invalid, "an inherited descriptor is no listening socket");
    sockaddr_un path{};
    size = sizeof path;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&path), &size) != 0) return system_error("getsockname");
    const bool abstract = path.sun_family == AF_UNIX && path.sun_path[0] == '\0';
    if (abstract) return Error(ErrorCode::Invalid, "an inherited socket is an abstract one");
    if (path.sun_family != AF_UNIX) {
        const SocketAddress bound = name_of(fd);
        if (!is_loopback(bound)) return Error(ErrorCode::Invalid, "an inherited socket does not listen on loopback");
        listener.port_ = port_of(bound);
    }
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return system_error("an inherited socket");
    return listener;
}

Listener::~Listener() {
    if (!fd_ || path_.empty()) return;

    struct stat found {};

    // Not that of a successor, which may have replaced it meanwhile.
    if (::lstat(path_.c_str(), &found) == 0 && found.st_ino == inode_) ::unlink(path_.c_str());
}

}  // namespace revertd::api
