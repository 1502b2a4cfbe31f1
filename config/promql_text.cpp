// SPDX-License-Identifier: Apache-2.0
#include "config/promql_text.h"

#include <algorithm>

#include "config/promql.h"
#include "core/detector.h"
#include "core/endpoints.h"
#include "core/well_known.h"

namespace revertd::config::promql {

namespace {

/// "6s", "1500ms": exact, in a form that every server reads.
std::string duration_text(Duration duration) {
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(duration).count();
    return ms % 1000 == 0 ? std::to_string(ms / 1000) + "s" : std::to_string(ms) + "ms";
}

/// ` by (le, app)`
std::string by(const Group& group, const std::string& more = {}) {
    std::string labels = more;
    if (!group.label.empty()) labels += (labels.empty() ? "" : ", ") + group.label;
    return labels.empty() ? "" : " by (" + labels + ") ";
}

/// With the time before, by a statistical test.
bool compares(const Rule& rule) {
    return rule.kind == Rule::Kind::Detector && rule.detector != nullptr && rule.detector->name == "worse";
}

}  // namespace

std::string part(const std::string& expression, const std::string& name) {
    return "label_replace(" + expression + ", \"" + kPart + "\", \"" + name + "\", \"\", \"\")";
}

std::string sign_of(Matcher::Op op) {
    switch (op) {
        case Matcher::Op::Equal:
            return "=";
        case Matcher::Op::NotEqual:
            return "!=";
        case Matcher::Op::Regex:
            return "=~";
        case Matcher::Op::NotRegex:
            return "!~";
    }
    return "=";
}

std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '\n') {
            out += "\\n";
            continue;
        }
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

std::string exactly(const std::vector<std::string>& values) {
    std::vector<std::string> sorted = values;
    std::sort(sorted.begin(), sorted.end());
    sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
    std::string out;
    for (const std::string& value : sorted) {
        if (!out.empty()) out += '|';
        for (const char c : value) {
            if (std::string_view(R"(\.+*?()|[]{}^$)").find(c) != std::string_view::npos) out += '\\';
            out += c;
        }
    }
    return out;
}

std::string selector_text(const std::string& metric, const std::vector<Matcher>& matchers, const Group& group) {
    std::string inside;
    for (const Matcher& m : matchers) {
        const bool grouped = !group.label.empty() && m.label == group.label && m.op == Matcher::Op::Equal;
        const std::string sign = grouped ? "=~" : sign_of(m.op);
        inside += (inside.empty() ? "" : ",") + m.label + sign + quoted(grouped ? exactly(group.values) : m.value);
    }
    return metric + (inside.empty() ? "" : "{" + inside + "}");
}

Duration rate_window(Duration interval, Duration scrape_interval) {
    return std::max(interval + scrape_interval, 4 * scrape_interval);
}

std::string query_of(const Signal& signal, Duration window, const Group& group) {
    if (!signal.promql.empty()) return signal.promql;
    const bool quantile = signal.kind == Signal::Kind::Quantile;
    const std::string metric = signal.selector.metric + (quantile ? "_bucket" : "");
    const std::string range = "[" + duration_text(window) + "]";
    const auto rate = [&](const std::vector<Matcher>& matchers, const std::string& labels) {
        return "sum" + by(group, labels) + "(rate(" + selector_text(metric, matchers, group) + range + "))";
    };
    std::vector<Matcher> newest = signal.selector.matchers;
    if (quantile) newest.push_back({"le", Matcher::Op::Equal, "+Inf"});
    const std::string at = part("max" + by(group) + "(timestamp(" + selector_text(metric, newest, group) + "))", kAt);
    if (quantile) return part(rate(signal.selector.matchers, "le"), kBucket) + " or " + at;
    std::string out = part(rate(signal.selector.matchers, {}), kAll);
    if (signal.kind == Signal::Kind::Ratio) {
        std::vector<Matcher> bad = signal.selector.matchers;
        bad.insert(bad.end(), signal.bad.begin(), signal.bad.end());
        out += " or " + part(rate(bad, {}), kBad);
    }
    return out + " or " + at;
}

std::string places_of(const Signal& signal, Duration now, Duration before, Duration ago) {
    const bool ratio = signal.kind == Signal::Kind::Ratio, quantile = signal.kind == Signal::Kind::Quantile;
    if (!signal.promql.empty() || (!ratio && !quantile)) return {};
    const std::string metric = signal.selector.metric + (quantile ? "_bucket" : "");
    const auto gained = [&](const std::vector<Matcher>& matchers, bool is_now) {
        const std::string range = "[" + duration_text(is_now ? now : before) + "]";
        const std::string offset = is_now ? "" : " offset " + duration_text(ago);
        return "topk(2000, increase(" + selector_text(metric, matchers) + range + offset + "))";
    };
    std::vector<Matcher> bad = signal.selector.matchers;
    bad.insert(bad.end(), signal.bad.begin(), signal.bad.end());
    std::string out = part(gained(signal.selector.matchers, true), "now") + " or " +
                      part(gained(signal.selector.matchers, false), "before");
    if (ratio) out += " or " + part(gained(bad, true), "now_bad") + " or " + part(gained(bad, false), "before_bad");
    return out;
}

std::vector<std::string> endpoint_labels(const Signal& signal) {
    std::vector<std::string> out;
    if (!signal.promql.empty() || signal.kind != Signal::Kind::Ratio) return out;
    if (signal.endpoint) {
        if (!signal.endpoint->empty()) out.push_back(*signal.endpoint);
        return out;
    }
    const auto is_open = [&](std::string_view label) {
        const auto decided = [&](const Matcher& m) { return m.label == label && m.op == Matcher::Op::Equal; };
        return std::ranges::none_of(signal.selector.matchers, decided) &&
               std::ranges::find(signal.bad, label, &Matcher::label) == signal.bad.end();
    };
    for (const std::string_view label : well_known_endpoint_labels())
        if (is_open(label)) out.emplace_back(label);
    return out;
}

bool tests_endpoints(const ServiceSettings& settings, std::uint32_t signal) {
    if (endpoint_labels(settings.signals[signal]).empty()) return false;
    return std::ranges::any_of(settings.rules, [&](const Rule& rule) {
        return compares(rule) && (rule.signal == signal || settings.signals[rule.signal].control == signal);
    });
}

bool tests_starts(const ServiceSettings& settings, std::uint32_t signal) {
    const Signal& one = settings.signals[signal];
    if (!one.promql.empty() || one.kind != Signal::Kind::Quantile) return false;
    return std::ranges::any_of(settings.rules,
                               [&](const Rule& rule) { return compares(rule) && rule.signal == signal; });
}

std::string starts_of(const Signal& signal, Duration window) {
    constexpr Duration kGap = 5min;  // scrapes fail
    std::vector<Matcher> all = signal.selector.matchers;
    all.push_back({"le", Matcher::Op::Equal, "+Inf"});
    const std::string count = selector_text(signal.selector.metric + "_bucket", all);
    const auto instances = [](const std::string& series) { return "count(count by (instance, pod) (" + series + "))"; };
    const std::string range = "[" + duration_text(window) + "]";
    const std::string before =
        "count_over_time(" + count + "[" + duration_text(kGap) + "] offset " + duration_text(window) + ")";
    return part(instances(count), kInstances) + " or " +
           part(instances(count + " unless on (instance, pod) " + before), kNew) + " or " +
           part(instances("resets(" + count + range + ") > 0"), kAgain);
}

std::string count_endpoints(const Signal& signal, const std::vector<std::string>& labels) {
    std::string out;
    for (const std::string& label : labels) {
        std::vector<Matcher> there = signal.selector.matchers;
        there.push_back({label, Matcher::Op::NotEqual, ""});
        const std::string count =
            "count(count by (" + label + ") (" + selector_text(signal.selector.metric, there) + "))";
        out += (out.empty() ? "" : " or ") + part(count, label);
    }
    return out;
}

std::string endpoints_before(const Signal& signal, const std::string& label, Duration before, Duration ago) {
    const auto gained = [&](const std::vector<Matcher>& matchers) {
        return "sum by (" + label + ") (increase(" + selector_text(signal.selector.metric, matchers) + "[" +
               duration_text(before) + "] offset " + duration_text(ago) + "))";
    };
    std::vector<Matcher> bad = signal.selector.matchers;
    bad.insert(bad.end(), signal.bad.begin(), signal.bad.end());
    return part(gained(signal.selector.matchers), kAll) + " or " + part(gained(bad), kBad);
}

std::string endpoints_of(const Signal& signal, const std::string& label, Duration window, const Group& group) {
    const auto rates = [&](const std::vector<Matcher>& matchers) {
        return "topk" + by(group) + "(" + std::to_string(EndpointCounts::kMost) + ", sum" + by(group, label) +
               "(rate(" + selector_text(signal.selector.metric, matchers, group) + "[" + duration_text(window) + "])))";
    };
    std::vector<Matcher> bad = signal.selector.matchers;
    bad.insert(bad.end(), signal.bad.begin(), signal.bad.end());
    return part(rates(signal.selector.matchers), kAll) + " or " + part(rates(bad), kBad);
}

std::string freshness_of(const std::string& promql) {
    const auto parsed = parse(promql);
    const auto* root = std::get_if<Expr>(&parsed);
    if (root == nullptr) return {};
    std::vector<std::string> texts;
    for (const Expr* one : selectors(*root)) {
        if (one->moved) continue;
        std::size_t end = one->end;
        if (one->matrix) end = promql.rfind('[', end);
        const std::string text = promql.substr(one->begin, end - one->begin);
        if (std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(text);
    }
    std::string out;
    for (const std::string& text : texts)
        out += (out.empty() ? "" : " or ") +
               part("max(timestamp(" + text + "))", kAt + std::to_string(&text - texts.data()));
    return out;
}

}  // namespace revertd::config::promql
