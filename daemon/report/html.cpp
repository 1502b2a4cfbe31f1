// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdio>
#include <map>

#include "core/narrate.h"
#include "daemon/report/explain.h"
#include "daemon/report/next_step.h"
#include "daemon/report/plot.h"
#include "daemon/report/report.h"

namespace revertd {

namespace {

constexpr const char* kStyle =
    "<style>\n"
    ":root{color-scheme:light dark;--ink:#1a1a1a;--paper:#fff;--line:#bbb;--bad:#b3261e;--quiet:#5f5f5f}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#eee;--paper:#161616;--line:#555;--bad:#ff8a80;--quiet:#aaa}}\n"
    "body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;margin:1rem "
    "auto;padding:0 1rem}\n"
    "table{border-collapse:collapse;width:100%;display:block;overflow-x:auto}td,th{border-bottom:1px solid "
    "var(--line);padding:.3rem .6rem;text-align:left;vertical-align:top}\n"
    "pre{overflow-x:auto;border:1px solid var(--line);padding:.6rem}time{color:var(--quiet);white-space:nowrap}\n"
    "svg{width:100%;height:auto;font-size:11px;fill:var(--ink)}path{fill:none;stroke-width:1.5}\n"
    ".value{stroke:var(--ink)}.limit{stroke:var(--bad);stroke-dasharray:5 3}.mark{stroke:var(--line)}\n"
    "@media print{body{max-width:none}details{display:block}}\n"
    "</style>\n";

std::string number(double value) {
    if (!std::isfinite(value)) return "-";
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", value);
    return text;
}

std::string shown(const std::string& text) {
    return text.empty() ? "-" : html_text(text);
}

std::string when(WallTime at) {
    const std::string text = to_rfc3339(at);
    return "<time datetime=\"" + text + "\">" + text + "</time>";
}

/// Cells are HTML already.
std::string row(const std::vector<std::string>& cells, const char* tag = "td") {
    std::string out = "<tr>";
    for (const std::string& cell : cells) out += std::string("<") + tag + ">" + cell + "</" + tag + ">";
    return out + "</tr>\n";
}

std::string section(const char* title, const std::string& body) {
    return body.empty() ? body : "<h2>" + std::string(title) + "</h2>\n" + body;
}

std::string table(const std::vector<std::string>& head, const std::string& rows) {
    return rows.empty() ? rows : "<table>\n" + (head.empty() ? "" : row(head, "th")) + rows + "</table>\n";
}

std::string title_of(const ReportInput& in) {
    const std::string service = in.deployment != nullptr ? in.deployment->service : in.incident->service;
    const std::string version = in.incident != nullptr ? in.incident->from : in.deployment->version;
    return service + " " + version + (in.incident != nullptr ? ": incident " + in.incident->id : ": bake");
}

std::string summary(const ReportInput& in) {
    std::string rows;
    if (const Deployment* d = in.deployment) {
        rows += row(
            {"Deployment", shown(d->id) + " by " + shown(d->by) + ", " + shown(d->from) + " → " + shown(d->version)});
        rows += row({"Started", when(d->started_wall) +
                                    (d->first_seen ? ", first seen " + when(d->first_seen_wall) : ", never seen")});
        rows += row({"Outcome", std::string(to_string(d->state)) +
                                    (d->exit_code ? " (exit code " + std::to_string(*d->exit_code) + ")" : "") +
                                    (d->words.empty() ? "" : ": " + html_text(d->words))});
        for (const std::string& power : d->power) rows += row({"Power", html_text(power)});
        for (const std::string& excluded : d->excluded) rows += row({"Excluded", html_text(excluded)});
    }
    if (const Incident* i = in.incident) {
        rows += row({"Severity", std::string(to_string(i->severity))});
        rows += row({"Trigger", shown(i->words)});
        if (!i->where.empty()) rows += row({"Where", html_text(i->where)});
        rows += row({"Rollback", shown(i->from) + " → " + shown(i->to)});
        rows += row({"State", std::string(to_string(i->state)) +
                                  (i->gate_words.empty() ? "" : ": " + html_text(i->gate_words))});
        const Duration lasted = (i->closed ? *i->closed : i->recovered ? *i->recovered : in.now.at) - i->opened;
        rows += row({"Duration", to_words(lasted)});
        if (!in.link.empty()) rows += row({"Incident", shown(in.link)});
    }
    if (const std::string next = next_step(in); !next.empty()) rows += row({"Next", html_text(next)});
    return table({}, rows);
}

/// The plot is of characters of our own: so it stands where no script and no picture may.
std::string why(const ReportInput& in) {
    std::string out;
    for (const Explanation& one : explain(in)) {
        std::string rows, drawn;
        for (const auto& [name, value] : one.words) rows += row({name, html_text(value)});
        for (const std::string& line : one.plot) drawn += line + "\n";
        out += "<h3>" + html_text(one.rule) + "</h3>\n" + table({}, rows);
        if (!drawn.empty()) out += "<p>" + html_text(one.drawn) + ":</p>\n<pre>" + html_text(drawn) + "</pre>\n";
    }
    return out;
}

bool is_bad(const RuleChanged& rule) {
    return rule.verdict == Verdict::Breach || rule.holds;
}

/// What people look for on the time axis.
std::vector<Plot::Mark> marks_of(const std::vector<Record>& records) {
    std::vector<Plot::Mark> marks;
    for (const Record& r : records) {
        if (std::holds_alternative<FirstSeen>(r.fact)) marks.push_back({r.wall, "seen"});
        if (std::holds_alternative<IncidentOpened>(r.fact)) marks.push_back({r.wall, "incident"});
        if (std::holds_alternative<Intent>(r.fact)) marks.push_back({r.wall, "rollback"});
        if (std::holds_alternative<VerificationStarted>(r.fact)) marks.push_back({r.wall, "restored"});
    }
    return marks;
}

/// One for each rule that was ever breached, of the values that the journal has: those of every change.
std::string plots(const ReportInput& in) {
    std::map<std::string, std::pair<Plot, bool>> by_rule;
    for (const Record& r : in.records) {
        const auto* rule = std::get_if<RuleChanged>(&r.fact);
        if (rule == nullptr || is_statistical(*rule)) continue;  // evidence leaps: "why" draws the signal
        auto& [plot, bad] = by_rule[rule->text];
        plot.points.push_back({r.wall, rule->value, rule->limit});
        bad = bad || is_bad(*rule);
    }
    std::string out;
    for (auto& [text, entry] : by_rule) {
        auto& [plot, bad] = entry;
        if (!bad) continue;
        plot.title = text + ", as it was reported";
        plot.from = in.records.front().wall;
        plot.to = in.records.back().wall;
        plot.marks = marks_of(in.records);
        const std::string svg = to_svg(plot);
        if (!svg.empty()) out += "<h3>" + html_text(text) + "</h3>\n" + svg;
    }
    return out;
}

std::string numbers(const ReportInput& in) {
    std::string rows;
    for (const Record& r : in.records) {
        const auto* rule = std::get_if<RuleChanged>(&r.fact);
        if (rule == nullptr || !is_bad(*rule)) continue;
        const bool odds = is_statistical(*rule);  // of all that it has seen, which is not what one slot had
        rows += row({when(r.wall), html_text(rule->text), rule->holds ? "holds" : std::string(to_string(rule->verdict)),
                     odds ? evidence_words(rule->value) : number(rule->value),
                     odds ? needed_words(rule->limit) : number(rule->limit), number(rule->baseline),
                     odds ? "-" : number(rule->requests)});
    }
    return table({"Time (UTC)", "Rule", "Verdict", "Value", "Limit", "Before", "Requests"}, rows);
}

std::string decision(const ReportInput& in) {
    if (in.incident == nullptr) return {};
    std::string items;
    for (const Record& r : in.records) {
        const auto* decided = std::get_if<Decided>(&r.fact);
        const bool ours = decided != nullptr && decided->incident == in.incident->id;
        const bool answer = std::holds_alternative<ApprovalGiven>(r.fact) || std::holds_alternative<Answered>(r.fact) ||
                            std::holds_alternative<WaitEnded>(r.fact);
        if (!ours && !answer) continue;
        items += "<li>" + when(r.wall) + " " + html_text(ours ? decided->words : narrate(r.fact));
        if (ours && !decided->evidence.empty())
            items += "<br>evidence <code>" + html_text(decided->evidence) + "</code>, configuration <code>" +
                     html_text(decided->config) + "</code>";
        items += "</li>\n";
    }
    return items.empty() ? items : "<ul>\n" + items + "</ul>\n";
}

std::string steps(const ReportInput& in) {
    if (in.incident == nullptr) return {};
    std::string rows, outputs;
    for (const Attempted& a : in.incident->attempts) {
        rows += row({std::to_string(a.intent.attempt), html_text(a.intent.step), when(a.wall),
                     (a.outcome ? std::string(to_string(*a.outcome)) : "unknown") +
                         (a.words.empty() ? "" : ": " + html_text(a.words)),
                     std::to_string(a.exit), "<code>" + html_text(a.intent.key) + "</code>"});
        if (!a.output_tail.empty())
            outputs +=
                "<p>Output of " + html_text(a.intent.step) + ":</p>\n<pre>" + html_text(a.output_tail) + "</pre>\n";
    }
    return table({"Attempt", "Step", "Begun (UTC)", "Outcome", "Exit", "Key"}, rows) + outputs;
}

std::string verification(const ReportInput& in) {
    if (in.incident == nullptr || !in.incident->verifying_since) return {};
    return "<p>" + shown(in.incident->verification_words) + "</p>\n";
}

std::string timeline(const ReportInput& in) {
    std::string rows;
    const WallTime start = in.records.empty() ? WallTime{} : in.records.front().wall;
    for (const Record& r : in.records) {
        const std::string words = narrate(r.fact);
        if (!words.empty()) rows += row({when(r.wall), "T+" + to_words(r.wall - start), html_text(words)});
    }
    return table({}, rows);
}

constexpr const char* kToFill =
    "<ul>\n<li>☐ Root cause:</li>\n<li>☐ Users affected:</li>\n<li>☐ What prevents it next time:</li>\n"
    "<li>☐ Follow-ups:</li>\n</ul>\n";

}  // namespace

std::string report_html(const ReportInput& in) {
    const std::string title = html_text(title_of(in));
    return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
           "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>" +
           title + "</title>\n" + kStyle + "</head><body>\n<h1>" + title + "</h1>\n" + summary(in) +
           section("Why", why(in)) + section("Plots", plots(in)) + section("Numbers", numbers(in)) +
           section("Decision", decision(in)) + section("Steps", steps(in)) + section("Verification", verification(in)) +
           section("Timeline", timeline(in)) +
           (in.incident != nullptr ? section("To be filled in", kToFill) : std::string()) + "</body></html>\n";
}

}  // namespace revertd
