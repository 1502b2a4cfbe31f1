// SPDX-License-Identifier: Apache-2.0
#include "daemon/runner/client.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "daemon/io/loop.h"
#include "daemon/io/poller.h"
#include "daemon/runner/connection.h"
#include "daemon/runner/limits.h"
#include "daemon/runner/listen.h"
#include "daemon/runner/protocol.h"

namespace revertd {

using namespace runner;

namespace {

constexpr Duration kRevivePause = 1s;

/// What was asked and not answered yet.
struct Pending {
    std::string line;
    bool is_start = false;
    bool is_sent = false;
    std::optional<Duration> patience;  ///< for the answer, once it is sent; none: for ever
    RunnerClient::OnReceipt on_receipt;
    RunnerClient::OnProbe on_probe;
    TimerId expiry = TimerId::None;
};

Receipt without_answer(StepState state, const std::string& reason) {
    Receipt receipt;
    receipt.state = state;
    receipt.reason = reason;
    return receipt;
}

void tell(const Pending& pending, StepState state, const std::string& reason) {
    if (pending.on_receipt) pending.on_receipt(without_answer(state, reason));
    if (pending.on_probe) pending.on_probe(ProbeResult{-1, "", reason});
}

}  // namespace

class RunnerClient::Impl final : public Watcher {
  public:
    Impl(Loop& loop, Options options) : loop_(loop), options_(std::move(options)) { connect(); }

    ~Impl() override {
        disconnect();
        loop_.cancel(retry_);
        for (const auto& [id, pending] : pending_) loop_.cancel(pending.expiry);
    }

    void ask(Request request, Pending pending) {
        request.id = ++last_id_;
        Result<std::string> line = encode(request);
        if (!line) {
            const std::string reason = line.error().message;
            loop_.post([pending = std::move(pending), reason] { tell(pending, StepState::None, reason); });
            return;
        }
        pending.line = *std::move(line);
        // An order that cannot be sent soon is given back: by then the engine may know better.
        if (pending.patience) pending.expiry = expire(request.id, options_.connect_patience);
        pending_.emplace(request.id, std::move(pending));
        flush();
    }

    [[nodiscard]] bool connected() const { return connection_.has_value(); }

    void on_ready(std::uint32_t) override {
        const std::vector<std::string> lines = connection_->read_lines();
        connection_->flush();
        const bool lost = !connection_->is_open();
        if (lost) disconnect();
        for (const std::string& line : lines) on_line(line);
        if (lost)
            on_lost();
        else if (connection_)
            watch();
    }

  private:
    TimerId expire(std::uint64_t id, Duration in) {
        return loop_.at(loop_.now() + in, [this, id] { on_expired(id); });
    }

    void connect() {
        if (connection_) return;
        Result<Fd> socket = connect_to(options_.socket);
        if (!socket) {
            if (options_.revive && loop_.now() >= next_revival_) {
                next_revival_ = loop_.now() + kRevivePause;
                options_.revive();
            }
            loop_.cancel(retry_);
            retry_ = loop_.at(loop_.now() + kReconnect, [this] { connect(); });
            return;
        }
        connection_.emplace(0, *std::move(socket));
        flush();
    }

    void disconnect() {
        if (!connection_) return;
        loop_.poller().remove(connection_->fd(), *this);
        connection_.reset();
    }

    void watch() {
        const std::uint32_t events = EPOLLIN | (connection_->wants_to_write() ? EPOLLOUT : 0U);
        if (!loop_.poller().set(connection_->fd(), events, *this)) lose();
    }

    /// Sends what was not sent on this connection.
    void flush() {
        if (!connection_) return;
        for (auto& [id, pending] : pending_) {
            if (pending.is_sent || !connection_->is_open()) continue;
            pending.is_sent = true;
            loop_.cancel(pending.expiry);
            if (pending.patience) pending.expiry = expire(id, *pending.patience);
            connection_->send(pending.line);
        }
        connection_->is_open() ? watch() : lose();
    }

    /// Callbacks come from the loop, never from inside the call that asked.
    void lose() {
        disconnect();
        loop_.post([this, alive = std::weak_ptr<int>(alive_)] {
            if (!alive.expired()) on_lost();
        });
    }

    /// Whether a started step began nobody knows: its key will tell. Questions are simply asked again.
    void on_lost() {
        std::vector<Pending> lost;
        for (auto it = pending_.begin(); it != pending_.end();) {
            Pending& pending = it->second;
            const bool gone = pending.is_start && pending.is_sent;
            pending.is_sent = false;
            if (!gone) {
                ++it;
                continue;
            }
            loop_.cancel(pending.expiry);
            lost.push_back(std::move(pending));
            it = pending_.erase(it);
        }
        connect();
        for (const Pending& pending : lost)
            tell(pending, StepState::NoAnswer, "the runner was lost while the step ran");
    }

    std::optional<Pending> take(std::uint64_t id) {
        const auto found = pending_.find(id);
        if (found == pending_.end()) return std::nullopt;
        Pending pending = std::move(found->second);
        loop_.cancel(pending.expiry);
        pending_.erase(found);
        return pending;
    }

    void on_expired(std::uint64_t id) {
        const std::optional<Pending> pending = take(id);
        if (!pending) return;
        if (pending->is_start && !pending->is_sent)
            return tell(*pending, StepState::None, "the runner cannot be reached");
        tell(*pending, StepState::NoAnswer, "the runner gives no answer");
    }

    void on_line(const std::string& line) {
        const Result<Answer> answer = decode_answer(line);
        if (!answer) return;
        const std::optional<Pending> pending = take(answer->id);
        if (!pending) return;  // it came after its time
        if (const auto* receipt = std::get_if<Receipt>(&answer->what); receipt != nullptr && pending->on_receipt)
            pending->on_receipt(*receipt);
        else if (const auto* result = std::get_if<ProbeResult>(&answer->what); result != nullptr && pending->on_probe)
            pending->on_probe(*result);
        else if (const auto* error = std::get_if<RequestError>(&answer->what))
            tell(*pending, StepState::None, error->words);
    }

    Loop& loop_;
    Options options_;
    std::optional<Connection> connection_;
    std::map<std::uint64_t, Pending> pending_;  ///< in the order in which they were asked
    std::uint64_t last_id_ = 0;
    TimerId retry_ = TimerId::None;
    Time next_revival_{};
    std::shared_ptr<int> alive_ = std::make_shared<int>();
};

RunnerClient::RunnerClient(Loop& loop, Options options) : impl_(std::make_unique<Impl>(loop, std::move(options))) {}

RunnerClient::~RunnerClient() = default;

void RunnerClient::start(const StepOrder& order, OnReceipt callback) {
    StartRequest start{order.key,     order.step.digest,   order.step.name,
                       order.context, order.step.deadline, order.step.call};
    Pending pending;
    pending.is_start = true;
    pending.patience = order.step.deadline + kAnswerMargin;
    pending.on_receipt = std::move(callback);
    impl_->ask({0, std::move(start)}, std::move(pending));
}

void RunnerClient::query(const std::string& key, OnReceipt callback) {
    Pending pending;
    pending.patience = kQueryPatience;
    pending.on_receipt = std::move(callback);
    impl_->ask({0, QueryRequest{key, false}}, std::move(pending));
}

void RunnerClient::witness(OnReceipt callback) {
    query({}, std::move(callback));
}

void RunnerClient::wait(const std::string& key, OnReceipt callback) {
    Pending pending;
    pending.on_receipt = std::move(callback);
    impl_->ask({0, QueryRequest{key, true}}, std::move(pending));
}

void RunnerClient::stop(const std::string& key) {
    Pending pending;
    pending.patience = kQueryPatience;
    impl_->ask({0, StopRequest{key}}, std::move(pending));
}

void RunnerClient::probe(const ExecCall& call, Duration deadline, OnProbe callback) {
    Pending pending;
    pending.patience = deadline + kAnswerMargin;
    pending.on_probe = std::move(callback);
    impl_->ask({0, ProbeRequest{call, deadline}}, std::move(pending));
}

void RunnerClient::prepare() {
    Pending pending;
    pending.patience = kQueryPatience;
    impl_->ask({0, PrepareRequest{}}, std::move(pending));
}

bool RunnerClient::connected() const {
    return impl_->connected();
}

}  // namespace revertd
