// SPDX-License-Identifier: Apache-2.0
// Queries that a server accepts and that do not say what is meant.
#include <algorithm>

#include "config/promql.h"

namespace revertd::config::promql {

namespace {

bool is_counter(std::string_view name) {
    return name.ends_with("_total") || name.ends_with("_count") || name.ends_with("_bucket");
}

bool is_rate(const Expr& expr) {
    return expr.kind == Expr::Kind::Call && (expr.name == "rate" || expr.name == "irate" || expr.name == "increase");
}

/// A status filter that matches errors only: no error, no series.
const Matcher* errors_only(const Expr& selector) {
    for (const Matcher& m : selector.matchers) {
        const bool status = m.label == "code" || m.label == "status" || m.label == "status_code" ||
                            m.label == "response_code" || m.label == "http_response_status_code";
        const bool positive = m.op == Matcher::Op::Equal || m.op == Matcher::Op::Regex;
        if (status && positive && (m.value.starts_with('5') || m.value.starts_with('4'))) return &m;
    }
    return nullptr;
}

bool has_fallback(const Expr& root) {
    if (root.kind == Expr::Kind::Binary && (root.name == "or" || root.name == "default")) return true;
    return std::any_of(root.args.begin(), root.args.end(), has_fallback);
}

class Lint {
  public:
    Lint(const Expr& root, std::string_view text) : root_(root), text_(text) {}

    std::vector<Remark> run() {
        if (root_.matrix) {
            add(root_, "a range gives no value", "write rate(" + quoted(root_) + "), or another function of a range",
                true);
            return std::move(out_);
        }
        if (root_.kind == Expr::Kind::String) add(root_, "a text is no value", {}, true);
        walk(root_, nullptr);
        errors();
        for (Remark& one : habits(root_, text_)) {
            told_series_ = told_series_ || one.at == root_.begin;
            out_.push_back(std::move(one));
        }
        if (!told_series_ && !gives_one_series(root_) && root_.kind != Expr::Kind::Selector)
            add(root_, "the query gives one value for each series, where one is expected",
                "wrap it, as in sum(" + quoted(root_) + "); several series are judged `ambiguous`");
        return std::move(out_);
    }

  private:
    void walk(const Expr& expr, const Expr* parent) {
        if (expr.kind == Expr::Kind::Selector) selector(expr, parent);
        if (expr.kind == Expr::Kind::Call && expr.name == "histogram_quantile") quantile(expr);
        if (is_rate(expr)) rate(expr);
        for (const Expr& arg : expr.args) walk(arg, &expr);
    }

    void selector(const Expr& expr, const Expr* parent) {
        const bool counted = parent != nullptr && parent->kind == Expr::Kind::Aggregate &&
                             (parent->name == "count" || parent->name == "group");
        if (!expr.matrix && is_counter(expr.name) && !counted)
            add(expr, "`" + expr.name + "` is a counter, which only grows",
                "rate(" + quoted(expr) + "[1m]) or ratio() is probably meant");
        const bool everything = std::all_of(expr.matchers.begin(), expr.matchers.end(), [](const Matcher& m) {
            return (m.op == Matcher::Op::Regex && (m.value == ".*" || m.value.empty())) ||
                   (m.op == Matcher::Op::Equal && m.value.empty());
        });
        if (expr.name.empty() && everything)
            add(expr, "a selector needs a metric, or a matcher that does not match the empty text", {}, true);
    }

    void rate(const Expr& expr) {
        if (expr.args.empty()) return add(expr, "`" + expr.name + "` needs a range", "as in rate(metric[1m])", true);
        const Expr& arg = expr.args.front();
        if (!arg.matrix)
            return add(arg, "`" + expr.name + "` needs a range", "write " + expr.name + "(" + quoted(arg) + "[1m])",
                       true);
        const bool gauge = arg.kind == Expr::Kind::Selector && !arg.name.empty() && !is_counter(arg.name) &&
                           !arg.name.ends_with("_sum");
        const bool known_gauge =
            gauge && (arg.name.ends_with("_seconds") || arg.name.ends_with("_bytes") || arg.name.ends_with("_ratio"));
        if (known_gauge && no_gauge_ != &arg)
            add(arg, "`" + arg.name + "` is a gauge by its name, and `" + expr.name + "` is for counters",
                "deriv() or the value itself is probably meant");
    }

    /// One quantile a series; the buckets of all of them are meant.
    void quantile(const Expr& expr) {
        if (expr.args.size() != 2)
            return add(expr, "`histogram_quantile` needs a quantile and buckets",
                       "as in histogram_quantile(0.95, sum by (le) (rate(NAME_bucket[5m])))", true);
        const Expr& buckets = expr.args[1];
        const bool sums = buckets.kind == Expr::Kind::Aggregate;
        if (no_buckets(buckets)) return;
        const bool keeps_le =
            !sums ||
            (buckets.without ? std::find(buckets.labels.begin(), buckets.labels.end(), "le") == buckets.labels.end()
                             : std::find(buckets.labels.begin(), buckets.labels.end(), "le") != buckets.labels.end());
        if (!keeps_le)
            return add(buckets, "the buckets lose their bounds: nothing is left to compute a quantile from",
                       "write sum by (le) (...)", true);
        if (sums) return;
        told_series_ = true;
        add(expr, "one quantile for each series, where one is expected: instances and labels are not added up",
            "write histogram_quantile(" + quoted(expr.args[0]) + ", sum by (le) (" + quoted(buckets) +
                ")), or quantile(" + quoted(expr.args[0]) + ", " + histogram(buckets) + ")");
    }

    /// The histogram's own name: newer servers have it as one series, all others as NAME_bucket.
    bool no_buckets(const Expr& buckets) {
        for (const Expr* one : selectors(buckets)) {
            const bool rule = one->name.find(':') != std::string::npos;
            if (one->name.empty() || rule || one->name.ends_with("_bucket")) continue;
            no_gauge_ = one;
            add(*one,
                "the buckets of a histogram are called NAME_bucket; `" + one->name +
                    "` itself has none, unless it is native",
                "write sum by (le) (rate(" + one->name + "_bucket[5m]))");
            return true;
        }
        return false;
    }

    [[nodiscard]] std::string histogram(const Expr& buckets) const {
        const auto all = selectors(buckets);
        std::string name = all.empty() ? "NAME" : all.front()->name;
        if (name.ends_with("_bucket")) name.resize(name.size() - 7);
        return name + (all.empty() || all.front()->brace == 0 ? "" : "{...}");
    }

    /// Errors alone: while there are none there is no series, and that is no data, not 0.
    void errors() {
        if (has_fallback(root_) || root_.kind == Expr::Kind::Binary) return;
        for (const Expr* one : selectors(root_)) {
            const Matcher* status = errors_only(*one);
            if (status == nullptr) continue;
            const bool regex = status->op == Matcher::Op::Regex;
            add(*one,
                "errors alone: without an error there is no series, which is no data and not 0; and a number of "
                "errors says nothing without that of requests",
                "write ratio(" + (one->name.empty() ? "requests" : one->name) + ", " + status->label +
                    (regex ? "=~" : "=") + "\"" + status->value + "\"), and a bound in percent");
            return;
        }
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
    bool told_series_ = false;
    const Expr* no_gauge_ = nullptr;  ///< told of as a histogram
};

}  // namespace

std::vector<Remark> lint(const Expr& root, std::string_view text) {
    return Lint(root, text).run();
}

}  // namespace revertd::config::promql
