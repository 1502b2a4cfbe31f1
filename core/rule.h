// SPDX-License-Identifier: Apache-2.0
// Signals and rules as the configuration states them: plain data, compiled once, judged by core/judge.h.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/verdict.h"

namespace revertd {

/// `label="value"`, `!=`, `=~`, `!~`; regular expressions are RE2 and anchored at both ends, as in PromQL.
struct Matcher {
    enum class Op : std::uint8_t { Equal, NotEqual, Regex, NotRegex };
    std::string label;
    Op op = Op::Equal;
    std::string value;
};

struct Selector {
    std::string metric;
    std::vector<Matcher> matchers;
};

enum class Unit : std::uint8_t { None, Ratio, Seconds };

/// What is computed over all targets of the service: here, from direct scrapes, or by a Prometheus.
struct Signal {
    enum class Kind : std::uint8_t {
        Ratio,     ///< increase of the series that match `bad` / increase of all that match `selector`
        Quantile,  ///< `quantile` of the histogram `selector.metric` (without `_bucket`), summed by `le`
        Gauge,     ///< last value; exactly one series a target unless `aggregate` is written
        Rate       ///< increase per second, summed
    };
    enum class Aggregate : std::uint8_t { Single, Sum, Max, Min, Avg };
    enum class Source : std::uint8_t { Scrape, Prometheus };

    std::string name;
    Source source = Source::Scrape;
    Kind kind = Kind::Gauge;
    Aggregate aggregate = Aggregate::Single;
    Selector selector;
    std::vector<Matcher> bad;
    double quantile = 0;
    Unit unit = Unit::None;
    double to_base = 1;       ///< factor from the series' unit to the signal's, e.g. 0.001 for milliseconds
    bool well_known = false;  ///< `errors` or `p95` found by name: the metric is what the source is found to have
    std::string text;         ///< as written, for people
    std::string promql;       ///< Prometheus: any query, asked as it is (Gauge); empty: made from what is above
    std::optional<std::uint32_t> control;  ///< index of the same signal over the control group
    bool is_control = false;               ///< it is one of the control group: nothing but comparing is done with it
    Duration reach{};                      ///< how far back `promql` looks: its longest [range]
    /// Ratio: the label that names the endpoint. None: the first well-known one that a series has; empty: there is
    /// none.
    std::optional<std::string> endpoint;
    /// Rate: the series are the times at which processes were started. Each later one of a target counts as one, but
    /// for the first that a deploy brings.
    bool starts = false;
    std::optional<Selector> limit;  ///< Gauge: the value is a share of this, target by target
};

struct DetectorKind;  // core/detector.h

/// One sentence of the guard.
struct Rule {
    enum class Kind : std::uint8_t {
        Threshold,
        Absent,
        HealthDown,
        HealthFails,
        RolloutStuck,
        DeployFailed,
        Detector,
        Combined  ///< `any`, `all`, `n of`: judged from other rules
    };
    enum class Op : std::uint8_t { Greater, GreaterEqual, Less, LessEqual };
    enum class Relative : std::uint8_t { Absolute, TimesBaseline, PercentBaseline };
    enum class Reference : std::uint8_t { Before, Control };  ///< what a relative bound is relative to

    Severity severity = Severity::P1;
    Kind kind = Kind::Threshold;
    std::uint32_t signal = 0;  ///< index into ServiceSettings::signals (Threshold, Absent, Detector)
    Op op = Op::Greater;
    double bound = 0;  ///< base units: ratio 0-1, seconds; a factor when relative (50 % baseline = 0.5)
    Relative relative = Relative::Absolute;
    Reference reference = Reference::Before;
    Duration hold{};                         ///< `for`; zero: the first breached slot
    std::optional<Duration> over;            ///< the window as written; otherwise by S20
    int in_a_row = 0;                        ///< `n in a row`, counts samples (S23, S24)
    int n = 0, of = 0;                       ///< `n of m`, counts slots
    std::optional<double> clear;             ///< as written; otherwise 0.8 of the bound (S25)
    const DetectorKind* detector = nullptr;  ///< of Kind::Detector: a row of the table of detectors
    std::array<double, 3> arguments{};       ///< of the detector, in the order of its sentence
    std::vector<std::uint32_t> parts;        ///< of Kind::Combined: indices of rules before it, in the order written
    std::uint32_t need = 0;                  ///< so many of them
    /// Of a part: the severity of its combination. Its own is None, because alone it does nothing.
    Severity part_of = Severity::None;
    bool from_default_guard = false;
    /// A rule with a test of the same signal. This limit acts where the test agrees, or cannot say: where it finds the
    /// signal no worse than before, the limit is not breached.
    std::optional<std::uint32_t> confirmed_by;
    std::string text;                ///< the sentence as written: its name in every record, page and metric
    std::vector<std::string> steps;  ///< the steps that it permits; empty: all
};

/// Health rules and P0 rules count during `warmup` already (S10).
[[nodiscard]] inline bool counts_in_warmup(const Rule& rule) {
    return rule.severity == Severity::P0 || rule.part_of == Severity::P0 || rule.kind == Rule::Kind::HealthDown ||
           rule.kind == Rule::Kind::HealthFails;
}

/// Rules whose verdict comes from one signal.
[[nodiscard]] inline bool is_of_signal(const Rule& rule) {
    return rule.kind == Rule::Kind::Threshold || rule.kind == Rule::Kind::Absent || rule.kind == Rule::Kind::Detector;
}

/// Rules that the Engine judges by itself, from what the platform and the deploy tool say.
[[nodiscard]] inline bool is_rollout_rule(const Rule& rule) {
    return rule.kind == Rule::Kind::RolloutStuck || rule.kind == Rule::Kind::DeployFailed;
}

}  // namespace revertd
