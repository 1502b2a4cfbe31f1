// SPDX-License-Identifier: Apache-2.0
// `guard:` and `verify:` to rules; the default guard where none is written.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/reader.h"
#include "core/settings.h"

namespace revertd::config {

struct DefaultRule {
    Severity severity;
    std::string_view text;
};

/// What guards a service that has no `guard`. `rollout stuck` stands last in P1.
[[nodiscard]] std::span<const DefaultRule> default_guard();

/// What a service has, as far as its rules depend on it.
struct GuardContext {
    std::string_view service;
    Position at;  ///< of the service: for what has no line of its own
    bool has_health = false, has_metrics = false;
    std::vector<std::string> steps;  ///< names that `do` may permit
    double alpha = 0.001;            ///< share of healthy deploys that statistics may roll back
};

class GuardReader {
  public:
    GuardReader(const GuardContext& context, SignalTable& signals, Diagnostics& diagnostics)
        : context_(context), signals_(signals), diagnostics_(diagnostics) {}

    /// `guard` may be null: then it is the default guard, without the rules whose source the service does not have, and
    /// `anomaly: P1`, which confirms its limits.
    [[nodiscard]] std::vector<Rule> read(const Node* guard);

    /// Where a rule of `read` was written; null for one that nobody wrote.
    [[nodiscard]] const Node* written(std::size_t rule) const { return rule < nodes_.size() ? nodes_[rule] : nullptr; }

    /// Fills `out`, and gives the rule that a signal named in it amounts to, turned round: what must not be.
    [[nodiscard]] std::optional<Rule> read_verify(const Node& verify, VerifySettings& out);

  private:
    void add(Rule rule, const Node& node);
    void read_default();
    void read_anomaly(std::optional<Severity> severity);
    void confirm_limits();
    void share_alpha();
    void read_rules(const Node& node, Severity severity);
    void read_rule(const Node& node, Severity severity);
    /// A sentence or a combination; its parts are rules of their own, and stand before it.
    std::optional<Rule> rule_of(const Node& node, Severity severity, int depth);
    std::optional<Rule> combined(const Node& node, const Node::Entry& list, Severity severity, int depth);
    void add_part(const Node& node, Severity severity, int depth, Rule& whole);
    std::optional<Rule> sentence(const Node& scalar);
    std::optional<Rule> verify_rule(const Node::Entry& entry, VerifySettings& out);
    void check_sources(const Rule& rule, Position at);
    void check_ownership(const Signal& signal, Position at);
    void read_steps(const Node& node, Rule& rule);
    void report(const SentenceError& error, Position at);

    const GuardContext& context_;
    SignalTable& signals_;
    Diagnostics& diagnostics_;
    std::vector<Rule> rules_;
    std::vector<const Node*> nodes_;  ///< by rule
    bool told_ownership_ = false;     ///< once a service
};

}  // namespace revertd::config
