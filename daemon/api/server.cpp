// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <set>
#include <vector>

#include "daemon/api/answer.h"
#include "daemon/api/connection.h"
#include "daemon/api/listener.h"
#include "daemon/api/response_text.h"
#include "daemon/api/router.h"
#include "daemon/io/loop.h"

namespace revertd {

using api::Connection;
using api::Listener;
using api::Origin;

namespace {

constexpr int kAcceptsPerTurn = 16;       // a flood of connections must not hold the loop
constexpr Duration kAcceptPause = 100ms;  // when this process has no descriptor left

}  // namespace

class Server::Impl final : public api::ConnectionHost {
  public:
    Impl(Loop& loop, Backend& backend, Options options)
        : loop_(loop),
          backend_(backend),
          limits_(options.limits),
          directory_(loop, options.limits.lookups, std::move(options.lookup)),
          router_(backend, directory_) {}

    ~Impl() override {
        for (const auto& connection : connections_) connection->shut();
    }

    Result<void> add(Result<Listener> opened);

    [[nodiscard]] std::uint16_t port() const { return port_; }

    [[nodiscard]] std::size_t connections() const { return connections_.size(); }

  private:
    /// A listener and its place in the poller.
    class Door final : public Watcher {
      public:
        Door(Impl& server, Listener listener) : server_(server), listener_(std::move(listener)) {}

        ~Door() override {
            server_.loop_.cancel(pause_);
            server_.loop_.poller().remove(listener_.fd(), *this);
        }

        [[nodiscard]] bool open() { return server_.loop_.poller().set(listener_.fd(), EPOLLIN, *this); }

        [[nodiscard]] const Listener& listener() const { return listener_; }

      private:
        void on_ready(std::uint32_t events) override;
        void pause();

        Impl& server_;
        Listener listener_;
        TimerId pause_ = TimerId::None;
    };

    // -- ConnectionHost
    Loop& loop() override { return loop_; }

    Backend& backend() override { return backend_; }

    [[nodiscard]] const api::ApiLimits& limits() const override { return limits_; }

    void handle(api::Request request, const Origin& origin, api::Respond respond) override;

    [[nodiscard]] bool admit_stream() override {
        const auto streams = std::count_if(connections_.begin(), connections_.end(),
                                           [](const auto& connection) { return connection->streams(); });
        return static_cast<std::size_t>(streams) < limits_.streams;
    }

    void closed(Connection& connection) override { connections_.erase(connection.shared_from_this()); }

    struct Question {
        api::Request request;
        Origin origin;
        api::Respond respond;
    };

    void plan_answer();
    void answer_next();
    void welcome(runner::Fd socket, const Listener& listener);
    [[nodiscard]] bool has_room(const Origin& origin) const;

    Loop& loop_;
    Backend& backend_;
    const api::ApiLimits limits_;
    api::PeerDirectory directory_;
    api::Router router_;
    std::deque<Question> questions_;
    const std::shared_ptr<Impl*> self_ = std::make_shared<Impl*>(this);  // for what is posted and may come too late
    std::uint16_t port_ = 0;
    std::set<std::shared_ptr<Connection>> connections_;
    std::vector<std::unique_ptr<Door>> doors_;
};

Result<void> Server::Impl::add(Result<Listener> opened) {
    if (!opened) return opened.error();
    if (!opened->is_unix()) port_ = opened->port();
    auto door = std::make_unique<Door>(*this, std::move(*opened));
    if (!door->open()) return Error(ErrorCode::Io, "no room for a listening socket");
    doors_.push_back(std::move(door));
    return {};
}

void Server::Impl::Door::on_ready(std::uint32_t) {
    for (int i = 0; i < kAcceptsPerTurn; ++i) {
        runner::Fd socket(::accept4(listener_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (socket) {
            server_.welcome(std::move(socket), listener_);
            continue;
        }
        const bool exhausted = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
        return exhausted ? pause() : void();
    }
}

/// The connection stays in the queue, and would wake the loop again and again.
void Server::Impl::Door::pause() {
    server_.loop_.poller().remove(listener_.fd(), *this);
    pause_ = server_.loop_.at(server_.loop_.now() + kAcceptPause, [this] {
        pause_ = TimerId::None;
        if (!open()) pause();
    });
}

void Server::Impl::handle(api::Request request, const Origin& origin, api::Respond respond) {
    questions_.push_back({std::move(request), origin, std::move(respond)});
    if (questions_.size() == 1) plan_answer();
}

/// One answer, then the loop's other work: whatever is asked, judging is late by one answer at most.
void Server::Impl::plan_answer() {
    loop_.post([self = std::weak_ptr(self_)] {
        if (const auto server = self.lock()) (*server)->answer_next();
    });
}

void Server::Impl::answer_next() {
    Question& question = questions_.front();
    router_.handle(std::move(question.request), question.origin, std::move(question.respond));
    questions_.pop_front();
    if (!questions_.empty()) plan_answer();
}

bool Server::Impl::has_room(const Origin& origin) const {
    const auto same = std::count_if(connections_.begin(), connections_.end(), [&](const auto& connection) {
        const auto& ids = connection->origin().ids;
        return ids.has_value() == origin.ids.has_value() && (!ids || ids->uid == origin.ids->uid);
    });
    return connections_.size() < limits_.connections && static_cast<std::size_t>(same) < limits_.connections_of_one;
}

void Server::Impl::welcome(runner::Fd socket, const Listener& listener) {
    Origin origin;
    origin.port = listener.port();
    if (listener.is_unix()) {
        origin.ids = api::peer_of(socket.get());
        if (!origin.ids) return;
    } else {
        const int on = 1;
        ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    if (!has_room(origin)) {
        const auto full = api::error_response({ErrorCode::Limit, "too many connections", "close some, or try later"});
        const std::string text = api::to_text(full, {});
        ::send(socket.get(), text.data(), text.size(),
               MSG_NOSIGNAL | MSG_DONTWAIT);  // best effort: whoever floods does not read
        return;
    }
    const auto connection = std::make_shared<Connection>(*this, std::move(socket), origin);
    connections_.insert(connection);
    connection->start();
}

Server::Server(Loop& loop, Backend& backend) : Server(loop, backend, Options()) {}

Server::Server(Loop& loop, Backend& backend, Options options)
    : impl_(std::make_unique<Impl>(loop, backend, std::move(options))) {}

Server::~Server() = default;

Result<void> Server::listen(const std::string& address) {
    return impl_->add(Listener::open(address));
}

Result<void> Server::adopt(int fd) {
    return impl_->add(Listener::adopt(fd));
}

std::uint16_t Server::port() const {
    return impl_->port();
}

std::size_t Server::connections() const {
    return impl_->connections();
}

}  // namespace revertd
