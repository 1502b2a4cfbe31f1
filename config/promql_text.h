// SPDX-License-Identifier: Apache-2.0
// The PromQL that revertd asks for a signal.
#pragma once
#include <string>
#include <vector>

#include "core/settings.h"

namespace revertd::config::promql {

/// Rows of a generated query carry this label: what each is.
inline constexpr const char* kPart = "revertd_part";
inline constexpr const char* kAll = "all";                     ///< ratio: all of it, a second; rate: its value
inline constexpr const char* kBad = "bad";                     ///< ratio: the bad ones, a second
inline constexpr const char* kBucket = "bucket";               ///< quantile: one bucket, a second
inline constexpr const char* kInstances = "instances";         ///< how many there are
inline constexpr const char *kNew = "new", *kAgain = "again";  ///< how many of them are new, began anew
inline constexpr const char* kAt = "at";                       ///< when the newest sample was taken, Unix seconds

/// Several signals that differ in the value of one label only, asked by one query.
struct Group {
    std::string label;                ///< empty: no grouping
    std::vector<std::string> values;  ///< of all members
};

/// What rate() looks back over: four scrapes, and at least an interval and a scrape, so that one that failed leaves no
/// gap (as Grafana's $__rate_interval).
[[nodiscard]] Duration rate_window(Duration interval, Duration scrape_interval);

/// One query with all that the signal needs (ratio, quantile, rate): rates over `window` and the newest sample's time.
/// Errors that are absent beside requests have no row: they are 0 (S19).
[[nodiscard]] std::string query_of(const Signal& signal, Duration window, const Group& group = {});

/// What every series of a ratio or quantile gained in the last `now`, and in `before` until `ago` before now: so that
/// its labels say where a breach comes from. At most 2,000 series a part, the largest; empty for other signals.
[[nodiscard]] std::string places_of(const Signal& signal, Duration now, Duration before, Duration ago);

/// The labels that may name the endpoint of a ratio's requests: the one that is written, or the well-known ones that
/// its selectors leave open, in the order in which they are tried. None of other signals.
[[nodiscard]] std::vector<std::string> endpoint_labels(const Signal& signal);

/// Some rule compares the signal, or what it is the control group of, with before: by endpoint, too.
[[nodiscard]] bool tests_endpoints(const ServiceSettings& settings, std::uint32_t signal);

/// How many values each of these labels has (`kPart` is the label); a label that no series has is no row.
[[nodiscard]] std::string count_endpoints(const Signal& signal, const std::vector<std::string>& labels);

/// What each value of the label gained in `before`, until `ago` before now; and the bad ones.
[[nodiscard]] std::string endpoints_before(const Signal& signal, const std::string& label, Duration before,
                                           Duration ago);

/// The rates of a ratio by endpoint: as `query_of`, at most 256 rows a part and member, the largest.
[[nodiscard]] std::string endpoints_of(const Signal& signal, const std::string& label, Duration window,
                                       const Group& group = {});

/// Some rule compares the latencies with before, and would like to know whether instances are cold.
[[nodiscard]] bool tests_starts(const ServiceSettings& settings, std::uint32_t signal);

/// How many instances a quantile has (by the labels `instance` and `pod`), how many of them were not there for five
/// minutes before the `window`, and the counters of how many began anew within it.
[[nodiscard]] std::string starts_of(const Signal& signal, Duration window);

/// For any other query: when the newest sample of each of its selectors was taken. Empty if nothing can be asked.
[[nodiscard]] std::string freshness_of(const std::string& promql);

/// The selector as PromQL, with `group.label` matched by the group's values.
[[nodiscard]] std::string selector_text(const std::string& metric, const std::vector<Matcher>& matchers,
                                        const Group& group = {});

/// `=`, `!=`, `=~`, `!~`
[[nodiscard]] std::string sign_of(Matcher::Op op);

/// `"text"` with what PromQL wants escaped.
[[nodiscard]] std::string quoted(const std::string& text);

/// The expression, its rows marked as a part of a query (`kPart`).
[[nodiscard]] std::string part(const std::string& expression, const std::string& name);

/// An anchored regular expression that matches exactly these texts.
[[nodiscard]] std::string exactly(const std::vector<std::string>& values);

}  // namespace revertd::config::promql
