// SPDX-License-Identifier: Apache-2.0
#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>

#include <cmath>
#include <map>

#include "core/narrate.h"
#include "daemon/report/report.h"

namespace revertd {

namespace {

using Writer = rapidjson::PrettyWriter<rapidjson::StringBuffer>;

void text(Writer& out, const char* key, const std::string& value) {
    out.Key(key);
    if (value.empty())
        out.Null();
    else
        out.String(value);
}

void number(Writer& out, const char* key, double value) {
    out.Key(key);
    if (std::isfinite(value))
        out.Double(value);
    else
        out.Null();
}

void deployment(Writer& out, const Deployment& d) {
    out.Key("deployment");
    out.StartObject();
    text(out, "id", d.id), text(out, "service", d.service), text(out, "version", d.version), text(out, "from", d.from);
    text(out, "by", d.by), text(out, "state", std::string(to_string(d.state))), text(out, "reason", d.words);
    text(out, "started", to_rfc3339(d.started_wall)),
        text(out, "first_seen", d.first_seen ? to_rfc3339(d.first_seen_wall) : "");
    text(out, "finished", d.finished ? to_rfc3339(d.finished_wall) : "");
    const auto texts = [&out](const char* key, const std::vector<std::string>& all) {
        out.Key(key);
        out.StartArray();
        for (const std::string& one : all) out.String(one);
        out.EndArray();
    };
    texts("power", d.power), texts("excluded", d.excluded);
    out.Key("exit_code");
    if (d.exit_code)
        out.Int(*d.exit_code);
    else
        out.Null();
    out.EndObject();
}

void attempts(Writer& out, const Incident& i) {
    out.Key("attempts");
    out.StartArray();
    for (const Attempted& a : i.attempts) {
        out.StartObject();
        out.Key("n");
        out.Int(a.intent.attempt);
        text(out, "key", a.intent.key), text(out, "step", a.intent.step), text(out, "intent_at", to_rfc3339(a.wall));
        text(out, "outcome", a.outcome ? std::string(to_string(*a.outcome)) : ""), text(out, "words", a.words);
        out.Key("exit");
        out.Int(a.exit);
        text(out, "output_tail", a.output_tail);
        out.EndObject();
    }
    out.EndArray();
}

void answers(Writer& out, const Incident& i) {
    out.Key("answers");
    out.StartArray();
    const auto answer = [&](const std::string& what, const Given& given) {
        out.StartObject();
        text(out, "answer", what), text(out, "by", given.by), text(out, "at", to_rfc3339(given.at));
        text(out, "reason", given.reason);
        out.EndObject();
    };
    if (i.approval)
        for (const Given& given : i.approval->given) answer("approve", given);
    for (const Given& given : i.answers) answer(given.answer, given);
    out.EndArray();
}

void incident(Writer& out, const Incident& i, const std::string& link) {
    out.Key("incident");
    out.StartObject();
    text(out, "id", i.id), text(out, "service", i.service), text(out, "deployment", i.deploy);
    text(out, "severity", std::string(to_string(i.severity))), text(out, "state", std::string(to_string(i.state)));
    text(out, "opened", to_rfc3339(i.opened_wall)), text(out, "closed", i.closed ? to_rfc3339(i.closed_wall) : "");
    text(out, "from", i.from), text(out, "to", i.to), text(out, "reason", i.words), text(out, "rule", i.rule);
    text(out, "where", i.where);
    text(out, "decision", i.decided ? i.decided->words : ""), text(out, "verification", i.verification_words);
    text(out, "link", link);
    answers(out, i);
    attempts(out, i);
    out.EndObject();
}

/// Every rule of the guard as it was last reported, and whether it ever held.
void rules(Writer& out, const std::vector<Record>& records) {
    std::map<std::pair<std::uint32_t, std::string>, std::pair<const RuleChanged*, bool>> last;
    for (const Record& r : records) {
        const auto* rule = std::get_if<RuleChanged>(&r.fact);
        if (rule == nullptr || rule->severity == Severity::None) continue;
        auto& [newest, held] = last[{rule->rule, rule->text}];
        newest = rule;
        held = held || rule->holds;
    }
    out.Key("rules");
    out.StartArray();
    for (const auto& [key, entry] : last) {
        const auto& [rule, held] = entry;
        out.StartObject();
        text(out, "severity", std::string(to_string(rule->severity))), text(out, "text", rule->text);
        text(out, "verdict", std::string(to_string(rule->verdict)));
        out.Key("held");
        out.Bool(held);
        text(out, "words", rule->words);
        out.EndObject();
    }
    out.EndArray();
}

void findings(Writer& out, const std::vector<Record>& records) {
    out.Key("findings");
    out.StartArray();
    for (const Record& r : records) {
        const auto* rule = std::get_if<RuleChanged>(&r.fact);
        if (rule == nullptr || (rule->verdict != Verdict::Breach && !rule->holds)) continue;
        out.StartObject();
        text(out, "at", to_rfc3339(r.wall)), text(out, "rule", rule->text), text(out, "words", rule->words);
        number(out, "value", rule->value), number(out, "limit", rule->limit), number(out, "baseline", rule->baseline);
        text(out, "limit_why", rule->limit_why);
        out.Key("holds");
        out.Bool(rule->holds);
        out.EndObject();
    }
    out.EndArray();
}

void timeline(Writer& out, const std::vector<Record>& records) {
    out.Key("timeline");
    out.StartArray();
    for (const Record& r : records) {
        const std::string words = narrate(r.fact);
        if (words.empty()) continue;
        out.StartObject();
        text(out, "at", to_rfc3339(r.wall)), text(out, "what", name_of(r.fact)), text(out, "words", words);
        out.EndObject();
    }
    out.EndArray();
}

}  // namespace

std::string report_json(const ReportInput& in) {
    rapidjson::StringBuffer buffer;
    Writer out(buffer);
    out.SetIndent(' ', 2);
    out.StartObject();
    if (in.deployment != nullptr) deployment(out, *in.deployment);
    if (in.incident != nullptr) incident(out, *in.incident, in.link);
    rules(out, in.records);
    findings(out, in.records);
    timeline(out, in.records);
    out.EndObject();
    return std::string(buffer.GetString()) + "\n";
}

}  // namespace revertd
