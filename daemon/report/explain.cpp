// SPDX-License-Identifier: Apache-2.0
#include "daemon/report/explain.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "core/words.h"
#include "daemon/report/next_step.h"
#include "daemon/report/text_plot.h"

namespace revertd {
namespace {

/// What a rule said when it began to hold; where it is and how it went may have been learnt later.
struct Held {
    const RuleChanged* rule = nullptr;
    const Record *record = nullptr, *drawn = nullptr;
    std::string where;
};

/// The settings that the rule was judged by know what it is; without them its own text is all there is.
const Rule* rule_of(const ReportInput& in, const RuleChanged& held) {
    const auto* settings = in.deployment != nullptr ? in.deployment->settings.get() : nullptr;
    if (settings == nullptr || held.rule >= settings->rules.size()) return nullptr;
    const Rule& rule = settings->rules[held.rule];
    return rule.text == held.text ? &rule : nullptr;
}

const Signal* signal_of(const ReportInput& in, const RuleChanged& held) {
    const Rule* rule = rule_of(in, held);
    const auto* settings = in.deployment != nullptr ? in.deployment->settings.get() : nullptr;
    const bool known = rule != nullptr && is_of_signal(*rule) && rule->signal < settings->signals.size();
    return known ? &settings->signals[rule->signal] : nullptr;
}

constexpr double kMostOdds = 1e6;  // beyond them they say nothing more

std::string rounded(double value) {
    const double unit = std::pow(10, std::max(0.0, std::floor(std::log10(std::max(value, 1.0))) - 1));
    return count_words(std::round(value / unit) * unit);
}

std::string meaning(const ReportInput& in, const RuleChanged& held) {
    if (is_statistical(held) && std::isfinite(held.value) && std::isfinite(held.limit)) {
        const std::string many =
            held.value > kMostOdds ? "fewer than one in " + rounded(kMostOdds) : "one in " + rounded(held.value);
        return many +
               " healthy deploys would ever look like this by chance, however often one looks; all tests together may "
               "roll back one in " +
               rounded(held.limit) + (held.limit_why.empty() ? "" : " now: " + held.limit_why);
    }
    const Signal* signal = signal_of(in, held);
    if (signal == nullptr || !std::isfinite(held.value) || !std::isfinite(held.limit)) return {};
    std::string out =
        value_words(held.value, signal->unit) + " where " + value_words(held.limit, signal->unit) + " is the limit";
    const Rule* rule = rule_of(in, held);
    if (rule != nullptr && rule->hold > Duration::zero()) out += ", for " + to_words(rule->hold) + " without a break";
    return out;
}

std::vector<TextPlot::Mark> marks_of(const ReportInput& in, WallTime until) {
    std::vector<TextPlot::Mark> marks;
    for (const Record& r : in.records) {
        if (r.wall > until) break;
        if (std::holds_alternative<FirstSeen>(r.fact)) marks.push_back({r.wall, "deploy"});
    }
    marks.push_back({until, "verdict"});
    return marks;
}

std::vector<std::string> plot_of(const ReportInput& in, const Held& held) {
    TextPlot plot;
    if (held.drawn == nullptr) return {};
    for (const TracePoint& point : std::get<RuleChanged>(held.drawn->fact).trace)
        plot.points.push_back({held.drawn->wall - (held.drawn->at - point.at), point.value});
    // An hour before says no more than as much as there is after it, and hides that.
    const auto marks = marks_of(in, held.record->wall);
    const Duration since = marks.back().at - marks.front().at;
    const WallTime first = marks.front().at - std::max<Duration>(3 * since, 5min);
    std::erase_if(plot.points, [first](const TextPlot::Point& p) { return p.at < first; });
    plot.marks = marks;
    const Signal* signal = signal_of(in, *held.rule);
    plot.unit = signal != nullptr ? signal->unit : Unit::None;
    plot.limit = is_statistical(*held.rule) ? std::nan("") : held.rule->limit;
    return to_text(plot);
}

/// To the second.
std::string instant_words(WallTime at) {
    return to_rfc3339(at).substr(0, 19) + "Z";
}

Explanation explain_rule(const ReportInput& in, const Held& held) {
    const RuleChanged& rule = *held.rule;
    const WallTime since = held.record->wall - (held.record->at - std::min(rule.since, held.record->at));
    Explanation out;
    out.rule = rule.text + " (" + std::string(to_string(rule.severity)) + "), since " + instant_words(since);
    for (auto& [name, value] :
         {std::pair("found", rule.words), std::pair("means", meaning(in, rule)), std::pair("where", held.where)})
        if (!value.empty()) out.words.emplace_back(name, value);
    const Signal* signal = signal_of(in, rule);
    out.drawn = (signal != nullptr ? signal->name : rule.text) + " before the deploy and since";
    out.plot = plot_of(in, held);
    return out;
}

}  // namespace

bool is_statistical(const RuleChanged& rule) {
    const bool combined = rule.text.find(" of (") != std::string::npos;  // its value is how many of its rules hold
    if (combined) return false;
    return rule.text.find("worse than baseline") != std::string::npos || rule.text.ends_with(" repeat");
}

std::string evidence_words(double evidence) {
    if (std::isnan(evidence)) return "-";
    return (evidence > kMostOdds ? "less than 1 : " : "1 : ") + rounded(std::min(evidence, kMostOdds));
}

std::string needed_words(double limit) {
    return std::isfinite(limit) ? "1 : " + rounded(limit) : "-";
}

std::vector<Explanation> explain(const ReportInput& in) {
    std::map<std::string, Held> first;  // by the rule's text
    std::vector<std::string> order;
    for (const Record& r : in.records) {
        const auto* rule = std::get_if<RuleChanged>(&r.fact);
        if (rule == nullptr || !rule->holds || rule->severity == Severity::None) continue;
        Held& held = first[rule->text];
        if (held.rule == nullptr) order.push_back(rule->text), held.rule = rule, held.record = &r;
        if (held.where.empty()) held.where = rule->where;
        if (held.drawn == nullptr && !rule->trace.empty()) held.drawn = &r;
    }
    std::vector<Explanation> out;
    for (const std::string& text : order) out.push_back(explain_rule(in, first[text]));
    return out;
}

std::vector<std::string> explain_lines(const ReportInput& in) {
    constexpr std::size_t kName = 11;
    std::vector<std::string> lines;
    for (const Explanation& one : explain(in)) {
        if (!lines.empty()) lines.emplace_back();
        lines.push_back(one.rule);
        for (const auto& [name, value] : one.words) {
            std::string line = "  " + name;
            line.resize(std::max(line.size() + 1, kName), ' ');
            lines.push_back(line + value);
        }
        if (one.plot.empty()) continue;
        lines.emplace_back();
        lines.push_back("  " + one.drawn + ":");
        for (const std::string& line : one.plot) lines.push_back("  " + line);
    }
    const std::string next = next_step(in);
    if (!next.empty() && !lines.empty()) lines.emplace_back();
    if (!next.empty()) lines.push_back("Next: " + next);
    return lines;
}

}  // namespace revertd
