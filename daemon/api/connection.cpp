// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/connection.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "daemon/api/answer.h"
#include "daemon/api/event_stream.h"
#include "daemon/api/response_text.h"

namespace revertd::api {
namespace {

constexpr std::size_t kReadBytes = 16 * 1024;
constexpr std::size_t kStreamBytes = 64 * 1024;  // of a stream that are rendered before the reader takes some

}  // namespace

Connection::Connection(ConnectionHost& host, runner::Fd socket, Origin origin)
    : host_(host), socket_(std::move(socket)), origin_(origin), reader_(host.limits()) {}

Connection::~Connection() {
    shut();
}

void Connection::start() {
    set_deadline(host_.limits().head, &Connection::close);  // whoever connects has something to say
    watch(EPOLLIN);
}

void Connection::on_ready(std::uint32_t events) {
    const auto keep = shared_from_this();
    if (state_ == State::Leaving) return throw_away();
    if ((events & (EPOLLHUP | EPOLLERR)) != 0 && (events & EPOLLIN) == 0) return close();
    if (state_ == State::Reading) return receive();
    if ((events & EPOLLOUT) != 0) send();
    if (state_ == State::Streaming && (events & EPOLLIN) != 0) throw_away();
}

// -- a request

void Connection::receive() {
    std::array<char, kReadBytes> buffer;
    const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) return close();
    input_.append(buffer.data(), static_cast<std::size_t>(count));
    read_request();
}

void Connection::read_request() {
    if (state_ != State::Reading || input_.empty()) return;
    if (!is_head_pending_ && !is_body_pending_) {
        is_head_pending_ = true;
        set_deadline(host_.limits().head, &Connection::on_slow_request);
    }
    switch (reader_.feed(input_)) {
        case RequestReader::Outcome::Failed:
            return refuse(reader_.refusal());
        case RequestReader::Outcome::Done:
            return ask();
        case RequestReader::Outcome::NeedMore:
            break;
    }
    if (is_head_pending_ && reader_.head_done()) {
        is_head_pending_ = false;
        is_body_pending_ = true;
        set_deadline(host_.limits().body, &Connection::on_slow_request);
    }
}

void Connection::on_slow_request() {
    Response response = error_response({ErrorCode::Timeout, "the request did not arrive in time"});
    response.status = 408;
    refuse(response);
}

void Connection::ask() {
    state_ = State::Answering;
    is_head_pending_ = is_body_pending_ = false;
    set_deadline(host_.limits().answer, &Connection::on_overdue_answer);
    watch(0);
    Request request = reader_.take();
    keep_alive_ = request.keep_alive;
    head_only_ = request.method == "HEAD";
    host_.handle(std::move(request), origin_,
                 [weak = weak_from_this(), question = ++question_](const Response& response) {
                     const auto self = weak.lock();
                     if (self && self->state_ == State::Answering && self->question_ == question)
                         self->answer(response);
                 });
}

void Connection::on_overdue_answer() {
    answer(error_response({ErrorCode::Timeout, "no answer in time; what was asked may still happen",
                           "look before asking again: revertctl status"}));
}

// -- its answer

void Connection::answer(const Response& response) {
    if (response.stream && !head_only_) return begin_stream(response.stream);
    state_ = State::Sending;
    output_ = to_text(response, {.keep_alive = keep_alive_, .head_only = head_only_});
    send();
}

void Connection::refuse(const Response& response) {
    keep_alive_ = head_only_ = false;
    answer(response);
}

void Connection::begin_stream(const std::shared_ptr<EventStream>& stream) {
    if (!host_.admit_stream()) {
        return answer(error_response(
            {ErrorCode::Limit, "too many streams of events are open", "end one, or ask /api/v1/deployments/{id}"}));
    }
    keep_alive_ = false;
    state_ = State::Streaming;
    stream_ = stream;
    output_ = stream_head();
    stream_->open(host_.backend(), host_.limits().queued_events, [this] { wake_stream(); });
    beat();
    feed_stream();
}

/// The event is being told to others too, so nothing is done before that has ended.
void Connection::wake_stream() {
    if (std::exchange(is_woken_, true)) return;
    host_.loop().post([weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self || self->state_ != State::Streaming) return;
        self->is_woken_ = false;
        self->feed_stream();
    });
}

void Connection::feed_stream() {
    if (stream_->has_fallen_behind()) return close();
    if (output_.empty()) stream_->take(output_, kStreamBytes);
    send();
}

void Connection::beat() {
    heartbeat_ = host_.loop().at(host_.loop().now() + host_.limits().heartbeat, [this] {
        if (output_.empty()) output_ = ":\n\n";
        beat();
        const auto keep = shared_from_this();
        send();
    });
}

void Connection::send() {
    while (sent_ < output_.size()) {
        const ssize_t count = ::send(socket_.get(), output_.data() + sent_, output_.size() - sent_, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno != EAGAIN) return close();
        if (count < 0) {
            if ((events_ & EPOLLOUT) == 0) set_deadline(host_.limits().send, &Connection::close);
            return watch(state_ == State::Streaming ? EPOLLIN | EPOLLOUT : EPOLLOUT);
        }
        sent_ += static_cast<std::size_t>(count);
        if ((events_ & EPOLLOUT) != 0) set_deadline(host_.limits().send, &Connection::close);
    }
    output_.clear();
    sent_ = 0;
    on_sent();
}

void Connection::on_sent() {
    if (state_ == State::Streaming) {
        stream_->take(output_, kStreamBytes);
        if (!output_.empty()) return send();
        host_.loop().cancel(std::exchange(deadline_, TimerId::None));
        return watch(EPOLLIN);
    }
    if (!keep_alive_) return leave();
    state_ = State::Reading;
    reader_.reset();
    set_deadline(host_.limits().idle, &Connection::close);
    watch(EPOLLIN);
    read_request();  // a pipelined one
}

// -- the end

/// A close with unread bytes would be a reset, which can overtake the answer.
void Connection::leave() {
    state_ = State::Leaving;
    ::shutdown(socket_.get(), SHUT_WR);
    set_deadline(host_.limits().farewell, &Connection::close);
    watch(EPOLLIN);
}

void Connection::throw_away() {
    std::array<char, kReadBytes> buffer;
    const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) close();
}

void Connection::watch(std::uint32_t events) {
    if (events == events_ && events != 0) return;
    events_ = events;
    if (!host_.loop().poller().set(socket_.get(), events, *this)) close();
}

void Connection::set_deadline(Duration limit, void (Connection::*what)()) {
    host_.loop().cancel(deadline_);
    deadline_ = host_.loop().at(host_.loop().now() + limit, [this, what] {
        const auto keep = shared_from_this();
        deadline_ = TimerId::None;
        (this->*what)();
    });
}

void Connection::shut() {
    if (state_ == State::Closed) return;
    state_ = State::Closed;
    stream_.reset();
    host_.loop().cancel(deadline_);
    host_.loop().cancel(heartbeat_);
    host_.loop().poller().remove(socket_.get(), *this);
    socket_.reset();
}

void Connection::close() {
    if (state_ == State::Closed) return;
    const auto keep = shared_from_this();
    shut();
    host_.closed(*this);
}

}  // namespace revertd::api
