// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/objects.h"

namespace revertd::api {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// What a finding's signal is computed from, as written.
std::string query_of(const ServiceSettings* settings, std::uint32_t index) {
    if (settings == nullptr || index >= settings->rules.size()) return {};
    const Rule& rule = settings->rules[index];
    const bool of_signals = is_of_signal(rule);
    return of_signals && rule.signal < settings->signals.size() ? settings->signals[rule.signal].text : std::string();
}

void write_finding(JsonText& out, const Backend& backend, const RuleNow& rule, const std::string& query) {
    out.open_object();
    out.put_text("rule", rule.text);
    out.put_number("value", rule.value);
    out.put_number("limit", rule.limit);
    out.put_number("baseline", rule.baseline);
    out.put_time("since", rule.since == Time{} ? std::nullopt : std::optional(wall_of(backend.now(), rule.since)));
    out.put_text("words", rule.words);
    out.put_text("query", query);
    out.put_text("where", rule.where);
    out.open_array("places");
    for (const PlaceShare& place : rule.places) {
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

/// The rule that decided, and whatever else holds. Once the version was changed, the numbers are in the words alone.
void write_findings(JsonText& out, const Backend& backend, const Incident& i) {
    const ServiceState* service = backend.engine().state().service(i.service);
    const auto settings = judged_settings(backend.engine(), i.service);
    const bool current = service != nullptr && service->incident == i.id && !i.verifying_since;
    bool decided = false;
    out.open_array("findings");
    for (const auto& [index, rule] : current ? service->rules : std::map<std::uint32_t, RuleNow>{}) {
        if (!rule.holds && rule.text != i.rule) continue;
        decided = decided || rule.text == i.rule;
        write_finding(out, backend, rule, query_of(settings.get(), index));
    }
    if (!decided) {
        RuleNow told;
        told.text = i.rule, told.words = i.words, told.where = i.where;
        told.value = told.limit = told.baseline = kNone;
        write_finding(out, backend, told, {});
    }
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
    out.put_time("hold_until", i.hold_until ? std::optional(wall_of(backend.now(), *i.hold_until)) : std::nullopt);
}

}  // namespace

void write_approval(JsonText& out, const Backend& backend, const Incident* i) {
    if (i == nullptr || !i->approval) return out.put_null("approval");
    out.open_object("approval");
    out.put_text("role", i->approval->role);
    out.put_count("quorum", static_cast<std::int64_t>(i->approval->quorum));
    out.open_array("given");
    for (const auto& [by, at] : i->approval->given) {
        out.open_object();
        out.put_text("by", by);
        out.put_time("at", at);
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
