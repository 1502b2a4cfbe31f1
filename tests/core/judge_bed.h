// SPDX-License-Identifier: Apache-2.0
// A Judge with exporters to scrape and health targets to ask, on virtual time: one line of a test is one slot.
#pragma once
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/judge.h"

namespace revertd {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

inline Signal ratio_signal(const std::string& name = "errors") {
    Signal signal;
    signal.name = name;
    signal.kind = Signal::Kind::Ratio;
    signal.unit = Unit::Ratio;
    return signal;
}

inline Signal signal_of(Signal::Kind kind, const std::string& name, Unit unit = Unit::None) {
    Signal signal;
    signal.name = name;
    signal.kind = kind;
    signal.quantile = 0.95;
    signal.unit = unit;
    return signal;
}

/// "> bound for hold", P1.
inline Rule above(double bound, Duration hold = {}, std::uint32_t signal = 0) {
    Rule rule;
    rule.signal = signal;
    rule.bound = bound;
    rule.hold = hold;
    rule.text = "rule";
    return rule;
}

inline Rule health_rule(Rule::Kind kind, Duration hold = {}, int in_a_row = 0) {
    Rule rule;
    rule.severity = Severity::P0;
    rule.kind = kind;
    rule.hold = hold;
    rule.in_a_row = in_a_row;
    rule.text = "health";
    return rule;
}

/// One ratio signal, interval 5 s, no warm-up, judged from the first request on.
inline ServiceSettings service(std::vector<Rule> rules, std::size_t targets = 1) {
    ServiceSettings settings;
    settings.name = "api";
    settings.warmup = 0s;
    settings.interval = 5s;
    settings.baseline = 5min;
    settings.min_requests = 1;
    settings.signals = {ratio_signal()};
    settings.rules = std::move(rules);
    for (std::size_t target = 0; target < targets; ++target) {
        const std::string host = "http://10.0.0." + std::to_string(target + 1) + ":80/";
        settings.health.push_back({.url = host + "health", .json = {}, .timeout = {}, .every = {}});
        settings.metrics.push_back(host + "metrics");
    }
    return settings;
}

class JudgeBed {
  public:
    struct Failure {
        Verdict verdict;
        std::string reason;
    };

    struct Series {
        std::uint64_t hash;
        SeriesRole role;
        std::optional<double> value;  ///< nothing: not in the body
    };

    struct Target {
        std::vector<Series> series;
        std::optional<Failure> failure;
        bool silent = false;  ///< no answer in time
        Health health = Health::Up;
    };

    explicit JudgeBed(ServiceSettings settings)
        : settings_(std::make_shared<const ServiceSettings>(std::move(settings))),
          told_(settings_->rules.size()),
          judge(settings_),
          targets(std::max(settings_->metrics.size(), settings_->health.size())) {}

    [[nodiscard]] const ServiceSettings& settings() const { return *settings_; }

    /// A series of a target's body; created at first use.
    std::optional<double>& series(std::size_t target, std::uint64_t hash, const SeriesRole& role) {
        for (Series& one : targets[target].series)
            if (one.hash == hash && one.role.signal == role.signal && one.role.bad == role.bad &&
                one.role.le == role.le)
                return one.value;
        targets[target].series.push_back({hash, role, 0.0});
        return targets[target].series.back().value;
    }

    /// Requests that a target has answered since the last slot: the ratio signal 0, by code 200 and 500.
    void serve(double good, double bad, std::size_t target = 0) {
        *series(target, 200, {}) += good;
        if (bad == 0 && !has_errors(target)) return;  // as instrumentation does: no series before the first error
        *series(target, 500, {}) += bad;
        *series(target, 500, {.bad = true}) += bad;
    }

    void restart(std::size_t target = 0) { targets[target].series.clear(); }

    void histogram(std::size_t target, double le, double more, std::uint32_t signal = 0) {
        *series(target, std::hash<double>{}(le), {.signal = signal, .le = le}) += more;
    }

    /// Asks everybody once.
    void ask() {
        for (TargetIndex target = 0; target < targets.size(); ++target) {
            const Target& one = targets[target];
            if (target < settings_->health.size()) {
                const std::string reason = one.health == Health::Up ? "" : "connection refused";
                judge.health(target, {one.health, reason}, at);
            }
            if (target >= settings_->metrics.size() || one.silent) continue;
            if (one.failure) {
                judge.scrape(target, {one.failure->verdict, {}, one.failure->reason}, at);
                continue;
            }
            values_.clear();
            for (const Series& s : one.series)
                if (s.value) values_.push_back({judge.add_series(target, s.hash, s.role), *s.value});
            judge.scrape(target, {Verdict::Ok, values_, {}}, at);
        }
    }

    /// The next slot, with whatever the exporters hold now.
    JudgeReport slot() {
        at += settings_->interval;
        ask();
        return keep(judge.close_slot(at));
    }

    JudgeReport slot(double good, double bad) {
        for (std::size_t target = 0; target < targets.size(); ++target) serve(good, bad, target);
        return slot();
    }

    /// A slot in which no target's metrics could be read.
    JudgeReport blind_slot(Verdict verdict = Verdict::Error) {
        for (Target& target : targets) target.failure = Failure{verdict, "timeout"};
        JudgeReport report = slot();
        for (Target& target : targets) target.failure.reset();
        return report;
    }

    JudgeReport sample(Duration after) {
        at += after;
        ask();
        return keep(judge.close_sample(at));
    }

    void bake(Duration warmup = {}) { judge.set_phase({JudgePhase::Kind::Baking, at, at + warmup}); }

    [[nodiscard]] RuleChange rule(std::size_t index = 0) const { return judge.view().rules.at(index); }

    [[nodiscard]] Verdict verdict(std::size_t index = 0) const { return rule(index).verdict; }

    [[nodiscard]] bool holds(std::size_t index = 0) const { return rule(index).holds; }

    [[nodiscard]] std::string words(std::size_t index = 0) const { return rule(index).words; }

    [[nodiscard]] const JudgeReport& last() const { return last_; }

    /// What the reports have said so far: without words, for long sequences.
    [[nodiscard]] bool told_holds(std::size_t index) const { return told_[index].holds; }

    [[nodiscard]] Verdict told_verdict(std::size_t index) const { return told_[index].verdict; }

  private:
    [[nodiscard]] bool has_errors(std::size_t target) const {
        for (const Series& one : targets[target].series)
            if (one.role.bad) return true;
        return false;
    }

    JudgeReport keep(JudgeReport report) {
        for (const RuleChange& change : report.changes) told_[change.rule] = {change.verdict, change.holds};
        return last_ = std::move(report);
    }

    struct Told {
        Verdict verdict = Verdict::Insufficient;
        bool holds = false;
    };

    std::shared_ptr<const ServiceSettings> settings_;
    std::vector<SeriesValue> values_;
    JudgeReport last_;
    std::vector<Told> told_;

  public:
    Judge judge;
    std::vector<Target> targets;
    Time at{1h};
};

}  // namespace revertd
