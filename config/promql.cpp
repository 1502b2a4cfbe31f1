// SPDX-License-Identifier: Apache-2.0
// What follows from a query's form: its selectors, its reach, how many series it gives, its unit.
#include "config/promql.h"

#include <algorithm>
#include <array>

namespace revertd::config::promql {

namespace {

void collect(const Expr& expr, std::vector<const Expr*>& out) {
    if (expr.kind == Expr::Kind::Selector) out.push_back(&expr);
    for (const Expr& arg : expr.args) collect(arg, out);
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_scalar(const Expr& expr) {
    switch (expr.kind) {
        case Expr::Kind::Number:
        case Expr::Kind::String:
            return true;
        case Expr::Kind::Unary:
            return is_scalar(expr.args.front());
        case Expr::Kind::Binary:
            return is_scalar(expr.args[0]) && is_scalar(expr.args[1]);
        case Expr::Kind::Call:
            return is_one_of(expr.name, {"scalar", "time", "pi"});
        case Expr::Kind::Selector:
        case Expr::Kind::Aggregate:
            return false;
    }
    return false;
}

/// Every selector has the label fixed by `=`.
bool fixes(const Expr& expr, const std::string& label) {
    const auto all = selectors(expr);
    return std::all_of(all.begin(), all.end(), [&](const Expr* one) {
        return std::any_of(one->matchers.begin(), one->matchers.end(),
                           [&](const Matcher& m) { return m.label == label && m.op == Matcher::Op::Equal; });
    });
}

Unit unit_of_metric(std::string_view name) {
    for (const std::string_view part : {"_bucket", "_sum"})
        if (name.ends_with(part)) name.remove_suffix(part.size());
    if (name.ends_with("_seconds")) return Unit::Seconds;
    if (name.ends_with("_ratio")) return Unit::Ratio;
    return Unit::None;
}

/// What a number of it counts: two of a kind divided are a ratio.
bool is_of_counters(const Expr& expr) {
    const auto all = selectors(expr);
    const bool plain = std::all_of(
        all.begin(), all.end(), [](const Expr* one) { return one->matrix && unit_of_metric(one->name) == Unit::None; });
    return !all.empty() && plain;
}

/// Multiplied or divided by a number: `100 * a / b` is no ratio from 0 to 1.
bool is_scaled(const Expr& expr) {
    const bool scales = expr.kind == Expr::Kind::Binary && (expr.name == "*" || expr.name == "/") &&
                        (is_scalar(expr.args[0]) || is_scalar(expr.args[1]));
    return scales || std::any_of(expr.args.begin(), expr.args.end(), is_scaled);
}

Unit unit_of_division(const Expr& left, const Expr& right) {
    if (is_scalar(right) || is_scaled(left) || is_scaled(right)) return Unit::None;  // of another scale
    const Unit above = unit_of(left);
    if (above == unit_of(right) && is_of_counters(left) && is_of_counters(right)) return Unit::Ratio;
    const bool mean = above == Unit::Seconds && unit_of(right) == Unit::None;
    return mean ? Unit::Seconds : Unit::None;
}

}  // namespace

std::vector<const Expr*> selectors(const Expr& root) {
    std::vector<const Expr*> out;
    collect(root, out);
    return out;
}

Duration reach(const Expr& expr) {
    Duration longest{};
    for (const Expr& arg : expr.args) longest = std::max(longest, reach(arg));
    return longest + expr.range;
}

bool gives_one_series(const Expr& expr) {
    switch (expr.kind) {
        case Expr::Kind::Number:
        case Expr::Kind::String:
            return true;
        case Expr::Kind::Selector:
            return false;
        case Expr::Kind::Unary:
            return gives_one_series(expr.args.front());
        case Expr::Kind::Binary:
            if (expr.matching) return gives_one_series(expr.args[0]) || gives_one_series(expr.args[1]);
            return gives_one_series(expr.args[0]) && gives_one_series(expr.args[1]);
        case Expr::Kind::Aggregate:
            if (is_one_of(expr.name, {"topk", "bottomk", "count_values", "limitk"})) return false;
            if (expr.without) return false;
            return std::all_of(expr.labels.begin(), expr.labels.end(),
                               [&](const std::string& label) { return fixes(expr, label); });
        case Expr::Kind::Call:
            if (is_one_of(expr.name, {"scalar", "vector", "time", "pi", "absent", "absent_over_time"})) return true;
            if (expr.name == "histogram_quantile" && expr.args.size() == 2) {
                const Expr& buckets = expr.args[1];
                const bool by_le = buckets.kind == Expr::Kind::Aggregate && !buckets.without &&
                                   std::all_of(buckets.labels.begin(), buckets.labels.end(), [&](const auto& label) {
                                       return label == "le" || fixes(buckets, label);
                                   });
                return by_le;
            }
            return !expr.args.empty() && std::all_of(expr.args.begin(), expr.args.end(), gives_one_series);
    }
    return false;
}

Unit unit_of(const Expr& expr) {
    switch (expr.kind) {
        case Expr::Kind::Number:
        case Expr::Kind::String:
            return Unit::None;
        case Expr::Kind::Selector:
            return unit_of_metric(expr.name);
        case Expr::Kind::Unary:
            return unit_of(expr.args.front());
        case Expr::Kind::Aggregate:
            if (is_one_of(expr.name, {"count", "group", "count_values"}) || expr.args.empty()) return Unit::None;
            return unit_of(expr.args.back());
        case Expr::Kind::Call:
            if (expr.name == "histogram_quantile" && expr.args.size() == 2) return unit_of(expr.args[1]);
            if (is_one_of(expr.name,
                          {"clamp_max", "clamp_min", "clamp", "round", "abs", "sort", "max_over_time", "min_over_time",
                           "avg_over_time", "last_over_time", "rate", "irate", "increase", ""}))
                return expr.args.empty() ? Unit::None : unit_of(expr.args.front());
            return Unit::None;
        case Expr::Kind::Binary: {
            const Expr& left = expr.args[0];
            const Expr& right = expr.args[1];
            if (expr.name == "/") return unit_of_division(left, right);
            if (expr.name == "*") return Unit::None;
            const bool of_left = is_scalar(right) || unit_of(left) == unit_of(right) || expr.name == "or";
            return of_left ? unit_of(left) : Unit::None;
        }
    }
    return Unit::None;
}

std::string with_matchers(std::string_view text, const Expr& root, std::string_view matchers) {
    std::string out(text);
    if (matchers.empty()) return out;
    auto all = selectors(root);
    std::sort(all.begin(), all.end(), [](const Expr* a, const Expr* b) { return a->name_end > b->name_end; });
    for (const Expr* one : all) {
        const std::string more(matchers);
        if (one->brace == 0)
            out.insert(one->name_end, "{" + more + "}");
        else
            out.insert(one->brace, more + (one->matchers.empty() ? "" : ","));
    }
    return out;
}

}  // namespace revertd::config::promql
