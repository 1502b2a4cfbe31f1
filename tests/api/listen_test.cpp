// SPDX-License-Identifier: Apache-2.0
// Sockets: where the server listens, and where it refuses to.
#include <arpa/inet.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "daemon/api/peer.h"
#include "tests/api/bed.h"

namespace revertd::test {
namespace {

class Listen : public testing::Test {
  protected:
    Listen() {
        std::string name = (std::filesystem::temp_directory_path() / "revertd-listen-XXXXXX").string();
        directory_ = ::mkdtemp(name.data());
    }

    ~Listen() override { std::filesystem::remove_all(directory_); }

    [[nodiscard]] std::string path() const { return directory_ + "/s"; }

    /// A socket bound to the path; listening only if so said.
    [[nodiscard]] int bind_socket(bool listening) const {
        const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un place{};
        place.sun_family = AF_UNIX;
        path().copy(place.sun_path, sizeof place.sun_path - 1);
        EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&place), sizeof place), 0);
        EXPECT_TRUE(!listening || ::listen(fd, 8) == 0);
        return fd;
    }

    [[nodiscard]] static std::optional<Error> error_of(Server& server, const std::string& address) {
        const auto listening = server.listen(address);
        return listening ? std::nullopt : std::optional(listening.error());
    }

    std::string directory_;
    SystemClock clock_;
    Loop loop_{clock_};
    FakeBackend backend_{loop_};
};

TEST_F(Listen, gives_the_socket_to_owner_and_group_only) {
    Server server(loop_, backend_);
    ASSERT_FALSE(error_of(server, "unix:" + path()));

    struct stat found {};

    ASSERT_EQ(::stat(path().c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 07777U, 0660U);
    const group* entry = ::getgrnam("revertd");
    EXPECT_TRUE(entry == nullptr || ::geteuid() != 0 || found.st_gid == entry->gr_gid);
}

TEST_F(Listen, leaves_the_umask_as_it_was) {
    const mode_t before = ::umask(0027);
    Server server(loop_, backend_);
    ASSERT_FALSE(error_of(server, "unix:" + path()));
    EXPECT_EQ(::umask(before), 0027U);
}

TEST_F(Listen, removes_its_socket_at_the_end) {
    {
        Server server(loop_, backend_);
        ASSERT_FALSE(error_of(server, "unix:" + path()));
    }
    EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(Listen, leaves_the_socket_of_a_successor) {
    int successor = -1;
    {
        Server server(loop_, backend_);
        ASSERT_FALSE(error_of(server, "unix:" + path()));
        std::filesystem::rename(path(), path() + ".old");  // keeps its inode in use
        successor = bind_socket(true);
    }
    EXPECT_TRUE(std::filesystem::exists(path()));
    ::close(successor);
}

TEST_F(Listen, replaces_a_socket_that_nobody_listens_on) {
    ::close(bind_socket(true));
    Server server(loop_, backend_);
    EXPECT_FALSE(error_of(server, "unix:" + path()));
}

TEST_F(Listen, refuses_a_socket_that_somebody_listens_on) {
    const int other = bind_socket(true);
    Server server(loop_, backend_);
    const auto error = error_of(server, "unix:" + path());
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, ErrorCode::Conflict);
    EXPECT_TRUE(std::filesystem::exists(path()));
    ::close(other);
}

TEST_F(Listen, touches_nothing_that_is_no_socket) {
    std::ofstream(path()) << "a file";
    Server server(loop_, backend_);
    EXPECT_EQ(error_of(server, "unix:" + path())->code, ErrorCode::Conflict);
    EXPECT_EQ(std::filesystem::file_size(path()), 6U);
    std::filesystem::remove(path());
    std::filesystem::create_symlink("/nowhere", path());
    EXPECT_EQ(error_of(server, "unix:" + path())->code, ErrorCode::Conflict);
    EXPECT_TRUE(std::filesystem::is_symlink(path()));
}

TEST_F(Listen, refuses_in_words_what_is_neither_a_path_nor_loopback) {
    Server server(loop_, backend_);
    for (const std::string address :
         {"unix:@abstract", "unix:relative", "unix:", "0.0.0.0:9477", ":9477", "[::]:9477", "192.0.2.7:9477",
          "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:70000", "127.0.0.1:-1", "example.com:80", ""}) {
        const auto error = error_of(server, address);
        ASSERT_TRUE(error) << address;
        EXPECT_EQ(error->code, ErrorCode::Invalid) << address;
        EXPECT_FALSE(error->hint.empty()) << address;
    }
    EXPECT_EQ(error_of(server, "unix:/" + std::string(200, 'x'))->code, ErrorCode::Invalid);
}

TEST_F(Listen, listens_on_loopback_of_both_families) {
    Server server(loop_, backend_);
    for (const char* address : {"127.0.0.1:0", "localhost:0", "[::1]:0"}) {
        EXPECT_FALSE(error_of(server, address)) << address;
        EXPECT_GT(server.port(), 0) << address;
    }
}

TEST_F(Listen, says_which_port_is_taken) {
    Server first(loop_, backend_), second(loop_, backend_);
    ASSERT_FALSE(error_of(first, "127.0.0.1:0"));
    const std::string taken = "127.0.0.1:" + std::to_string(first.port());
    EXPECT_NE(error_of(second, taken)->message.find(taken), std::string::npos);
}

TEST_F(Listen, adopts_a_socket_of_the_service_manager) {
    Server server(loop_, backend_);
    EXPECT_TRUE(server.adopt(bind_socket(true)));
    EXPECT_TRUE(std::filesystem::exists(path()));
}

TEST_F(Listen, adopts_only_listening_sockets_of_this_host) {
    Server server(loop_, backend_);
    EXPECT_FALSE(server.adopt(bind_socket(false)));
    const int everywhere = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::listen(everywhere, 8), 0);  // unbound: on every address
    EXPECT_FALSE(server.adopt(everywhere));
    const int abstract = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un nameless{};
    nameless.sun_family = AF_UNIX;
    ASSERT_EQ(::bind(abstract, reinterpret_cast<sockaddr*>(&nameless), sizeof(sa_family_t)), 0);
    ASSERT_EQ(::listen(abstract, 8), 0);
    EXPECT_FALSE(server.adopt(abstract));
}

// -- who is at the other end

TEST(Peers, are_who_the_kernel_says) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    const auto ids = api::peer_of(ends[0]);
    ASSERT_TRUE(ids);
    EXPECT_EQ(ids->uid, ::geteuid());
    EXPECT_EQ(ids->gid, ::getegid());
    for (const int end : ends) ::close(end);
}

TEST(Peers, have_the_names_of_the_user_database) {
    const passwd* entry = ::getpwuid(0);
    ASSERT_NE(entry, nullptr);
    const Peer peer = api::look_up_peer({0, 0});
    EXPECT_EQ(peer.user, entry->pw_name);
    EXPECT_NE(std::find(peer.groups.begin(), peer.groups.end(), ::getgrgid(entry->pw_gid)->gr_name), peer.groups.end());
}

TEST(Peers, without_an_entry_have_no_name) {
    constexpr uid_t kNobodyHasIt = 4'294'000'001;
    const Peer peer = api::look_up_peer({kNobodyHasIt, 0});
    EXPECT_EQ(peer.uid, kNobodyHasIt);
    EXPECT_TRUE(peer.user.empty());
    EXPECT_TRUE(peer.groups.empty());
}

}  // namespace
}  // namespace revertd::test
