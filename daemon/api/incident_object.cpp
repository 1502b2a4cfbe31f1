// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "daemon/api/objects.h"

namespace revertd::api {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// What a finding's signal is computed from, as written; of a combination all of its parts.
std::string query_of(const ServiceSettings& settings, const Rule& rule) {
    if (is_of_signal(rule)) return rule.signal < settings.signals.size() ? settings.signals[rule.signal].text : "";
    std::string all;
    for (const std::uint32_t part : rule.parts) {
        const std::string one = query_of(settings, settings.rules[part]);
        if (!one.empty() && all.find(one) == std::string::npos) all += (all.empty() ? "" : "; ") + one;
    }
    return all;
}

std::string query_of(const ServiceSettings* settings, const std::string& rule) {
    if (settings == nullptr) return {};
    for (const Rule& known : settings->rules)
        if (known.text == rule) return query_of(*settings, known);
    return {};
}

void write_finding(JsonText& out, const FoundRule& found, const std::string& query) {
    out.open_object();
    out.put_text("rule", found.rule);
    out.put_number("value", found.value);
    out.put_number("limit", found.limit);
    out.put_text("limit_why", found.limit_why);
    out.put_number("baseline", found.baseline);
    out.put_time("since", found.since == WallTime{} ? std::nullopt : std::optional(found.since));
    out.put_text("words", found.words);
    out.put_text("query", query);
    out.put_text("where", found.where);
    out.open_array("places");
    for (const PlaceShare& place : found.places) {
        out.open_object();
        out.put_text("label", place.label);
        out.put_text("value", place.value);
        out.put_number("share", place.share);
        out.put_number("now", place.now);
        out.put_number("before", place.before);
        out.close_object();
    }
    out.close_array();
    out.close_object();
}

/// The rule that decided first, then whatever else held, with the numbers of then: also of an incident that is closed.
void write_findings(JsonText& out, const Backend& backend, const Incident& i) {
    const Deployment* d = backend.engine().state().deployment(i.deploy);
    const auto settings = d != nullptr && d->settings ? d->settings : judged_settings(backend.engine(), i.service);
    const auto decided = std::find_if(i.findings.begin(), i.findings.end(),
                                      [&](const FoundRule& found) { return found.rule == i.rule; });
    out.open_array("findings");
    if (decided == i.findings.end())  // a trigger or an order: nothing was measured
        write_finding(out, {i.rule, i.words, i.where, kNone, kNone, kNone, i.opened_wall, {}}, {});
    else
        write_finding(out, *decided, query_of(settings.get(), decided->rule));
    for (const FoundRule& found : i.findings)
        if (found.rule != i.rule) write_finding(out, found, query_of(settings.get(), found.rule));
    out.close_array();
}

void write_held_by(JsonText& out, const Incident& i) {
    out.open_array("held_by");
    if (i.state == IncidentState::Held) {
        out.open_object();
        out.put_text("gate", to_string(i.gate));
        out.put_text("reason", i.gate_words);
        out.close_object();
    }
    out.close_array();
}

void write_attempts(JsonText& out, const Incident& i) {
    out.open_array("attempts");
    for (const Attempted& attempt : i.attempts) {
        out.open_object();
        out.put_count("n", static_cast<std::int64_t>(attempt.intent.attempt));
        out.put_text("key", attempt.intent.key);
        out.put_text("step", attempt.intent.step);
        out.put_time("intent_at", attempt.wall);
        out.put_text("outcome", attempt.outcome ? to_string(*attempt.outcome) : "");
        const bool ended = attempt.outcome == StepOutcome::Done || attempt.outcome == StepOutcome::Failed;
        out.put_count("exit", ended ? std::optional(attempt.exit) : std::nullopt);
        out.put_text("words", attempt.words);
        out.put_text("output_tail", attempt.output_tail);
        out.put_flag("exhausted", attempt.intent.exhausted);
        out.close_object();
    }
    out.close_array();
}

const char* outcome_of(const Incident& i) {
    if (i.recovered) return "recovered";
    return i.verification_words.empty() ? "" : "not_recovered";
}

void write_verification(JsonText& out, const Backend& backend, const Incident& i) {
    if (!i.verifying_since) return out.put_null("verification");
    const Deployment* d = backend.engine().state().deployment(i.deploy);
    const auto settings = d != nullptr && d->settings ? d->settings : judged_settings(backend.engine(), i.service);
    out.open_object("verification");
    out.put_time("since", wall_of(backend.now(), *i.verifying_since));
    out.put_seconds("clear_for", settings ? std::optional(settings->verify.clear_for) : std::nullopt);
    out.put_text("outcome", outcome_of(i));
    out.put_text("words", i.verification_words);
    out.close_object();
}

void write_timeline(JsonText& out, const Incident& i) {
    out.open_array("timeline");
    for (const TimelineEntry& entry : i.timeline) {
        out.open_object();
        out.put_time("at", entry.wall);
        out.put_text("what", entry.what);
        out.put_text("words", entry.words);
        out.close_object();
    }
    out.close_array();
}

/// Answers of people that are no approvals.
void write_answers(JsonText& out, const Backend& backend, const Incident& i) {
    out.put_text("by", i.by);
    out.put_text("taken_by", i.taken_by);
    out.put_text("acked_by", i.acked_by);
    out.put_text("label", i.label);
    out.open_array("answers");
    for (const Given& given : i.answers) {
        out.open_object();
        out.put_text("answer", given.answer);
        out.put_text("by", given.by);
        out.put_time("at", given.at);
        out.put_text("reason", given.reason);
        out.close_object();
    }
    out.close_array();
    out.put_time("hold_until", i.hold_until ? std::optional(wall_of(backend.now(), *i.hold_until)) : std::nullopt);
}

}  // namespace

void write_approval(JsonText& out, const Backend& backend, const Incident* i) {
    if (i == nullptr || !i->approval) return out.put_null("approval");
    out.open_object("approval");
    out.put_text("role", i->approval->role);
    out.put_count("quorum", static_cast<std::int64_t>(i->approval->quorum));
    out.open_array("given");
    for (const Given& given : i->approval->given) {
        out.open_object();
        out.put_text("by", given.by);
        out.put_time("at", given.at);
        out.put_text("reason", given.reason);
        out.close_object();
    }
    out.close_array();
    out.put_time("until", wall_of(backend.now(), i->approval->until));
    out.close_object();
}

void write_incident(JsonText& out, const Backend& backend, const Incident& i) {
    out.open_object();
    out.put_text("id", i.id);
    out.put_text("service", i.service);
    out.put_text("deployment", i.deploy);
    out.put_text("severity", to_string(i.severity));
    out.put_text("state", to_string(i.state));
    write_held_by(out, i);
    out.put_time("opened", i.opened_wall);
    out.put_time("closed", i.closed ? std::optional(i.closed_wall) : std::nullopt);
    out.put_text("from", i.from);
    out.put_text("to", i.to);
    out.put_text("reason", i.words);
    out.put_text("cause", to_string(i.reason));
    write_findings(out, backend, i);
    write_approval(out, backend, &i);
    write_attempts(out, i);
    write_verification(out, backend, i);
    write_answers(out, backend, i);
    write_timeline(out, i);
    out.close_object();
}

}  // namespace revertd::api
