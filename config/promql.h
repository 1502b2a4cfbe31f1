// SPDX-License-Identifier: Apache-2.0
// PromQL read as far as revertd must understand it: where selectors stand, how far a query looks back, how many series
// it gives, and what unit they have. The server has the last word on everything else.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/signals.h"
#include "core/rule.h"

namespace revertd::config::promql {

struct Expr {
    enum class Kind : std::uint8_t { Number, String, Selector, Call, Aggregate, Binary, Unary };

    Kind kind = Kind::Number;
    std::size_t begin = 0, end = 0;  ///< of the text, in bytes
    std::string name;                ///< metric, function, aggregation or operator
    std::vector<Matcher> matchers;   ///< selector
    std::size_t name_end = 0;        ///< selector: where its name ends
    std::size_t brace = 0;           ///< selector: behind its `{`; 0: it has none
    Duration range{};                ///< `[5m]`; of a subquery, too
    bool matrix = false;             ///< has a range
    bool bare_range = false;         ///< `[300]`: newer servers read seconds
    bool moved = false;              ///< `offset` or `@`: other times than now
    bool bool_modifier = false;
    bool matching = false;            ///< binary: `on`, `ignoring`, `group_left`
    bool grouped = false;             ///< aggregate: `by` or `without` is written
    bool without = false;             ///< aggregate: it is `without`
    std::vector<std::string> labels;  ///< of `by`, `without`
    std::vector<Expr> args;
};

/// The whole text as one expression. Errors: what is no PromQL, with its place.
[[nodiscard]] std::variant<Expr, SentenceError> parse(std::string_view text);

/// Every selector, in the order of the text.
[[nodiscard]] std::vector<const Expr*> selectors(const Expr& root);

/// How far back the values of the query come from, at most: ranges of subqueries and selectors added up.
[[nodiscard]] Duration reach(const Expr& expr);

/// At most one series, whatever the data.
[[nodiscard]] bool gives_one_series(const Expr& expr);

/// By the names of the metrics, as far as they follow the conventions of Prometheus.
[[nodiscard]] Unit unit_of(const Expr& expr);

/// What is probably not meant: counters without rate, one value a series, quantiles of nothing, errors that are absent.
[[nodiscard]] std::vector<Remark> lint(const Expr& root, std::string_view text);

/// More of it: what a server makes nothing of, or something else; part of `lint`.
[[nodiscard]] std::vector<Remark> habits(const Expr& root, std::string_view text);

/// A matcher that matches something else than it seems to; `text` is where it stands.
[[nodiscard]] std::optional<Remark> doubt(const Matcher& one, std::string_view text);

/// A rate whose range holds less than two samples of a server that scrapes so often.
[[nodiscard]] std::optional<Remark> short_range(const Expr& expr, Duration scrape_interval);

/// The text with these matchers (as written between braces) in every selector.
[[nodiscard]] std::string with_matchers(std::string_view text, const Expr& root, std::string_view matchers);

}  // namespace revertd::config::promql
