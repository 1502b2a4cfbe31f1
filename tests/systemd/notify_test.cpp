// SPDX-License-Identifier: Apache-2.0
#include "systemd/notify.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>

namespace revertd {
namespace {

/// The manager's end of NOTIFY_SOCKET: a datagram socket in the abstract namespace.
class Manager {
  public:
    Manager() : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        const std::string name = "revertd-notify-test-" + std::to_string(::getpid());
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        name.copy(address.sun_path + 1, name.size());
        const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
        EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), length), 0);
        ::setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
    }

    Manager(const Manager&) = delete;
    Manager& operator=(const Manager&) = delete;

    ~Manager() {
        ::unsetenv("NOTIFY_SOCKET");
        ::close(fd_);
    }

    /// The next message, or nothing: a local datagram is there when send returned.
    std::string next() const {
        std::array<char, 4096> buffer{};
        const auto got = ::recv(fd_, buffer.data(), buffer.size(), 0);
        return got < 0 ? std::string() : std::string(buffer.data(), static_cast<std::size_t>(got));
    }

  private:
    int fd_;
};

TEST(SystemdNotify, ready_carries_the_status_line) {
    const Manager manager;
    EXPECT_TRUE(systemd::ready("guarding 2 deploys"));
    EXPECT_EQ(manager.next(), "READY=1\nSTATUS=guarding 2 deploys");
}

TEST(SystemdNotify, each_phase_has_its_own_word) {
    const Manager manager;
    EXPECT_TRUE(systemd::status("idle"));
    EXPECT_TRUE(systemd::reloading());
    EXPECT_TRUE(systemd::watchdog());
    EXPECT_TRUE(systemd::stopping());
    EXPECT_EQ(manager.next(), "STATUS=idle");
    EXPECT_EQ(manager.next(), "RELOADING=1");
    EXPECT_EQ(manager.next(), "WATCHDOG=1");
    EXPECT_EQ(manager.next(), "STOPPING=1");
}

TEST(SystemdNotify, a_line_break_in_the_status_cannot_smuggle_an_assignment) {
    const Manager manager;
    systemd::status("api\nWATCHDOG=trigger\rx\x7f\ty");
    EXPECT_EQ(manager.next(), "STATUS=api WATCHDOG=trigger x  y");
}

TEST(SystemdNotify, nobody_listens_outside_systemd) {
    ::unsetenv("NOTIFY_SOCKET");
    EXPECT_FALSE(systemd::ready("idle"));
    EXPECT_FALSE(systemd::watchdog());
}

TEST(SystemdNotify, a_manager_that_is_gone_is_no_listener) {
    ::setenv("NOTIFY_SOCKET", "@revertd-notify-test-nobody", 1);
    EXPECT_FALSE(systemd::status("idle"));
    ::unsetenv("NOTIFY_SOCKET");
}

TEST(SystemdWatchdog, the_interval_is_the_units) {
    ::setenv("WATCHDOG_USEC", "30000000", 1);
    ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
    EXPECT_EQ(systemd::watchdog_interval(), Duration(30s));
    ::unsetenv("WATCHDOG_USEC");
    ::unsetenv("WATCHDOG_PID");
}

TEST(SystemdWatchdog, another_process_watchdog_is_not_ours) {
    ::setenv("WATCHDOG_USEC", "30000000", 1);
    ::setenv("WATCHDOG_PID", "1", 1);
    EXPECT_EQ(systemd::watchdog_interval(), std::nullopt);
    ::setenv("WATCHDOG_USEC", "soon", 1);
    ::unsetenv("WATCHDOG_PID");
    EXPECT_EQ(systemd::watchdog_interval(), std::nullopt);
    ::unsetenv("WATCHDOG_USEC");
    EXPECT_EQ(systemd::watchdog_interval(), std::nullopt);
}

TEST(SystemdSockets, are_taken_with_their_names_and_only_once) {
    // The protocol fixes the first descriptor at 3: whatever is there is put back afterwards.
    const int kept = ::dup(3);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    ASSERT_EQ(::dup2(socket, 3), 3);
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDS", "1", 1);
    ::setenv("LISTEN_FDNAMES", "revertd.sock", 1);
    const auto sockets = systemd::listen_sockets();
    ASSERT_EQ(sockets.size(), 1U);
    EXPECT_EQ(sockets[0].fd, 3);
    EXPECT_EQ(sockets[0].name, "revertd.sock");
    EXPECT_TRUE(systemd::listen_sockets().empty());
    if (socket != 3) ::close(socket);
    ::close(3);
    if (kept >= 0) {
        ::dup2(kept, 3);
        ::close(kept);
    }
}

TEST(SystemdSockets, none_without_activation) {
    ::unsetenv("LISTEN_FDS");
    EXPECT_TRUE(systemd::listen_sockets().empty());
}

TEST(SystemdCredentials, are_an_absolute_directory_or_none) {
    ::unsetenv("CREDENTIALS_DIRECTORY");
    EXPECT_EQ(systemd::credentials_directory(), std::nullopt);
    ::setenv("CREDENTIALS_DIRECTORY", "relative/path", 1);
    EXPECT_EQ(systemd::credentials_directory(), std::nullopt);
    ::setenv("CREDENTIALS_DIRECTORY", "/run/credentials/revertd.service", 1);
    EXPECT_EQ(systemd::credentials_directory(), "/run/credentials/revertd.service");
    ::unsetenv("CREDENTIALS_DIRECTORY");
}

}  // namespace
}  // namespace revertd
