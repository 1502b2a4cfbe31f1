// SPDX-License-Identifier: Apache-2.0
// Inside of lean_client.cpp: one target of the hot path.
#pragma once
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "daemon/io/http.h"
#include "daemon/io/limits.h"
#include "daemon/io/poller.h"
#include "daemon/io/resolver.h"
#include "daemon/io/response_parser.h"
#include "daemon/io/timers.h"

namespace revertd {

class Loop;

/// What all fetches of one client use.
struct LeanShared {
    Loop& loop;
    Resolver& resolver;
    std::string user_agent;
    /// Filled and consumed within one read: no connection ever owns it.
    std::array<char, kReadBufferBytes> buffer;
};

class LeanFetch final : public Fetch, Watcher, ResolveWaiter {
  public:
    LeanFetch(LeanShared& shared, const HttpTarget& target, const FetchOptions& options);
    ~LeanFetch() override;

    void start(Time deadline, Sink& sink) override;
    void cancel() override;

    [[nodiscard]] bool in_flight() const override { return sink_ != nullptr; }

    [[nodiscard]] std::string_view detail() const override { return detail_; }

  private:
    enum class State { Idle, Resolving, Connecting, Sending, Receiving, Ending };

    void on_resolved(const Addresses& addresses) override;
    void on_ready(std::uint32_t events) override;
    void on_deadline();

    void use(const Addresses& addresses);
    void connect_next();
    void on_connect_failed(int code);
    void on_connected();
    void send_request();
    void continue_sending();
    void receive(bool is_ending);
    void on_broken(FetchError error, std::string_view detail);
    [[nodiscard]] bool is_peer_lost() const;
    void end(FetchError error, std::string_view detail);
    void finish(FetchError error);

    void watch(std::uint32_t events);
    void watch_anew();
    void close_connection();

    Loop& loop_;
    Resolver& resolver_;
    std::span<char> buffer_;
    const std::string host_;
    const in_port_t port_;  // in network order
    const std::string request_;
    const std::size_t max_body_bytes_;
    const bool keep_alive_;
    const bool connect_only_;
    bool is_literal_ = false;

    State state_ = State::Idle;
    bool is_starting_ = false;
    bool is_reused_ = false;   // the connection has carried an earlier answer
    bool is_drained_ = false;  // after the answer nothing was left in it
    Sink* sink_ = nullptr;
    TimerId timer_ = TimerId::None;
    FetchError error_ = FetchError::None;
    std::string_view detail_;  // a literal

    int fd_ = -1;
    std::uint32_t events_ = 0;
    std::size_t sent_ = 0;
    ResponseParser parser_;

    Addresses candidates_;
    std::size_t preferred_ = 0;  // the candidate that answered last
    std::size_t tried_ = 0;
    Address peer_;
};

}  // namespace revertd
