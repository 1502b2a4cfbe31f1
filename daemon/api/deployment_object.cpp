// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iterator>

#include "core/known_services.h"
#include "daemon/api/objects.h"

namespace revertd::api {
namespace {

constexpr Duration kResolversAnswerBy = 10s;  // of a guard: they are asked when it opens, and may take their time

const Incident* open_incident(const State& state, const Deployment& d) {
    const Incident* incident = state.incident(d.incident);
    return incident != nullptr && incident->open() ? incident : nullptr;
}

/// The first rule, the worst severity first, for which `is` is true of what the Judge says.
template <class F>
const Rule* first_rule(const ServiceSettings* settings, const std::optional<JudgeView>& view, F is) {
    if (settings == nullptr || !view) return nullptr;
    const Rule* first = nullptr;
    for (const RuleChange& change : view->rules) {
        if (change.rule >= settings->rules.size() || !is(change)) continue;
        const Rule& rule = settings->rules[change.rule];
        if (rule.severity != Severity::None && (first == nullptr || worse(rule.severity, first->severity)))
            first = &rule;
    }
    return first;
}

bool is_breached(const RuleChange& change) {
    return change.verdict == Verdict::Breach;
}

std::string incident_phase(const Incident& incident) {
    const std::string what = incident.id + " " + std::string(to_string(incident.severity)) + ": ";
    switch (incident.state) {
        case IncidentState::Watching:
            return what + "watched";
        case IncidentState::Deciding:
            return what + "being decided";
        case IncidentState::AwaitingApproval:
            return what + "waits for an approval to roll back to " + incident.to;
        case IncidentState::Held:
            return what + "held: " + incident.gate_words;
        case IncidentState::Acting:
            return what + "rolling back to " + incident.to;
        case IncidentState::Verifying:
            return what + "verifying " + incident.to;
        case IncidentState::Recovered:
            return what + "recovered";
        case IncidentState::NotRecovered:
            return what + "not recovered";
        case IncidentState::Escalated:
            return what + "escalated to people";
        case IncidentState::Closed:
            return what + "closed";
    }
    return what;
}

std::string judged_phase(const Backend& backend, const Deployment& d) {
    const auto settings = judged_settings(backend.engine(), d.service);
    const auto view = backend.view(d.service);
    const bool warms_up = d.first_seen && settings && backend.now().at < *d.first_seen + settings->warmup;
    if (const Rule* rule = first_rule(settings.get(), view, is_breached)) return "suspected: " + rule->text;
    const auto cannot_see = [](const RuleChange& c) { return is_blind(c.verdict) && !c.never_there; };
    if (const Rule* rule = first_rule(settings.get(), view, cannot_see); rule != nullptr && !warms_up)
        return "cannot see: " + rule->text;
    if (warms_up) return "warming up";
    const auto is_ok = [](const RuleChange& c) { return c.verdict == Verdict::Ok; };
    return first_rule(settings.get(), view, is_ok) != nullptr ? "healthy" : "too little data to judge";
}

void write_health(JsonText& out, const Backend& backend, const Deployment& d) {
    const auto view = backend.view(d.service);
    if (!view || !d.open()) return out.put_null("health");
    const ServiceState* service = backend.engine().state().service(d.service);
    out.open_object("health");
    out.put_count("up", static_cast<std::int64_t>(view->up));
    out.put_count("total", static_cast<std::int64_t>(view->targets));
    out.put_text("words", service != nullptr ? service->health_words : std::string());
    out.close_object();
}

void write_meta(JsonText& out, const Deployment& d) {
    out.open_object("meta");
    for (const auto& [key, value] : d.meta) out.put_text(key, value);
    out.close_object();
}

void write_texts(JsonText& out, const char* key, const std::vector<std::string>& texts) {
    out.open_array(key);
    for (const std::string& text : texts) out.add_text(text);
    out.close_array();
}

/// S8: a deploy over one that somebody was asked about; nothing if nobody was.
std::string waiting_incident(const State& state, const Deployment& d) {
    const ServiceState* service = state.service(d.service);
    const Deployment* older = service != nullptr && service->guard == d.id ? state.deployment(service->older) : nullptr;
    const Incident* incident = older != nullptr ? open_incident(state, *older) : nullptr;
    if (incident == nullptr) return {};
    return "incident " + incident->id + " of " + older->version + " waits until " + d.version +
           " is seen, and asks again if it is not; only a P0 acts meanwhile";
}

/// Rules that somebody wrote about a signal that nobody shows: such a bake cannot pass, and whoever deploys can still
/// mend it. One sentence a signal.
std::vector<std::string> never_there_words(const Backend& backend, const Deployment& d) {
    const auto settings = judged_settings(backend.engine(), d.service);
    const auto view = backend.view(d.service);
    std::vector<std::string> words;
    std::vector<std::uint32_t> told;
    if (!settings || !view) return words;
    for (const RuleChange& change : view->rules) {
        if (!change.never_there || change.rule >= settings->rules.size()) continue;
        const Rule& rule = settings->rules[change.rule];
        if (rule.from_default_guard || std::ranges::find(told, rule.signal) != told.end()) continue;
        told.push_back(rule.signal);
        words.push_back("`" + rule.text + "` cannot be judged, " + change.words);
    }
    return words;
}

/// What is not known, and should be, while the guard is open, and what it keeps waiting.
std::vector<std::string> warnings_of(const Backend& backend, const Deployment& d) {
    if (!d.open()) return {};
    const bool asked = backend.now().at - d.started >= kResolversAnswerBy;
    std::vector<std::string> warnings = asked ? backend.engine().silent_resolvers(d) : std::vector<std::string>{};
    if (const auto silence = backend.engine().version_silence(d.service))
        warnings.insert(warnings.begin(), silence->words);
    if (std::string waiting = waiting_incident(backend.engine().state(), d); !waiting.empty())
        warnings.push_back(std::move(waiting));
    std::ranges::move(never_there_words(backend, d), std::back_inserter(warnings));
    return warnings;
}

/// How far the bake is, and what comes next; unknown while the new version was not seen.
void write_progress(JsonText& out, const Backend& backend, const Deployment& d) {
    const Time now = d.finished.value_or(backend.now().at);
    const auto ends = Engine::bake_ends(d);
    const auto ends_wall = ends ? std::optional(d.started_wall + (*ends - d.started)) : std::nullopt;
    const Duration elapsed = d.first_seen ? std::max(Duration{}, now - *d.first_seen) : Duration{};
    out.put_seconds("bake", d.settings ? std::optional(d.settings->bake) : std::nullopt);
    out.put_time("bake_ends", ends_wall);
    out.put_seconds("elapsed", elapsed);
    out.put_seconds("remaining", ends && d.open() ? std::optional(std::max(Duration{}, *ends - now)) : std::nullopt);
    const auto next = d.open() ? backend.next_check(d.service) : std::nullopt;
    out.put_seconds("next_check", next ? std::optional(std::max(Duration{}, *next - now)) : std::nullopt);
    out.put_text("phase_words", d.open() ? phase_words(backend, d) : std::string());
    out.put_text("verdict_words", d.words);
    write_texts(out, "power", d.power);
    write_texts(out, "excluded", d.excluded);
    write_texts(out, "warnings", warnings_of(backend, d));
}

}  // namespace

DeployState shown_state(const Backend& backend, const Deployment& d) {
    if (d.state != DeployState::Baking) return d.state;
    const auto settings = judged_settings(backend.engine(), d.service);
    const bool breached = first_rule(settings.get(), backend.view(d.service), is_breached) != nullptr;
    return breached ? DeployState::Suspected : d.state;
}

std::string phase_words(const Backend& backend, const Deployment& d) {
    const State& state = backend.engine().state();
    const ServiceState* service = state.service(d.service);
    if (const Incident* incident = open_incident(state, d)) return incident_phase(*incident);
    if (service != nullptr && service->older == d.id) return "waits for deploy " + service->guard;
    if (!d.first_seen) {
        const auto silence = backend.engine().version_silence(d.service);
        return "waiting to see " + d.version + (silence ? "; " + silence->words : std::string());
    }
    return judged_phase(backend, d);
}

Error no_service(const Backend& backend, const std::string& service) {
    return {ErrorCode::NotFound, "no service " + service, known_services(backend.engine().settings(), service)};
}

bool was_ever_known(const Backend& backend, const std::string& service) {
    const Settings* settings = backend.engine().settings();
    const bool configured = settings != nullptr && settings->services.contains(service);
    return configured || backend.engine().state().service(service) != nullptr;
}

void write_deployment(JsonText& out, const Backend& backend, const Deployment& d) {
    out.open_object();
    out.put_text("id", d.id);
    out.put_text("service", d.service);
    out.put_text("version", d.version);
    out.put_text("from", d.from);
    out.put_text("by", d.by);
    out.put_text("migration", d.migration);
    write_meta(out, d);
    out.put_text("state", to_string(shown_state(backend, d)));
    out.put_count("exit_code", d.exit_code);
    out.put_time("started", d.started_wall);
    out.put_time("first_seen", d.first_seen ? std::optional(d.first_seen_wall) : std::nullopt);
    out.put_time("finished", d.finished ? std::optional(d.finished_wall) : std::nullopt);
    out.put_text("incident", d.incident);
    out.put_text("report", d.incident.empty() ? "" : "/api/v1/incidents/" + d.incident + "/report.md");
    write_progress(out, backend, d);
    write_health(out, backend, d);
    if (d.open()) {
        write_signals(out, backend, d.service);
    } else {
        out.open_array("signals");
        out.close_array();
    }
    write_approval(out, backend, open_incident(backend.engine().state(), d));
    out.close_object();
}

}  // namespace revertd::api
