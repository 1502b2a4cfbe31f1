// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/lean_fetch.h"

#include <netinet/tcp.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <utility>

#include "daemon/io/http_text.h"
#include "daemon/io/loop.h"

namespace revertd {
namespace {

/// Edge-triggered: a connection is registered once, and what has been read is not asked about again.
constexpr std::uint32_t kReadable = EPOLLIN | EPOLLRDHUP | EPOLLET, kWritable = EPOLLOUT | EPOLLET;

FetchError connect_error(int code) {
    switch (code) {
        case ECONNREFUSED:
            return FetchError::ConnectRefused;
        case ETIMEDOUT:
        case EHOSTUNREACH:
        case EHOSTDOWN:
            return FetchError::ConnectTimeout;
        case ECONNRESET:
            return FetchError::Reset;
        default:
            return FetchError::LocalLimit;
    }
}

bool would_block(int code) {
    return code == EAGAIN || code == EWOULDBLOCK || code == EINTR;
}

std::string render_request(const HttpTarget& target, const FetchOptions& options, const std::string& user_agent) {
    std::string text = "GET " + target.path + " HTTP/1.1\r\n";
    const auto add = [&](const std::string& name, const std::string& value) { text += name + ": " + value + "\r\n"; };
    if (!has_header(options.headers, "host")) add("Host", target.authority);
    if (!has_header(options.headers, "user-agent")) add("User-Agent", user_agent);
    if (!has_header(options.headers, "accept")) add("Accept", options.accept);
    add("Accept-Encoding", "identity");  // inflating a page costs more than parsing it
    for (const auto& [name, value] : options.headers) add(name, value);
    if (!options.keep_alive) add("Connection", "close");
    return text + "\r\n";
}

}  // namespace

LeanFetch::LeanFetch(LeanShared& shared, const HttpTarget& target, const FetchOptions& options)
    : loop_(shared.loop),
      resolver_(shared.resolver),
      buffer_(shared.buffer),
      host_(target.host),
      port_(htons(target.port)),
      request_(render_request(target, options, shared.user_agent)),
      max_body_bytes_(options.max_body_bytes ? options.max_body_bytes : kMaxBodyBytes),
      keep_alive_(options.keep_alive && !options.connect_only),
      connect_only_(options.connect_only) {
    if (const auto literal = parse_address(host_)) candidates_ = {*literal};
    is_literal_ = !candidates_.empty();
}

LeanFetch::~LeanFetch() {
    LeanFetch::cancel();
    close_connection();
}

void LeanFetch::start(Time deadline, Sink& sink) {
    assert(!sink_);
    sink_ = &sink;
    detail_ = {};
    timer_ = loop_.at(deadline, [this] { on_deadline(); });
    is_starting_ = true;
    if (is_literal_) {
        use(candidates_);
    } else if (const Addresses* known = resolver_.find(host_)) {
        use(*known);
    } else {
        state_ = State::Resolving;
        resolver_.resolve(host_, *this);
    }
    is_starting_ = false;
}

void LeanFetch::cancel() {
    if (!sink_) return;
    if (state_ == State::Resolving) resolver_.cancel(host_, *this);
    loop_.cancel(std::exchange(timer_, TimerId::None));
    close_connection();
    sink_ = nullptr;
    state_ = State::Idle;
}

void LeanFetch::on_resolved(const Addresses& addresses) {
    if (addresses.empty()) return end(FetchError::Resolve, "no address for the name");
    use(addresses);
}

void LeanFetch::use(const Addresses& addresses) {
    if (&addresses != &candidates_) candidates_ = addresses;
    tried_ = 0;
    const bool is_known = is_literal_ || std::find(candidates_.begin(), candidates_.end(), peer_) != candidates_.end();
    if (fd_ >= 0 && is_known) {
        is_reused_ = true;
        return send_request();
    }
    close_connection();  // the name has moved
    connect_next();
}

void LeanFetch::connect_next() {
    peer_ = candidates_[(preferred_ + tried_++) % candidates_.size()];
    is_reused_ = false;
    fd_ = socket(peer_.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) return end(FetchError::LocalLimit, "no descriptor for a connection");
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in6 address = peer_.storage;
    address.sin6_port = port_;  // at the same place in both families
    const socklen_t size = peer_.family() == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    if (connect(fd_, reinterpret_cast<const sockaddr*>(&address), size) == 0) return on_connected();
    if (errno != EINPROGRESS) return on_connect_failed(errno);
    state_ = State::Connecting;
    watch(kWritable);
}

void LeanFetch::on_connect_failed(int code) {
    close_connection();
    if (tried_ < candidates_.size()) return connect_next();
    end(connect_error(code), "no connection");
}

void LeanFetch::on_connected() {
    preferred_ = (preferred_ + tried_ - 1) % candidates_.size();
    if (connect_only_) return end(FetchError::None, {});
    send_request();
}

void LeanFetch::send_request() {
    parser_.reset(max_body_bytes_);
    sent_ = 0;
    continue_sending();
}

void LeanFetch::continue_sending() {
    while (sent_ < request_.size()) {
        const ssize_t count = send(fd_, request_.data() + sent_, request_.size() - sent_, MSG_NOSIGNAL);
        if (count < 0 && would_block(errno)) {
            state_ = State::Sending;
            return watch(kWritable);
        }
        if (count < 0) return on_broken(FetchError::Reset, "connection broke while the request was sent");
        sent_ += static_cast<std::size_t>(count);
    }
    state_ = State::Receiving;
    watch(kReadable);
}

void LeanFetch::on_ready(std::uint32_t events) {
    switch (state_) {
        case State::Connecting: {
            int code = 0;
            socklen_t size = sizeof code;
            getsockopt(fd_, SOL_SOCKET, SO_ERROR, &code, &size);
            return code == 0 ? on_connected() : on_connect_failed(code);
        }
        case State::Sending:
            return continue_sending();
        case State::Receiving:
            return receive((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
        case State::Idle:
        case State::Resolving:
        case State::Ending:
            return close_connection();  // closed by the peer between two requests
    }
}

/// Less than the buffer holds is all that there was, and what comes later is told; but if the peer has ended, that was
/// told already.
void LeanFetch::receive(bool is_ending) {
    for (int turn = 0; turn < kReadsPerTurn; ++turn) {
        const ssize_t count = recv(fd_, buffer_.data(), buffer_.size(), 0);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && would_block(errno)) return;
        if (count < 0) return on_broken(FetchError::Reset, "connection reset by the target");
        const auto size = static_cast<std::size_t>(count);
        if (size == 0 && !parser_.started()) return on_broken(FetchError::ClosedEarly, "closed without an answer");
        const auto outcome = size == 0 ? parser_.close() : parser_.feed(buffer_.first(size), *sink_);
        if (outcome == ResponseParser::Outcome::Failed) return end(parser_.error(), parser_.detail());
        if (outcome == ResponseParser::Outcome::Done) {
            is_drained_ = size < buffer_.size() && !is_ending;
            return end(FetchError::None, {});
        }
        if (size < buffer_.size() && !is_ending) return;
    }
    watch_anew();
}

/// A kept-alive connection may have been closed by the target while the request was on its way (RFC 9112, 9.3.1): that
/// says nothing about the target, so the request goes out once more on a fresh one.
void LeanFetch::on_broken(FetchError error, std::string_view detail) {
    if (!is_reused_ || parser_.started()) return end(error, detail);
    close_connection();
    connect_next();
}

void LeanFetch::on_deadline() {
    switch (state_) {
        case State::Resolving:
            resolver_.cancel(host_, *this);
            return end(FetchError::Resolve, "name not resolved in time");
        case State::Connecting:
            preferred_ += tried_;  // next time another address is tried first
            return end(FetchError::ConnectTimeout, "no connection in time");
        case State::Sending:
        case State::Receiving:
        case State::Idle:
        case State::Ending:
            break;
    }
    if (parser_.started()) return end(FetchError::Timeout, "answer not whole in time");
    if (is_peer_lost()) return end(FetchError::ConnectTimeout, "the target's host acknowledges nothing any more");
    end(FetchError::Timeout, "connected, but no answer in time");
}

/// A host that is gone looks on a kept connection like a target that hangs; for S16 they differ. The target's kernel
/// acknowledges a request even if the target is stopped, at the latest before our kernel sends it again.
bool LeanFetch::is_peer_lost() const {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
    return info.tcpi_unacked > 0 && info.tcpi_retransmits > 0;
}

void LeanFetch::end(FetchError error, std::string_view detail) {
    error_ = error;
    detail_ = detail;
    if (!is_starting_) return finish(error);
    close_connection();
    state_ = State::Ending;
    loop_.cancel(timer_);
    timer_ = loop_.at(loop_.now(), [this] { finish(error_); });
}

/// The last thing that is done in every path: the sink may start this fetch again or destroy it.
void LeanFetch::finish(FetchError error) {
    loop_.cancel(std::exchange(timer_, TimerId::None));
    if (error != FetchError::None || !keep_alive_ || !is_drained_ || !parser_.keep_alive()) close_connection();
    state_ = State::Idle;
    Sink* sink = std::exchange(sink_, nullptr);
    sink->done(error, loop_.now());
}

void LeanFetch::watch(std::uint32_t events) {
    if (events_ == events) return;
    events_ = events;
    watch_anew();
}

/// What is there already is told once more.
void LeanFetch::watch_anew() {
    if (!loop_.poller().set(fd_, events_, *this)) end(FetchError::LocalLimit, "no room to watch a connection");
}

void LeanFetch::close_connection() {
    if (fd_ < 0) return;
    loop_.poller().remove(fd_, *this);
    close(std::exchange(fd_, -1));
    events_ = 0;
}

}  // namespace revertd
