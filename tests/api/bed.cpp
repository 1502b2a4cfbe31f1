// SPDX-License-Identifier: Apache-2.0
#include "tests/api/bed.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>

namespace revertd::test {
namespace {

constexpr int kPatienceMilliseconds = 10'000;

bool is_readable(int fd) {
    pollfd waited{.fd = fd, .events = POLLIN, .revents = 0};
    return ::poll(&waited, 1, kPatienceMilliseconds) == 1;
}

}  // namespace

ctl::Json Answered::json() const {
    const auto parsed = ctl::Json::parse(body);
    return parsed ? *parsed : ctl::Json();
}

// -- a client

Client::~Client() {
    if (fd_ >= 0) ::close(fd_);
}

bool Client::send(const std::string& bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const ssize_t count = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (count <= 0) return false;
        sent += static_cast<std::size_t>(count);
    }
    return true;
}

bool Client::read_more() {
    if (!is_readable(fd_)) throw std::runtime_error("the server says nothing");
    std::array<char, 64 * 1024> buffer;
    const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (count > 0) unread_.append(buffer.data(), static_cast<std::size_t>(count));
    return count > 0;
}

Answered Client::receive(bool head_only) {
    Answered out;
    std::size_t end = 0;
    while ((end = unread_.find("\r\n\r\n")) == std::string::npos) {
        if (!read_more()) {
            out.closed = true;
            return out;
        }
    }
    out.head = unread_.substr(0, end + 2);
    unread_.erase(0, end + 4);
    out.status = std::stoi(out.head.substr(out.head.find(' ') + 1));
    const auto length = out.head.find("Content-Length: ");
    const std::size_t bytes = head_only || length == std::string::npos ? 0 : std::stoul(out.head.substr(length + 16));
    while (unread_.size() < bytes && read_more()) continue;
    out.body = unread_.substr(0, bytes);
    unread_.erase(0, bytes);
    out.closed = out.has("Connection: close");
    return out;
}

std::string Client::read_until(const std::string& text) {
    std::size_t at = 0;
    while ((at = unread_.find(text)) == std::string::npos)
        if (!read_more()) return {};
    std::string out = unread_.substr(0, at + text.size());
    unread_.erase(0, at + text.size());
    return out;
}

bool Client::is_closed_by_server() {
    while (read_more()) continue;
    return true;
}

void Client::stop_sending() {
    ::shutdown(fd_, SHUT_WR);
}

// -- the server

Bed::Bed(api::ApiLimits limits) {
    std::string name = (std::filesystem::temp_directory_path() / "revertd-api-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    loop_ = std::make_unique<Loop>(clock_);
    backend_ = std::make_unique<FakeBackend>(*loop_);
    Server::Options options;
    options.limits = limits;
    options.lookup = [identity = identity_](api::PeerIds) {
        const std::lock_guard lock(identity->mutex);
        return identity->peer;
    };
    server_ = std::make_unique<Server>(*loop_, *backend_, std::move(options));
    for (const std::string& place : {address(), std::string("127.0.0.1:0")})
        if (const auto listening = server_->listen(place); !listening)
            throw std::runtime_error(listening.error().message);
    port_ = server_->port();
    thread_ = std::jthread([this] { loop_->run(); });
}

Bed::~Bed() {
    on_loop([this] { server_.reset(); });
    loop_->stop();
    thread_.join();
    backend_.reset();
    std::filesystem::remove_all(directory_);
}

void Bed::on_loop(const std::function<void()>& what) {
    std::promise<void> done;
    loop_->post([&] {
        what();
        done.set_value();
    });
    done.get_future().wait();
}

Client Bed::connect() const {
    return connect_by(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

Client Bed::connect_by(int fd) const {
    sockaddr_un place{};
    place.sun_family = AF_UNIX;
    std::strncpy(place.sun_path, socket().c_str(), sizeof place.sun_path - 1);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&place), sizeof place) != 0)
        throw std::runtime_error("no connection");
    return Client(fd);
}

Client Bed::connect_tcp() const {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(port_);
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&place), sizeof place) != 0)
        throw std::runtime_error("no connection");
    return Client(fd);
}

Answered Bed::get(const std::string& target, const std::string& headers) const {
    Client client = connect();
    client.send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n");
    return client.receive();
}

Answered Bed::post(const std::string& target, const std::string& body) const {
    Client client = connect();
    client.send(post_text(target, body));
    return client.receive();
}

std::size_t Bed::connections() {
    std::size_t count = 0;
    on_loop([&] { count = server_->connections(); });
    return count;
}

void Bed::set_peer(Peer peer) {
    const std::lock_guard lock(identity_->mutex);
    identity_->peer = std::move(peer);
}

std::string post_text(const std::string& target, const std::string& body) {
    return "POST " + target + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

// -- a deploy and its incident

std::string Bed::bake() {
    on_loop([this] { backend_->runs("v1"); });
    post("/api/v1/services/api/good", R"({"version":"v1","action":"mark","reason":"it ran for weeks"})");
    const auto started = post("/api/v1/deployments", R"({"id":"d-1","service":"api","version":"v2"})");
    on_loop([this] {
        backend_->seen.up = 2, backend_->seen.targets = 3;
        backend_->seen.signals = {{"errors", "requests_total", Unit::Ratio, 0.004, 0.003, Verdict::Ok}};
        backend_->runs("v2");
    });
    return started.json()["id"].text();
}

std::string Bed::ask_for_approval() {
    bake();
    std::string id;
    on_loop([&] {
        const Time since = backend_->now().at - 2min;
        backend_->seen.signals.front().value = 0.079;
        RuleChange change{1,
                          Verdict::Breach,
                          true,
                          0.079,
                          0.05,
                          std::numeric_limits<double>::quiet_NaN(),
                          1241,
                          since,
                          false,
                          false,
                          "errors 7.9 % is above 5 % for 2m"};
        change.limit_why = "ten times the usual evidence is needed, because the load has just grown";
        change.where = "all of it in route=/pay", change.places = {{"route", "/pay", 1, 0.48, 0.003, true}};
        backend_->judge(change);
        const ServiceState* service = backend_->engine().state().service("api");
        id = service != nullptr ? service->incident : std::string();
    });
    return id;
}

}  // namespace revertd::test
