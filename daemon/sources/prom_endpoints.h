// SPDX-License-Identifier: Apache-2.0
// Errors by endpoint of one ratio that a Prometheus adds up. Asked while a deploy is watched only: once which label
// names the endpoints, once what they did before, and then beside each answer of the ratio itself.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/judge.h"
#include "core/settings.h"
#include "daemon/sources/prom_server.h"

namespace revertd {

class PromListener;

/// The deploy that is watched.
struct PromDeploy {
    Time since{};       ///< nothing is older of it
    Duration before{};  ///< how far back what was before it is asked for

    bool operator==(const PromDeploy&) const = default;
};

class PromEndpoints {
  public:
    PromEndpoints(PromServer& server, const ServiceSettings& settings, std::uint32_t signal, PromListener& listener);
    PromEndpoints(const PromEndpoints&) = delete;
    PromEndpoints& operator=(const PromEndpoints&) = delete;
    ~PromEndpoints();

    /// Something of the service tests the signal's errors by endpoint.
    [[nodiscard]] bool are_tested() const { return tested_; }

    /// A deploy is watched from now on; nothing: none is.
    void watch(const std::optional<PromDeploy>& deploy);

    /// While it is not known yet, asks for the label or for what was before the deploy; nothing waits for it. `known`
    /// is called once the label and its endpoints are.
    void learn(const Signal& signal, Time now, Time deadline, std::function<void()> known);

    /// The label that is to be asked by; empty: none, or not known yet.
    [[nodiscard]] const std::string& label() const { return is_known_ ? label_ : kNone; }

    /// Rows of an answer to config::promql::endpoints_of, of the service's own.
    void take(const std::vector<const PromSeries*>& rows, std::vector<EndpointCell>& cells) const;

  private:
    static const std::string kNone;

    void take_labels(const PromAnswer& answer, const std::vector<std::string>& labels);
    void take_before(const PromAnswer& answer);
    void ask_before(const Signal& signal, Time now, Time deadline, std::function<void()> known);

    PromServer& server_;
    std::uint32_t index_;
    Duration interval_;
    PromListener& listener_;
    bool tested_ = false;
    std::optional<PromDeploy> deploy_;
    std::string label_;
    bool is_known_ = false, asking_ = false;
    Time again_ = Time::min();
    Duration pause_{};
    std::map<std::string, EndpointIndex, std::less<>> names_;
    PromServer::Ticket ticket_;
};

}  // namespace revertd
