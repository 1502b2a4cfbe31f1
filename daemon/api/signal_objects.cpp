// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>

#include "core/well_known.h"
#include "daemon/api/objects.h"

namespace revertd::api {
namespace {

const char* words(Unit unit) {
    switch (unit) {
        case Unit::None:
            return "none";
        case Unit::Ratio:
            return "ratio";
        case Unit::Seconds:
            return "seconds";
    }
    return "none";
}

/// The signal under which a rule is shown: a combination stands once, at the first one that it asks.
std::optional<std::size_t> signal_of(const ServiceSettings& settings, const Rule& rule) {
    if (is_of_signal(rule)) return rule.signal;
    for (const std::uint32_t part : rule.parts)
        if (const auto signal = signal_of(settings, settings.rules[part])) return signal;
    return std::nullopt;
}

bool is_about(const ServiceSettings& settings, const Rule& rule, std::size_t signal) {
    return rule.severity != Severity::None && signal_of(settings, rule) == signal;
}

/// "P1 > 5% for 2m": the mildest rule that still rolls back, in its own words; what to compare the value with.
std::string limit_words(const ServiceSettings& settings, std::size_t signal) {
    const Rule* shown = nullptr;
    for (const Rule& rule : settings.rules) {
        if (!is_about(settings, rule, signal) || rule.kind != Rule::Kind::Threshold) continue;
        const bool acts = settings.policy(rule.severity).rollback != SeverityPolicy::Rollback::Never;
        if (shown == nullptr || (acts && worse(shown->severity, rule.severity))) shown = &rule;
    }
    if (shown == nullptr) return {};
    const std::string& name = settings.signals[signal].name;
    const std::string bound = shown->text.starts_with(name + " ") ? shown->text.substr(name.size() + 1) : shown->text;
    return std::string(to_string(shown->severity)) + " " + bound;
}

/// What the Judge says, and by which settings.
struct Judged {
    JudgeView view;
    const ServiceSettings& settings;
    Now now;
};

void write_rules(JsonText& out, const Judged& judged, std::size_t signal) {
    out.open_array("rules");
    for (const RuleChange& change : judged.view.rules) {
        const auto& rules = judged.settings.rules;
        if (change.rule >= rules.size() || !is_about(judged.settings, rules[change.rule], signal)) continue;
        const Rule& rule = rules[change.rule];
        out.open_object();
        out.put_text("severity", to_string(rule.severity));
        out.put_text("text", rule.text);
        out.put_text("verdict", to_string(change.verdict));
        out.put_flag("holds", change.holds);
        out.put_time("since", change.since == Time{} ? std::nullopt : std::optional(wall_of(judged.now, change.since)));
        out.close_object();
    }
    out.close_array();
}

void write_signal(JsonText& out, const Judged& judged, std::size_t index) {
    const SignalView& signal = judged.view.signals[index];
    out.open_object();
    out.put_text("name", signal.name);
    out.put_text("metric", signal.metric);
    out.put_number("value", signal.value);
    out.put_text("unit", words(signal.unit));
    out.put_number("baseline", signal.baseline);
    out.put_text("verdict", to_string(signal.verdict));
    out.put_text("limit_words", limit_words(judged.settings, index));
    write_rules(out, judged, index);
    out.close_object();
}

}  // namespace

std::shared_ptr<const ServiceSettings> judged_settings(const Engine& engine, const std::string& service) {
    const ServiceState* state = engine.state().service(service);
    const Deployment* guard = state != nullptr ? engine.state().deployment(state->guard) : nullptr;
    if (guard != nullptr && guard->settings) return guard->settings;
    return engine.settings() != nullptr ? engine.settings()->find(service) : nullptr;
}

void write_signals(JsonText& out, const Backend& backend, const std::string& service) {
    auto view = backend.view(service);
    const auto settings = judged_settings(backend.engine(), service);
    out.open_array("signals");
    if (view && settings) {
        const Judged judged{std::move(*view), *settings, backend.now()};
        const std::size_t count = std::min(judged.view.signals.size(), settings->signals.size());
        for (std::size_t i = 0; i < count; ++i)
            if (!is_of_process(settings->signals[i]) || !judged.view.signals[i].metric.empty())
                write_signal(out, judged, i);
    }
    out.close_array();
}

}  // namespace revertd::api
