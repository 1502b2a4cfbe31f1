// SPDX-License-Identifier: Apache-2.0
#include "daemon/notify/bodies.h"

#include "daemon/notify/json_body.h"

namespace revertd {

namespace {

constexpr std::size_t kSummaryBytes = 1024;       // PagerDuty's limit of payload.summary
constexpr std::size_t kDetailsBytes = 64 * 1024;  // far below 512 KB, whatever the rest
constexpr std::size_t kOpsgenieMessage = 130;     // Opsgenie's limits
constexpr std::size_t kOpsgenieAlias = 512, kOpsgenieDescription = 15'000;
constexpr std::size_t kLabelBytes = 256;

/// The severities of the Events API; our levels are the same words.
std::string severity(const std::string& level) {
    return level == "critical" || level == "error" || level == "warning" ? level : "info";
}

std::string priority(const std::string& level) {
    if (level == "critical") return "P1";
    if (level == "error") return "P2";
    return level == "warning" ? "P3" : "P5";
}

void put_facts(JsonBody& out, const Message& message) {
    for (const auto& [name, value] : message.page.facts) out.text(name, cut(value, kSummaryBytes));
}

/// Of a label: Alertmanager refuses text that is not UTF-8, and we never send it; only its length is ours to limit.
void label(JsonBody& out, const char* name, const std::string& value) {
    out.text(name, cut(value, kLabelBytes));
}

}  // namespace

std::string pagerduty_body(const Message& message, const std::string& routing_key, const std::string& source) {
    JsonBody out;
    out.open().text("routing_key", routing_key).text("event_action", message.resolves() ? "resolve" : "trigger");
    out.text("dedup_key", dedup_key(message)).text("client", "revertd");
    if (message.resolves()) return out.close().take();
    out.open("payload")
        .text("summary", cut(message.page.summary, kSummaryBytes))
        .text("source", source)
        .text("severity", severity(message.page.level))
        .text("timestamp", to_rfc3339(message.wall))
        .text("component", message.page.service)
        .text("group", message.fact("environment"))
        .text("class", message.fact("class").empty() ? "rollback" : message.fact("class"));
    out.open("custom_details")
        .text("kind", message.page.kind)
        .text("service", message.page.service)
        .text("deployment", message.page.deploy)
        .text("incident", message.page.incident)
        .text("details", cut(message.page.details, kDetailsBytes))
        .text("answer", how_to_answer(message))
        .text("note", message.note);
    put_facts(out, message);
    out.close().close();
    const std::string link = message.fact("link"), runbook = message.fact("runbook");
    if (!link.empty()) out.text("client_url", link);
    if (!link.empty() || !runbook.empty()) {
        out.open_array("links");
        if (!link.empty()) out.open().text("href", link).text("text", "incident").close();
        if (!runbook.empty()) out.open().text("href", runbook).text("text", "runbook").close();
        out.close_array();
    }
    return out.close().take();
}

std::string webhook_body(const Message& message, const std::string& source) {
    JsonBody out;
    out.open().text("key", dedup_key(message)).count("id", message.seq).text("at", to_rfc3339(message.wall));
    out.text("source", source).text("kind", message.page.kind).text("level", message.page.level);
    out.text("service", message.page.service).text("deployment", message.page.deploy);
    out.text("incident", message.page.incident).text("to", message.page.to);
    out.text("summary", cut(message.page.summary, kSummaryBytes));
    out.text("details", cut(message.page.details, kDetailsBytes)).text("note", message.note);
    if (!message.page.facts.empty()) {
        out.open("facts");
        put_facts(out, message);
        out.close();
    }
    return out.close().take();
}

std::string opsgenie_alert(const Message& message, const std::string& source, const std::string& team) {
    JsonBody out;
    out.open().text("message", cut(message.page.summary, kOpsgenieMessage));
    out.text("alias", cut(dedup_key(message), kOpsgenieAlias));
    out.text("description", cut(message.page.summary + "\n\n" + message.page.details + "\n" + how_to_answer(message),
                                kOpsgenieDescription));
    out.text("priority", priority(message.page.level)).text("source", source);
    out.open_array("tags").item("revertd").item(message.page.kind).close_array();
    out.open("details").text("service", message.page.service).text("incident", message.page.incident);
    out.text("deployment", message.page.deploy).text("note", message.note);
    put_facts(out, message);
    out.close();
    if (!team.empty())
        out.open_array("responders").open().text("name", team).text("type", "team").close().close_array();
    return out.close().take();
}

std::string opsgenie_note(const Message& message, const std::string& source) {
    JsonBody out;
    out.open().text("note", cut(message.page.summary, kOpsgenieDescription)).text("source", source);
    return out.close().take();
}

std::string alertmanager_body(const Message& message, WallTime until, const std::string& source) {
    JsonBody out;
    out.open_array().open().open("labels");
    label(out, "alertname", message.page.incident.empty() ? "RevertdNotice" : "RevertdIncident");
    label(out, "service", message.page.service);
    label(out, "incident", message.page.incident);
    label(out, "deploy", message.page.deploy);
    label(out, "environment", message.fact("environment"));
    label(out, "owner", message.fact("owner"));
    // A label that changed would be another alert: the severity of the page stands in an annotation.
    out.close().open("annotations");
    out.text("summary", cut(message.page.summary, kSummaryBytes));
    out.text("description", cut(message.page.details, kDetailsBytes));
    out.text("severity", severity(message.page.level))
        .text("from", message.fact("from"))
        .text("to", message.fact("to"));
    out.text("runbook_url", message.fact("runbook")).text("source", source).text("note", message.note);
    out.close()
        .text("startsAt", to_rfc3339(message.resolves() ? until : message.wall))
        .text("endsAt", to_rfc3339(until));
    if (const std::string link = message.fact("link"); !link.empty()) out.text("generatorURL", link);
    return out.close().close_array().take();
}

std::string statuspage_body(const Message& message, const StatuspageSettings& settings, bool create) {
    const std::string service = message.page.service;
    JsonBody out;
    out.open().open("incident");
    if (create) out.text("name", cut("Problems with " + service, 255));
    const bool restoring = message.page.summary.find(": rolled back to ") != std::string::npos;
    out.text("status", message.resolves() ? "resolved"
                       : create           ? "investigating"
                       : restoring        ? "monitoring"
                                          : "identified");
    out.text("body", message.resolves() ? "The problem is solved."
                     : create           ? "We are investigating a problem that began with a recent change."
                     : restoring        ? "The change was undone; we are watching whether that helped."
                                        : "We have found the cause and are working on it.");
    if (create && !settings.components.empty()) {
        out.open_array("component_ids");
        for (const std::string& id : settings.components) out.item(id);
        out.close_array();
    }
    if (!settings.components.empty()) {
        out.open("components");
        for (const std::string& id : settings.components)
            out.text(id, message.resolves() ? "operational" : "degraded_performance");
        out.close();
    }
    out.open("metadata").open("revertd").text("key", dedup_key(message)).text("last", delivery_key(message));
    out.close().close();
    return out.close().close().take();
}

}  // namespace revertd
