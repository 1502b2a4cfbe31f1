// SPDX-License-Identifier: Apache-2.0
// Queries that are PromQL, and of which a server makes nothing, or something else than is meant.
#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "config/promql.h"
#include "config/values.h"

namespace revertd::config::promql {

namespace {

using Labels = std::vector<std::string>;

/// The functions of Prometheus; what other servers have beside them is not known here, and not doubted.
constexpr std::array<std::string_view, 73> kFunctions{"abs",
                                                      "absent",
                                                      "absent_over_time",
                                                      "acos",
                                                      "acosh",
                                                      "asin",
                                                      "asinh",
                                                      "atan",
                                                      "atanh",
                                                      "avg_over_time",
                                                      "ceil",
                                                      "changes",
                                                      "clamp",
                                                      "clamp_max",
                                                      "clamp_min",
                                                      "cos",
                                                      "cosh",
                                                      "count_over_time",
                                                      "day_of_month",
                                                      "day_of_week",
                                                      "day_of_year",
                                                      "days_in_month",
                                                      "deg",
                                                      "delta",
                                                      "deriv",
                                                      "exp",
                                                      "floor",
                                                      "histogram_avg",
                                                      "histogram_count",
                                                      "histogram_fraction",
                                                      "histogram_quantile",
                                                      "histogram_sum",
                                                      "holt_winters",
                                                      "hour",
                                                      "idelta",
                                                      "increase",
                                                      "irate",
                                                      "label_join",
                                                      "label_replace",
                                                      "last_over_time",
                                                      "ln",
                                                      "log10",
                                                      "log2",
                                                      "mad_over_time",
                                                      "max_over_time",
                                                      "min_over_time",
                                                      "minute",
                                                      "month",
                                                      "pi",
                                                      "predict_linear",
                                                      "present_over_time",
                                                      "quantile_over_time",
                                                      "rad",
                                                      "rate",
                                                      "resets",
                                                      "round",
                                                      "scalar",
                                                      "sgn",
                                                      "sin",
                                                      "sinh",
                                                      "sort",
                                                      "sort_desc",
                                                      "sqrt",
                                                      "stddev_over_time",
                                                      "stdvar_over_time",
                                                      "sum_over_time",
                                                      "tan",
                                                      "tanh",
                                                      "time",
                                                      "timestamp",
                                                      "vector",
                                                      "year",
                                                      "sort_by_label"};

/// Of other servers, and one letter away from one of these.
constexpr std::array<std::string_view, 5> kElsewhere{"sum2_over_time", "ideriv", "rand", "mode_over_time", "limit"};

bool is_word_of(std::string_view name, const auto& words) {
    return std::ranges::find(words, name) != words.end();
}

/// One letter too many, too few, another, or two exchanged.
std::string slip_of(const std::string& name) {
    // Of several at the same distance the first is taken: what is written most stands first.
    std::vector<std::string> known{"rate",  "sum",  "avg",     "min",      "max",
                                   "count", "topk", "bottomk", "quantile", "stddev"};
    known.insert(known.end(), kFunctions.begin(), kFunctions.end());
    return name.size() < 3 ? std::string{} : nearest(name, known, 1).value_or("");
}

bool is_set_operation(const Expr& expr) {
    return expr.kind == Expr::Kind::Binary && (expr.name == "and" || expr.name == "unless");
}

bool is_comparison(const Expr& expr) {
    static constexpr std::array<std::string_view, 6> kSigns{">", "<", ">=", "<=", "==", "!="};
    return expr.kind == Expr::Kind::Binary && is_word_of(expr.name, kSigns);
}

bool is_number(const Expr& expr) {
    if (expr.kind == Expr::Kind::Unary) return is_number(expr.args.front());
    if (expr.kind == Expr::Kind::Call) return expr.name == "scalar" || expr.name == "time" || expr.name == "pi";
    if (expr.kind == Expr::Kind::Binary) return is_number(expr.args[0]) && is_number(expr.args[1]);
    return expr.kind == Expr::Kind::Number;
}

/// What the labels of a result are known to be. A metric has some, nobody knows which, but `instance` is one.
struct Shape {
    enum class Kind : std::uint8_t { Unknown, Metric, Exactly };

    Kind kind = Kind::Unknown;
    Labels labels;
};

Shape shape_of(const Expr& expr) {
    switch (expr.kind) {
        case Expr::Kind::Selector:
            return {expr.name.find(':') == std::string::npos ? Shape::Kind::Metric : Shape::Kind::Unknown, {}};
        case Expr::Kind::Aggregate: {
            const bool keeps = expr.name == "topk" || expr.name == "bottomk" || expr.name == "limitk";
            if (keeps || expr.without || expr.name == "count_values") return {};
            Labels labels = expr.labels;
            std::ranges::sort(labels);
            return {Shape::Kind::Exactly, std::move(labels)};
        }
        case Expr::Kind::Call: {
            static constexpr std::array<std::string_view, 10> kSame{"rate",  "irate",         "increase",      "delta",
                                                                    "deriv", "avg_over_time", "max_over_time", "abs",
                                                                    "ceil",  "round"};
            if (expr.name == "vector") return {Shape::Kind::Exactly, {}};
            const bool same = is_word_of(expr.name, kSame) && !expr.args.empty();
            return same ? shape_of(expr.args.front()) : Shape{};
        }
        case Expr::Kind::Unary:
            return shape_of(expr.args.front());
        case Expr::Kind::Binary:
            if (is_number(expr.args[1])) return shape_of(expr.args[0]);
            if (is_number(expr.args[0])) return shape_of(expr.args[1]);
            return {};
        case Expr::Kind::Number:
        case Expr::Kind::String:
            return {};
    }
    return {};
}

bool never_match(const Shape& a, const Shape& b) {
    if (a.kind == Shape::Kind::Unknown || b.kind == Shape::Kind::Unknown) return false;
    return a.kind != b.kind || a.labels != b.labels;
}

class Habits {
  public:
    Habits(const Expr& root, std::string_view text) : root_(root), text_(text) {}

    std::vector<Remark> run() {
        vanishing(root_);
        walk(root_);
        return std::move(out_);
    }

  private:
    void walk(const Expr& expr) {
        if (expr.kind == Expr::Kind::Call && !expr.name.empty()) function(expr);
        if (expr.kind == Expr::Kind::Aggregate) aggregate(expr);
        if (expr.kind == Expr::Kind::Binary) binary(expr);
        if (expr.kind == Expr::Kind::Selector)
            for (const Matcher& one : expr.matchers)
                if (auto remark = doubt(one, text_)) out_.push_back(std::move(*remark));
        const bool subquery = expr.kind == Expr::Kind::Call && expr.name.empty();
        if (expr.moved && expr.kind != Expr::Kind::Selector && !subquery)
            add(expr,
                "`offset` and `@` stand behind a metric, not behind what is computed from it: Prometheus refuses it",
                "as in sum(rate(metric[5m] offset 1h))");
        if (expr.bare_range)
            add(expr, "a range without a unit: seconds to some servers, refused by Prometheus before its version 3",
                "write [" + std::to_string(std::chrono::duration_cast<std::chrono::seconds>(expr.range).count()) +
                    "s]");
        for (const Expr& arg : expr.args) walk(arg);
    }

    void function(const Expr& expr) {
        if (is_word_of(expr.name, kFunctions) || is_word_of(expr.name, kElsewhere)) {
            if (expr.name == "histogram_quantile" && !expr.args.empty()) share(expr.args.front());
            return;
        }
        if (const std::string meant = slip_of(expr.name); !meant.empty())
            add(expr, "`" + expr.name + "` is no function of Prometheus", "did you mean \"" + meant + "\"?");
    }

    void aggregate(const Expr& expr) {
        static constexpr std::array<std::string_view, 5> kTwo{"topk", "bottomk", "quantile", "count_values", "limitk"};
        const bool two = is_word_of(expr.name, kTwo);
        if (expr.args.size() < (two ? 2U : 1U))
            return add(expr, "`" + expr.name + "` needs " + (two ? "a parameter and a query" : "a query"),
                       two ? "as in " + expr.name + "(" +
                                 (expr.name == "count_values" ? "\"label\""
                                  : expr.name == "quantile"   ? "0.95"
                                                              : "3") +
                                 ", metric)"
                           : "as in " + expr.name + "(metric)",
                       true);
        if (expr.name == "quantile") share(expr.args.front());
    }

    /// The first argument of a quantile.
    void share(const Expr& expr) {
        const auto value = expr.kind == Expr::Kind::Number ? parse_number(expr.name) : std::nullopt;
        if (!value || (*value >= 0 && *value <= 1)) return;
        add(expr, "a quantile is a number between 0 and 1", "the 95th percentile is 0.95", true);
    }

    void binary(const Expr& expr) {
        const Expr& left = expr.args[0];
        const Expr& right = expr.args[1];
        const auto divisor = right.kind == Expr::Kind::Number ? parse_number(right.name) : std::nullopt;
        if ((expr.name == "/" || expr.name == "%") && divisor && *divisor == 0)
            add(right, "a division by 0 has no value", {}, true);
        const bool fallback = expr.name == "or" || expr.name == "default";
        if (fallback || expr.matching || is_number(left) || is_number(right)) return;
        if (never_match(shape_of(left), shape_of(right)))
            add(expr,
                "the two sides of `" + expr.name + "` have different labels: nothing matches, and there is no data",
                "aggregate both alike, as in sum(...) " + expr.name + " sum(...)");
    }

    /// What is left out of a result is not 0 or fine: it is no data.
    void vanishing(const Expr& expr) {
        const bool absent = expr.kind == Expr::Kind::Call && (expr.name == "absent" || expr.name == "absent_over_time");
        if (absent)
            return add(expr, "`" + expr.name + "` gives nothing while the metric is there, and that is no data, not 0",
                       "write a rule `<signal> absent for 2m` on the metric itself");
        if (is_comparison(expr) && !expr.bool_modifier)
            return add(expr,
                       "a comparison leaves out what it is not true of: while all is well there is no data, which is "
                       "neither fine nor bad",
                       "write the query without it, and the bound in a rule: <signal> " + expr.name + " " +
                           quoted(expr.args[1]));
        if (is_set_operation(expr))
            return add(expr,
                       "`" + expr.name +
                           "` leaves the value out at times: then there is no data, which is neither fine "
                           "nor bad, and a bake without it ends inconclusive",
                       "judge the value itself; or write what counts instead, as in (...) or vector(0)");
        const bool arithmetic =
            expr.kind == Expr::Kind::Binary && expr.name != "or" && expr.name != "default" && !is_comparison(expr);
        if (arithmetic || expr.kind == Expr::Kind::Unary)
            for (const Expr& arg : expr.args) vanishing(arg);
    }

    [[nodiscard]] std::string quoted(const Expr& expr) const {
        return std::string(text_.substr(expr.begin, expr.end - expr.begin));
    }

    void add(const Expr& expr, std::string what, std::string hint, bool error = false) {
        out_.push_back({expr.begin, std::move(what), std::move(hint), error});
    }

    const Expr& root_;
    std::string_view text_;
    std::vector<Remark> out_;
};

bool is_status(std::string_view label) {
    static constexpr std::array<std::string_view, 7> kStatus{"code",
                                                             "status",
                                                             "status_code",
                                                             "response_code",
                                                             "http_status",
                                                             "http_status_code",
                                                             "http_response_status_code"};
    return is_word_of(label, kStatus);
}

bool all_digits(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// `5..`, `5.*`, `500|503`, `^5`: no text of a label.
bool looks_like_a_pattern(std::string_view value) {
    for (const std::string_view sign : {".*", ".+", "|", "[0-9]", "\\d"})
        if (value.find(sign) != std::string_view::npos) return true;
    return value.starts_with('^') || (value.size() == 3 && value.ends_with("..") && all_digits(value.substr(0, 1)));
}

/// `$namespace`, `${env}`: variables of a dashboard. A `$` at the end of a pattern is none.
std::string variable_in(std::string_view value) {
    if (value.empty()) return {};
    for (std::size_t at = value.find('$'); at < value.size() - 1; at = value.find('$', at + 1)) {
        const char next = value[at + 1];
        const auto name_char = [](char c) { return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0; };
        if (next == '{') return std::string(value.substr(at, value.find('}', at) - at + 1));
        if (next != '_' && std::isalpha(static_cast<unsigned char>(next)) == 0) continue;
        const auto* end = std::find_if_not(value.begin() + static_cast<std::ptrdiff_t>(at) + 1, value.end(), name_char);
        return std::string(value.begin() + static_cast<std::ptrdiff_t>(at), end);
    }
    return {};
}

}  // namespace

std::optional<Remark> doubt(const Matcher& one, std::string_view text) {
    const bool regex = one.op == Matcher::Op::Regex || one.op == Matcher::Op::NotRegex;
    const bool negative = one.op == Matcher::Op::NotEqual || one.op == Matcher::Op::NotRegex;
    const std::size_t found = text.find(one.value);
    const std::size_t at = found == std::string_view::npos || one.value.empty() ? 0 : found;
    const auto written = [&](std::string_view value, bool as_regex) {
        return one.label + (negative ? (as_regex ? "!~" : "!=") : (as_regex ? "=~" : "=")) + "\"" + std::string(value) +
               "\"";
    };
    if (const std::string variable = variable_in(one.value); !variable.empty())
        return Remark{at, "nobody fills in `" + variable + "`: it is taken as written", "write the value", false};
    if (!regex && looks_like_a_pattern(one.value))
        return Remark{at, "`" + written(one.value, false) + "` compares with this very text",
                      "for a pattern write " + written(one.value, true), false};
    if (regex && is_status(one.label) && all_digits(one.value) && one.value.size() < 3)
        return Remark{at, "a pattern matches the whole value: `" + one.value + "` alone",
                      "write " + written(one.value + std::string(3 - one.value.size(), '.'), true), false};
    return std::nullopt;
}

std::vector<Remark> habits(const Expr& root, std::string_view text) {
    return Habits(root, text).run();
}

std::optional<Remark> short_range(const Expr& expr, Duration scrape_interval) {
    const bool rate = expr.kind == Expr::Kind::Call &&
                      (expr.name == "rate" || expr.name == "irate" || expr.name == "increase" || expr.name == "delta");
    if (rate && !expr.args.empty() && expr.args.front().matrix && expr.args.front().kind == Expr::Kind::Selector &&
        expr.args.front().range < 2 * scrape_interval)
        return Remark{expr.begin,
                      "`" + expr.name + "` needs two samples, and a range of " + to_words(expr.args.front().range) +
                          " often has one alone at a scrape interval of " + to_words(scrape_interval),
                      "write [" + to_words(4 * scrape_interval) + "]: four scrapes", false};
    for (const Expr& arg : expr.args)
        if (auto found = short_range(arg, scrape_interval)) return found;
    return std::nullopt;
}

}  // namespace revertd::config::promql
