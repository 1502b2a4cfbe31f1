// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "daemon/api/limits.h"
#include "daemon/api/message.h"
#include "daemon/api/request_reader.h"
#include "daemon/io/loop.h"
#include "daemon/io/poller.h"
#include "daemon/runner/fd.h"

namespace revertd {
class Backend;
}

namespace revertd::api {

class Connection;

/// What a connection has from the server.
class ConnectionHost {
  public:
    ConnectionHost() = default;
    ConnectionHost(const ConnectionHost&) = delete;
    ConnectionHost& operator=(const ConnectionHost&) = delete;
    virtual ~ConnectionHost() = default;

    [[nodiscard]] virtual Loop& loop() = 0;
    [[nodiscard]] virtual Backend& backend() = 0;
    [[nodiscard]] virtual const ApiLimits& limits() const = 0;
    virtual void handle(Request request, const Origin& origin, Respond respond) = 0;
    /// One more stream begins; false: there are too many.
    [[nodiscard]] virtual bool admit_stream() = 0;
    /// The server drops its reference.
    virtual void closed(Connection& connection) = 0;
};

/// One client: a request at a time, read strictly, answered, and the next one. Every state has a deadline.
class Connection final : public Watcher, public std::enable_shared_from_this<Connection> {
  public:
    Connection(ConnectionHost& host, runner::Fd socket, Origin origin);
    ~Connection() override;

    void start();
    /// Without a word; the host is not told.
    void shut();

    [[nodiscard]] const Origin& origin() const { return origin_; }

    [[nodiscard]] bool streams() const { return stream_ != nullptr; }

  private:
    enum class State {
        Reading,    // a request, or the pause before it
        Answering,  // the daemon has the request
        Sending,    // the answer
        Streaming,  // events, until one side ends it
        Leaving,    // everything is said: what the client still sends is thrown away until it closes
        Closed
    };

    void on_ready(std::uint32_t events) override;

    // -- in the order of a request
    void receive();
    void read_request();
    void on_slow_request();
    void ask();
    void on_overdue_answer();
    void answer(const Response& response);
    void begin_stream(const std::shared_ptr<EventStream>& stream);
    void wake_stream();
    void feed_stream();
    void beat();
    void send();
    void on_sent();
    void leave();
    void throw_away();

    void refuse(const Response& response);
    void watch(std::uint32_t events);
    void set_deadline(Duration limit, void (Connection::*what)());
    void close();

    ConnectionHost& host_;
    runner::Fd socket_;
    const Origin origin_;
    State state_ = State::Reading;
    RequestReader reader_;
    std::string input_;
    bool is_head_pending_ = false;  // a byte of the request was seen, its head not yet whole
    bool is_body_pending_ = false;
    bool keep_alive_ = false;
    bool head_only_ = false;      // HEAD
    std::uint64_t question_ = 0;  // which one is being answered: late answers are dropped
    std::string output_;
    std::size_t sent_ = 0;
    std::shared_ptr<EventStream> stream_;
    bool is_woken_ = false;
    std::uint32_t events_ = 0;
    TimerId deadline_ = TimerId::None;
    TimerId heartbeat_ = TimerId::None;
};

}  // namespace revertd::api
