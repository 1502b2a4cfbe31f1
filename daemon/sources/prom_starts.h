// SPDX-License-Identifier: Apache-2.0
// How many instances of one signal a Prometheus has seen begin anew. Asked while a deploy is watched only, beside each
// answer of a signal whose latencies are compared with before: what begins anew is cold.
#pragma once
#include <functional>
#include <string>

#include "core/settings.h"
#include "daemon/sources/prom_server.h"

namespace revertd {

class PromStarts {
  public:
    PromStarts(PromServer& server, const ServiceSettings& settings, std::uint32_t signal);
    PromStarts(const PromStarts&) = delete;
    PromStarts& operator=(const PromStarts&) = delete;
    ~PromStarts();

    void watch(bool watched);

    /// Some rule wants to know, and a deploy is watched.
    [[nodiscard]] bool is_asked() const { return watched_; }

    /// About the same window as the signal's rates. `told` is called exactly once, possibly at once.
    void ask(const Signal& signal, Duration window, Time deadline, std::function<void()> told);

    /// Of the instances, in the window that was asked about last; 0: none, or no answer.
    [[nodiscard]] double share() const { return share_; }

  private:
    void take(const PromAnswer& answer);

    PromServer& server_;
    Duration interval_;
    bool wanted_ = false, watched_ = false;
    double share_ = 0;
    Time seen_ = Time::min();
    PromServer::Ticket ticket_;
    std::string text_;
    Duration window_{};  ///< of the text
    PromServer::Memory memory_;
};

}  // namespace revertd
