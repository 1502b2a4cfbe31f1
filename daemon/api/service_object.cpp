// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/hours_end.h"
#include "core/policy.h"
#include "daemon/api/objects.h"

namespace revertd::api {
namespace {

const char* words(Mode mode) {
    switch (mode) {
        case Mode::Observe:
            return "observe";
        case Mode::Recommend:
            return "recommend";
        case Mode::Enforce:
            return "enforce";
    }
    return "observe";
}

/// The newest version that somebody, or a bake, has found good.
std::string good_version(const ServiceState* service) {
    if (service == nullptr) return {};
    const auto is_good = [](const LedgerEntry& entry) { return entry.standing == Standing::Good; };
    const auto found = std::find_if(service->ledger.rbegin(), service->ledger.rend(), is_good);
    return found == service->ledger.rend() ? std::string() : found->version;
}

/// S1: while no version is good, the one that is watched for it.
void write_adopting(JsonText& out, const Backend& backend, const ServiceState* service) {
    if (service == nullptr || !service->adopting_since) return out.put_null("adopting");
    out.open_object("adopting");
    out.put_text("version", service->adopting);
    out.put_time("since", wall_of(backend.now(), *service->adopting_since));
    out.put_text("words", service->adopting_words);
    out.close_object();
}

void write_guard(JsonText& out, const Backend& backend, const ServiceState* service) {
    const Deployment* guard = service != nullptr ? backend.engine().state().deployment(service->guard) : nullptr;
    if (guard == nullptr) return out.put_null("guard");
    out.open_object("guard");
    out.put_text("id", guard->id);
    out.put_text("version", guard->version);
    out.put_text("state", to_string(shown_state(backend, *guard)));
    out.put_text("phase_words", phase_words(backend, *guard));
    out.close_object();
}

void write_last_incident(JsonText& out, const State& state, const std::string& service) {
    const Incident* last = nullptr;
    for (const auto& [id, incident] : state.incidents)
        if (incident.service == service && (last == nullptr || incident.opened > last->opened)) last = &incident;
    if (last == nullptr) return out.put_null("last_incident");
    out.open_object("last_incident");
    out.put_text("id", last->id);
    out.put_text("severity", to_string(last->severity));
    out.put_text("state", to_string(last->state));
    out.put_time("opened", last->opened_wall);
    out.close_object();
}

/// Who should know which version runs, and does not say so.
void write_silence(JsonText& out, const Backend& backend, const std::string& service) {
    const auto silence = backend.engine().version_silence(service);
    if (!silence) return out.put_null("live_unknown");
    out.open_object("live_unknown");
    out.put_time("since", wall_of(backend.now(), silence->since));
    out.put_text("words", silence->words);
    out.close_object();
}

/// S27: hours in which everything asks. Those of an open guard's configuration hold as well as the current ones.
void write_ask_only(JsonText& out, const Backend& backend, const std::string& service) {
    const Engine& engine = backend.engine();
    const auto current = engine.settings() != nullptr ? engine.settings()->find(service) : nullptr;
    const auto judged = judged_settings(engine, service);
    const WallTime now = backend.now().wall;
    const Hours* hours = ask_only_hours(judged.get(), current.get(), now);
    std::optional<WallTime> until;
    for (const auto& settings : {judged, current})
        if (const auto end = settings ? end_of(settings->ask_only, now) : std::nullopt)
            until = std::max(*end, until.value_or(*end));
    out.put_flag("ask_only", hours != nullptr);
    out.put_text("ask_only_why", hours != nullptr ? hours->text : std::string());
    out.put_time("ask_only_until", until);
}

/// S14: what holds outside of guards, as people were told.
void write_steady(JsonText& out, const ServiceState* service) {
    out.open_array("steady");
    for (const auto& [rule, now] : service != nullptr ? service->steady : std::map<std::string, SteadyNow>{}) {
        out.open_object();
        out.put_text("rule", rule);
        out.put_text("severity", to_string(now.severity));
        out.put_number("value", now.value);
        out.put_number("limit", now.limit);
        out.put_number("baseline", now.baseline);
        out.put_time("since", now.since_wall);
        out.put_text("words", now.words);
        out.close_object();
    }
    out.close_array();
}

}  // namespace

void write_halted(JsonText& out, bool halted, const std::string& by) {
    const std::size_t colon = by.find(": ");  // no name of a user has one
    out.put_flag("halted", halted);
    out.put_text("halted_by", halted ? by.substr(0, colon) : std::string());
    out.put_text("halted_why", halted && colon != std::string::npos ? by.substr(colon + 2) : std::string());
}

void write_service(JsonText& out, const Backend& backend, const std::string& name) {
    const Engine& engine = backend.engine();
    const ServiceState* service = engine.state().service(name);
    const auto settings = engine.settings() != nullptr ? engine.settings()->find(name) : nullptr;
    const std::string why_not = engine.why_not_ready(name);
    out.open_object();
    out.put_text("name", name);
    out.put_text("mode", settings ? words(settings->mode) : "");
    out.put_text("live", service != nullptr ? service->live : std::string());
    write_silence(out, backend, name);
    out.put_text("good", good_version(service));
    write_adopting(out, backend, service);
    out.put_flag("ready_to_rollback", why_not.empty());
    out.put_text("why_not", why_not);
    write_halted(out, service != nullptr && service->halted, service != nullptr ? service->halted_by : std::string());
    write_frozen(out, backend, name);
    write_ask_only(out, backend, name);
    write_guard(out, backend, service);
    write_last_incident(out, engine.state(), name);
    write_steady(out, service);
    write_signals(out, backend, name);
    out.close_object();
}

}  // namespace revertd::api
