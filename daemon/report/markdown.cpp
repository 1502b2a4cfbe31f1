// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdio>

#include "core/narrate.h"
#include "daemon/report/explain.h"
#include "daemon/report/next_step.h"
#include "daemon/report/report.h"

namespace revertd {

namespace {

/// Nothing from outside becomes markup: text goes on one line, with what Markdown and HTML would read escaped.
std::string plain(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (c == '\n' || c == '\r')
            out += ' ';
        else if (std::string_view("\\`*_[]<>|#").find(c) != std::string_view::npos)
            out += {'\\', c};
        else
            out += c;
    }
    return out;
}

std::string number(double value) {
    if (std::isnan(value)) return "-";
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", value);
    return text;
}

std::string shown(const std::string& text) {
    return text.empty() ? "-" : plain(text);
}

std::string row(const std::string& key, const std::string& value) {
    return "| " + key + " | " + value + " |\n";
}

std::string heading(const ReportInput& in) {
    const std::string service = in.deployment != nullptr ? in.deployment->service : in.incident->service;
    const std::string version = in.incident != nullptr ? in.incident->from : in.deployment->version;
    return "# " + plain(service + " " + version) +
           (in.incident != nullptr ? ": incident " + plain(in.incident->id) : ": bake") + "\n\n";
}

std::string summary(const ReportInput& in) {
    std::string out = "| | |\n|---|---|\n";
    if (const Deployment* d = in.deployment) {
        out += row("Deployment",
                   shown(d->id) + " by " + shown(d->by) + ", " + shown(d->from) + " -> " + shown(d->version));
        out += row("Started", to_rfc3339(d->started_wall) +
                                  (d->first_seen ? ", first seen " + to_rfc3339(d->first_seen_wall) : ", never seen"));
        out += row("Outcome", std::string(to_string(d->state)) +
                                  (d->exit_code ? " (exit code " + std::to_string(*d->exit_code) + ")" : "") +
                                  (d->words.empty() ? "" : ": " + plain(d->words)));
        for (const std::string& power : d->power) out += row("Power", plain(power));
        for (const std::string& excluded : d->excluded) out += row("Excluded", plain(excluded));
    }
    if (const Incident* i = in.incident) {
        out += row("Severity", std::string(to_string(i->severity)));
        out += row("Trigger", shown(i->words));
        if (!i->where.empty()) out += row("Where", plain(i->where));
        out += row("Rollback", shown(i->from) + " -> " + shown(i->to));
        out +=
            row("State", std::string(to_string(i->state)) + (i->gate_words.empty() ? "" : ": " + plain(i->gate_words)));
        const Duration lasted = (i->closed ? *i->closed : i->recovered ? *i->recovered : in.now.at) - i->opened;
        out += row("Duration", to_words(lasted));
        if (!in.link.empty()) out += row("Incident", "<" + in.link + ">");
    }
    if (const std::string next = next_step(in); !next.empty()) out += row("Next", plain(next));
    return out + "\n";
}

/// The plot stands in a block of code, so that it keeps its columns; nothing of it comes from outside.
std::string explanation(const ReportInput& in) {
    std::string out;
    for (const Explanation& one : explain(in)) {
        out += "**" + plain(one.rule) + "**\n\n";
        for (const auto& [name, value] : one.words) out += "- " + name + ": " + plain(value) + "\n";
        if (!one.plot.empty()) out += "\n" + plain(one.drawn) + ":\n\n";
        for (const std::string& line : one.plot) out += "    " + line + "\n";
        out += "\n";
    }
    return out.empty() ? out : "## Why\n\n" + out;
}

std::string numbers(const ReportInput& in) {
    std::string out =
        "## Numbers\n\n| Time (UTC) | Rule | Verdict | Value | Limit | Before | Requests "
        "|\n|---|---|---|---|---|---|---|\n";
    bool any = false;
    for (const Record& r : in.records) {
        const auto* rule = std::get_if<RuleChanged>(&r.fact);
        if (rule == nullptr || (rule->verdict != Verdict::Breach && !rule->holds)) continue;
        any = true;
        const bool odds = is_statistical(*rule);  // of all that it has seen, which is not what one slot had
        out += "| " + to_rfc3339(r.wall) + " | " + plain(rule->text) + " | " +
               (rule->holds ? "holds" : std::string(to_string(rule->verdict))) + " | " +
               (odds ? evidence_words(rule->value) : number(rule->value)) + " | " +
               (odds ? needed_words(rule->limit) : number(rule->limit)) + " | " + number(rule->baseline) + " | " +
               (odds ? "-" : number(rule->requests)) + " |\n";
    }
    return any ? out + "\n" : std::string{};
}

std::string decision(const ReportInput& in) {
    if (in.incident == nullptr) return {};
    std::string out = "## Decision\n\n";
    for (const Record& r : in.records) {
        if (const auto* d = std::get_if<Decided>(&r.fact); d != nullptr && d->incident == in.incident->id) {
            out += "- " + to_rfc3339(r.wall) + " " + plain(d->words) + "\n";
            if (!d->evidence.empty()) out += "  - evidence `" + d->evidence + "`, configuration `" + d->config + "`\n";
        }
        const bool answer = std::holds_alternative<ApprovalGiven>(r.fact) || std::holds_alternative<Answered>(r.fact) ||
                            std::holds_alternative<WaitEnded>(r.fact);
        if (answer) out += "- " + to_rfc3339(r.wall) + " " + plain(narrate(r.fact)) + "\n";
    }
    return out + "\n";
}

std::string steps(const ReportInput& in) {
    if (in.incident == nullptr || in.incident->attempts.empty()) return {};
    std::string out =
        "## Steps\n\n| Attempt | Step | Begun (UTC) | Outcome | Exit | Key |\n|---|---|---|---|---|---|\n";
    for (const Attempted& a : in.incident->attempts)
        out += "| " + std::to_string(a.intent.attempt) + " | " + plain(a.intent.step) + " | " + to_rfc3339(a.wall) +
               " | " + (a.outcome ? std::string(to_string(*a.outcome)) : "unknown") +
               (a.words.empty() ? "" : ": " + plain(a.words)) + " | " + std::to_string(a.exit) + " | `" + a.intent.key +
               "` |\n";
    for (const Attempted& a : in.incident->attempts) {
        if (a.output_tail.empty()) continue;
        out += "\nOutput of " + plain(a.intent.step) + ":\n\n";
        std::string line = "    ";
        for (const char c : a.output_tail) line += c == '\n' ? std::string("\n    ") : std::string(1, c);
        out += line + "\n";
    }
    return out + "\n";
}

std::string verification(const ReportInput& in) {
    if (in.incident == nullptr || !in.incident->verifying_since) return {};
    return "## Verification\n\n" + shown(in.incident->verification_words) + "\n\n";
}

std::string timeline(const ReportInput& in) {
    std::string out = "## Timeline\n\n";
    const WallTime start = in.records.empty() ? WallTime{} : in.records.front().wall;
    for (const Record& r : in.records) {
        const std::string words = narrate(r.fact);
        if (!words.empty())
            out += "- " + to_rfc3339(r.wall) + " (T+" + to_words(r.wall - start) + ") " + plain(words) + "\n";
    }
    return out + "\n";
}

constexpr const char* kToFill =
    "## To be filled in\n\n- [ ] Root cause:\n- [ ] Users affected:\n- [ ] What prevents it next time:\n- [ ] "
    "Follow-ups:\n";

}  // namespace

std::string report_markdown(const ReportInput& in) {
    return heading(in) + summary(in) + explanation(in) + numbers(in) + decision(in) + steps(in) + verification(in) +
           timeline(in) + (in.incident != nullptr ? kToFill : "");
}

}  // namespace revertd
