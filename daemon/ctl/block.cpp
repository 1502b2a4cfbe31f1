// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/block.h"

#include <algorithm>
#include <cmath>

#include "core/verdict.h"
#include "daemon/ctl/text.h"

namespace revertd::ctl {
namespace {

constexpr std::size_t kBarColumns = 20;
constexpr std::size_t kPlotColumns = 12;
constexpr double kPointsPerBake = 40;
constexpr std::size_t kNameColumns = 8;

std::string words(const Json& value) {
    return printable(value.text());
}

/// A word of the contract for people: `no_data` -> `no data`.
std::string spoken(const Json& value) {
    auto text = words(value);
    std::replace(text.begin(), text.end(), '_', ' ');
    return text;
}

std::string first_of(const Json& preferred, const Json& otherwise) {
    const auto text = words(preferred);
    return text.empty() ? spoken(otherwise) : text;
}

std::string phase(const Json& deployment) {
    const bool ended = deployment["exit_code"].number().has_value();
    return first_of(deployment[ended ? "verdict_words" : "phase_words"], deployment["state"]);
}

/// `api v2 d-81`
std::string name_of(const Json& deployment) {
    return words(deployment["service"]) + " " + words(deployment["version"]) + " " + words(deployment["id"]);
}

std::string coloured(const std::string& text, const Json& state, const BlockStyle& style) {
    if (!style.colour) return text;
    const auto name = state.text();
    const bool good = name == "rolling" || name == "baking" || name == "healthy";
    const bool bad = name == "incident" || name == "regression";
    return (good ? "\x1b[32m" : bad ? "\x1b[31m" : "\x1b[33m") + text + "\x1b[0m";
}

std::string title(const Json& deployment) {
    auto line = words(deployment["service"]) + " " + words(deployment["version"]);
    if (const auto from = words(deployment["from"]); !from.empty()) line += " (was " + from + ")";
    line += "  deploy " + words(deployment["id"]);
    if (const auto bake = deployment["bake"].number()) line += "  bake " + seconds_words(*bake);
    return line;
}

std::string elapsed_words(const Json& deployment) {
    const auto elapsed = deployment["elapsed"].number();
    const auto bake = deployment["bake"].number();
    if (!elapsed || !bake) return {};
    return seconds_words(*elapsed) + " / " + seconds_words(*bake);
}

std::string next_check(const Json& deployment) {
    const auto next = deployment["next_check"].number();
    const bool ended = deployment["exit_code"].number().has_value();
    return next && !ended ? "   next check " + seconds_words(std::ceil(*next)) : std::string();
}

/// The bar with the phase behind it, or below it where the line would be too long: a phase is never cut for a bar.
std::vector<std::string> progress(const Json& deployment, const BlockStyle& style) {
    const double elapsed = deployment["elapsed"].number().value_or(0);
    const double bake = deployment["bake"].number().value_or(0);
    std::string line = "  " + bar(bake > 0 ? elapsed / bake : 0, kBarColumns);
    if (const auto of_bake = elapsed_words(deployment); !of_bake.empty()) line += "  " + of_bake;
    const auto words_now = coloured(phase(deployment), deployment["state"], style);
    const auto whole = line + "   " + words_now + next_check(deployment);
    if (display_width(whole) <= style.columns) return {whole};
    std::vector<std::string> lines{line + next_check(deployment)};
    for (auto& part : wrapped("  " + words_now, style.columns, 4)) lines.push_back(std::move(part));
    return lines;
}

std::string health_words(const Json& health) {
    const auto up = health["up"].number();
    const auto total = health["total"].number();
    if (!total || *total <= 0) return {};
    if (!up) return "not seen yet";
    const auto count = words(health["up"]) + "/" + words(health["total"]);
    if (*up >= *total) return "up " + count;
    const auto why = words(health["words"]);
    return "only " + count + " up" + (why.empty() ? "" : ": " + why);
}

/// What the reader compares the value with: `base 0.3%, P1 > 5%`, or as a factor where the unit is no ratio.
std::string comparison(const Json& signal) {
    const auto value = signal["value"].number();
    const auto baseline = signal["baseline"].number();
    const auto limit = words(signal["limit_words"]);
    std::string inside;
    if (baseline && signal["unit"].text() == "ratio") {
        inside = "base " + value_words(*baseline, "ratio");
    } else if (baseline && value && *baseline > 0) {
        inside = factor_words(*value / *baseline);
    }
    if (!inside.empty() && !limit.empty()) inside += ", ";
    inside += limit;
    return inside.empty() ? inside : "(" + inside + ")";
}

std::string value_of(const Json& signal) {
    const auto value = signal["value"].number();
    return value ? value_words(*value, signal["unit"].text()) : "-";
}

/// The worst rule that is breached, or why the signal cannot be judged.
std::string alarm(const Json& signal, WallTime now) {
    for (const auto& rule : signal["rules"].items()) {
        const bool holds = rule["holds"].truth();
        if (!holds && rule["verdict"].text() != to_string(Verdict::Breach)) continue;
        std::string text = words(rule["severity"]) + (holds ? " holds" : " breached");
        const auto since = parse_rfc3339(rule["since"].text());
        if (since && *since <= now) text += " for " + seconds_words(seconds(now - *since));
        return text;
    }
    const auto verdict = signal["verdict"].text();
    if (verdict == to_string(Verdict::Insufficient)) return "too few requests to judge";
    return verdict.empty() || verdict == to_string(Verdict::Ok) || verdict == to_string(Verdict::Breach)
               ? ""
               : spoken(signal["verdict"]);
}

struct Row {
    std::string name, value, comparison, alarm, plot;
};

std::vector<Row> rows_of(const Json& deployment, const History& history, WallTime now) {
    std::vector<Row> rows;
    const auto health = health_words(deployment["health"]);
    if (!health.empty()) rows.push_back({"health", health, {}, {}, {}});
    for (const auto& signal : deployment["signals"].items()) {
        const auto name = words(signal["name"]);
        rows.push_back({name, value_of(signal), comparison(signal), alarm(signal, now),
                        sparkline(history.of(name), kPlotColumns)});
    }
    return rows;
}

std::vector<std::string> aligned(const std::vector<Row>& rows) {
    std::size_t name = kNameColumns, value = 0, inside = 0, plot = 0;
    for (const auto& row : rows) {
        name = std::max(name, display_width(row.name));
        // Health has no columns behind its words: it must not push the others apart.
        if (!row.comparison.empty()) value = std::max(value, display_width(row.value));
        inside = std::max(inside, display_width(row.comparison));
        plot = std::max(plot, display_width(row.plot));
    }
    std::vector<std::string> lines;
    for (const auto& row : rows) {
        auto line = "  " + pad(row.name, name + 1) + pad(row.value, value);
        if (inside > 0) line += " " + pad(row.comparison, inside);
        if (plot > 0) line += "  " + pad(row.plot, plot);
        if (!row.alarm.empty()) line += "  " + row.alarm;
        line.erase(line.find_last_not_of(' ') + 1);
        lines.push_back(std::move(line));
    }
    return lines;
}

/// Approvals stay in the object after they were given, or waived by policy at their end.
bool is_waiting(const Json& approval, WallTime now) {
    if (approval.is_null()) return false;
    const auto until = parse_rfc3339(approval["until"].text());
    const auto given = static_cast<double>(approval["given"].items().size());
    return given < approval["quorum"].number().value_or(1) && (!until || *until > now);
}

/// `i-42 waits for leads, 1 of 2 given, until 03:22:07 (in 7m50s)` and how to answer.
std::vector<std::string> waiting(const Json& deployment, std::size_t columns, WallTime now) {
    const auto approval = deployment["approval"];
    const auto incident = words(deployment["incident"]);
    if (incident.empty() || !is_waiting(approval, now)) return {};
    const auto role = words(approval["role"]);
    auto line = "  " + incident + " waits for " + (role.empty() ? "root or the group revertd" : role);
    if (approval["quorum"].number().value_or(1) > 1) {
        line += ", " + std::to_string(approval["given"].items().size()) + " of " + words(approval["quorum"]) + " given";
    }
    if (const auto until = when_words(approval["until"].text(), now); !until.empty()) line += ", until " + until;
    auto lines = wrapped(line, columns, 4);
    for (auto& part :
         wrapped("  revertctl approve " + incident + " | deny " + incident + " | explain " + incident, columns, 4))
        lines.push_back(std::move(part));
    return lines;
}

/// What is not known and should be; the phase may say it already.
std::vector<std::string> warning_lines(const Json& deployment, std::size_t columns) {
    std::vector<std::string> lines;
    const auto said = phase(deployment);
    for (const auto& warning : deployment["warnings"].items()) {
        if (said.find(words(warning)) != std::string::npos) continue;
        for (auto& line : wrapped("  ! " + words(warning), columns, 4)) lines.push_back(std::move(line));
    }
    return lines;
}

/// While nothing is found: what would be. So nobody trusts a bake that cannot see anything.
std::vector<std::string> power_lines(const Json& deployment) {
    const auto state = deployment["state"].text();
    std::vector<std::string> lines;
    if (state != "rolling" && state != "baking") return lines;
    for (const auto& power : deployment["power"].items()) lines.push_back("  " + words(power));
    return lines;
}

}  // namespace

void History::add(const Json& deployment) {
    const auto elapsed = deployment["elapsed"].number();
    const double step = deployment["bake"].number().value_or(0) / kPointsPerBake;
    if (!elapsed || (last_elapsed_ && *elapsed - *last_elapsed_ < step)) return;
    last_elapsed_ = elapsed;
    for (const auto& signal : deployment["signals"].items()) {
        auto& values = values_[signal["name"].text()];
        if (const auto value = signal["value"].number()) values.push_back(*value);
        if (values.size() > kPlotColumns) values.erase(values.begin());
    }
}

const std::vector<double>& History::of(const std::string& signal) const {
    static const std::vector<double> kNone;
    const auto found = values_.find(signal);
    return found == values_.end() ? kNone : found->second;
}

std::string render_block(const Json& deployment, const History& history, const BlockStyle& style) {
    std::vector<std::string> lines{title(deployment)};
    for (auto& line : progress(deployment, style)) lines.push_back(std::move(line));
    for (auto& line : aligned(rows_of(deployment, history, style.now))) lines.push_back(std::move(line));
    for (auto& line : waiting(deployment, style.columns, style.now)) lines.push_back(std::move(line));
    for (auto& line : warning_lines(deployment, style.columns)) lines.push_back(std::move(line));
    for (auto& line : power_lines(deployment)) lines.push_back(std::move(line));
    std::string text;
    for (const auto& line : lines) text += fit(line, style.columns) + "\n";
    return text;
}

std::string render_line(const Json& deployment) {
    const auto state = spoken(deployment["state"]);
    const auto now = phase(deployment);
    // "suspected: errors > 5%" says the state itself.
    auto line = name_of(deployment) + ": " + (now.starts_with(state) ? now : state);
    if (const auto of_bake = elapsed_words(deployment); !of_bake.empty()) line += ", " + of_bake;
    if (!now.starts_with(state)) line += ", " + now;
    std::string separator = "; ";
    if (const auto health = health_words(deployment["health"]); !health.empty()) {
        line += separator + "health " + health;
        separator = ", ";
    }
    for (const auto& signal : deployment["signals"].items()) {
        line += separator + words(signal["name"]) + " " + value_of(signal);
        separator = ", ";
    }
    return line;
}

std::string render_end(const Json& deployment) {
    auto text = name_of(deployment) + ": " + spoken(deployment["state"]);
    if (phase(deployment) != spoken(deployment["state"])) text += ", " + phase(deployment);
    text += "\n";
    for (const auto& excluded : deployment["excluded"].items()) text += words(excluded) + "\n";
    const auto incident = words(deployment["incident"]);
    if (!incident.empty()) {
        text += "why: revertctl explain " + incident + "\nreport: revertctl incident report " + incident + "\n";
    }
    return text;
}

}  // namespace revertd::ctl
