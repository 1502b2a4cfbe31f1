// SPDX-License-Identifier: Apache-2.0
// One Prometheus-compatible server: asks every text once a slot, however many want it, and only a few at a time.
#pragma once
#include <deque>
#include <functional>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/settings.h"
#include "daemon/io/curl_client.h"
#include "daemon/io/timers.h"
#include "daemon/sources/prom_answer.h"

namespace revertd {

class Loop;
class HttpClient;

/// An answer that several may have asked for.
struct PromRound {
    Time asked{};          ///< when it was asked; its values are of that instant
    double evaluated = 0;  ///< the same as the server was told, Unix seconds
    PromAnswer answer;
    Duration ahead{};  ///< of its clock before ours, by the head of the answer; 0: not known
};

class PromServer {
    struct Question;

  public:
    using Told = std::function<void(const std::shared_ptr<const PromRound>&)>;

    struct Ticket {
        std::uint64_t id = 0;
    };

    PromServer(Loop& loop, HttpClient& http, PrometheusSettings settings);
    PromServer(const PromServer&) = delete;
    PromServer& operator=(const PromServer&) = delete;
    ~PromServer();

    [[nodiscard]] const PrometheusSettings& settings() const { return settings_; }

    /// As it was given, to find it again.
    [[nodiscard]] const PrometheusSettings& configured() const { return configured_; }

    /// What was asked last with one text: who keeps it need not have the text searched for, which is long where
    /// hundreds are asked about together. To be forgotten when the text changes.
    class Memory {
        friend class PromServer;
        std::shared_ptr<Question> question_;
    };

    /// An instant query. An answer to the same text that is younger than 0.9 of `every` and was asked later than
    /// `seen` is shared. `told` is called exactly once, possibly at once, by `deadline` if that is the question's
    /// first.
    Ticket ask(const std::string& text, Duration every, Time seen, Time deadline, Told told, Memory* memory = nullptr);
    /// Ends it without `told`.
    void forget(Ticket ticket);

    struct Range {
        double start = 0, end = 0;  ///< Unix seconds
        Duration step{};
    };

    /// A range query, not shared.
    Ticket ask_range(const std::string& text, const Range& range, Time deadline, Told told);

    /// Requests sent so far.
    [[nodiscard]] std::uint64_t requests() const { return requests_; }

  private:
    [[nodiscard]] std::shared_ptr<Question> latest(const std::string& text, const Memory* memory) const;
    void submit(const std::shared_ptr<Question>& question);
    void start_next();
    void start(const std::shared_ptr<Question>& question);
    void answered(const std::shared_ptr<Question>& question, PromAnswer answer, Duration ahead = {});
    [[nodiscard]] Duration ahead_by(const HttpResponse& response) const;
    void drop_old(Time now);
    [[nodiscard]] Result<HttpRequest> request_for(const Question& question) const;

    Loop& loop_;
    HttpClient& http_;
    PrometheusSettings settings_, configured_;
    std::string input_;  ///< its answers, for the mark of what is being worked on
    std::unordered_map<std::string, std::shared_ptr<Question>> latest_;  ///< by text: in flight, or the last answer
    std::deque<std::shared_ptr<Question>> queue_;
    std::vector<std::shared_ptr<Question>> flying_, telling_;
    std::uint64_t last_ticket_ = 0, requests_ = 0;
};

}  // namespace revertd
