// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <vector>

#include "daemon/api/answer.h"
#include "daemon/api/limits.h"
#include "daemon/api/objects.h"
#include "daemon/api/request_body.h"
#include "daemon/api/routes.h"

namespace revertd::api {
namespace {

constexpr Field kReason{"reason", Field::Kind::Text, kMaxReasonBytes};
constexpr std::array<Field, 1> kAnswerFields{kReason};
constexpr std::array<Field, 2> kHoldFields{kReason, Field{"for", Field::Kind::Number}};
constexpr std::array<Field, 2> kLabelFields{kReason, Field{"label", Field::Kind::Text, kMaxNameBytes}};
constexpr double kMaxHoldSeconds = 365.0 * 86400;  // the Engine allows less; beyond it no duration could hold it

Response incident_response(const Backend& backend, const std::string& id) {
    const Incident* found = backend.engine().state().incident(id);
    if (found == nullptr)
        return error_response({ErrorCode::NotFound, "no incident " + id, "revertctl incident list shows them"});
    JsonText out;
    write_incident(out, backend, *found);
    return json_response(out.take());
}

Response show(const Backend& backend, const Request& request) {
    return incident_response(backend, request.names.front());
}

Response list(const Backend& backend, const Request& request) {
    const auto limit = limit_of(request);
    if (!limit) return error_response(limit.error());
    const std::string service = request.parameter("service");
    if (!service.empty() && !was_ever_known(backend, service)) return error_response(no_service(backend, service));
    std::vector<const Incident*> found;
    for (const auto& [id, incident] : backend.engine().state().incidents)
        if (service.empty() || incident.service == service) found.push_back(&incident);
    const auto newer = [](const Incident* a, const Incident* b) { return a->opened > b->opened; };
    std::stable_sort(found.begin(), found.end(), newer);
    found.resize(std::min(found.size(), *limit));
    JsonText out;
    out.open_array();
    for (const Incident* incident : found) write_incident(out, backend, *incident);
    out.close_array();
    return json_response(out.take());
}

Response report(const Backend& backend, const Request& request, const std::string& format) {
    auto text = backend.report(request.names.front(), format);
    if (!text) return error_response(text.error());
    Response response = text_response(std::move(*text));
    // Nothing of a report may run or load: it carries words from outside.
    if (format == "html")
        response.headers.emplace_back("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
    response.type = format == "json"   ? "application/json"
                    : format == "html" ? "text/html; charset=utf-8"
                                       : "text/markdown; charset=utf-8";
    return response;
}

Response report_as_markdown(const Backend& backend, const Request& request) {
    return report(backend, request, "md");
}

Response report_as_html(const Backend& backend, const Request& request) {
    return report(backend, request, "html");
}

Response report_as_json(const Backend& backend, const Request& request) {
    return report(backend, request, "json");
}

Response explain(const Backend& backend, const Request& request) {
    const auto lines = backend.explain(request.names.front());
    if (!lines) return error_response(lines.error());
    JsonText out;
    out.open_object();
    out.open_array("words");
    for (const std::string& line : *lines) out.add_text(line);
    out.close_array();
    out.close_object();
    return json_response(out.take());
}

/// An answer of a person: `command_of` makes the command of the incident and the body.
template <class F>
void answer(const Call& call, std::span<const Field> fields, F command_of) {
    const auto body = RequestBody::parse(call.request.body, fields);
    if (!body) return call.respond(error_response(body.error()));
    const Command command = command_of(call.request.names.front(), *body);
    give_command(call, command, [&backend = call.backend](const effect::Reply& reply) {
        return incident_response(backend, reply.id);
    });
}

void approve(const Call& call) {
    answer(call, kAnswerFields, [](const auto& id, const auto& body) {
        return command::Approve{id, body.text("reason")};
    });
}

void deny(const Call& call) {
    answer(call, kAnswerFields, [](const auto& id, const auto& body) {
        return command::Deny{id, body.text("reason")};
    });
}

void hold(const Call& call) {
    answer(call, kHoldFields, [](const auto& id, const auto& body) {
        const double wanted = std::clamp(body.number("for").value_or(0), 0.0, kMaxHoldSeconds);
        const auto period = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(wanted));
        return command::Hold{id, body.text("reason"), period};
    });
}

void take(const Call& call) {
    answer(call, kAnswerFields, [](const auto& id, const auto& body) {
        return command::Take{id, body.text("reason")};
    });
}

void acknowledge(const Call& call) {
    answer(call, kAnswerFields, [](const auto& id, const auto& body) {
        return command::Acknowledge{id, body.text("reason")};
    });
}

void label(const Call& call) {
    answer(call, kLabelFields, [](const auto& id, const auto& body) { return command::Label{id, body.text("label")}; });
}

}  // namespace

std::span<const Route> incident_routes() {
    static constexpr std::array<Route, 12> kRoutes{
        Route{"/api/v1/incidents", list},
        Route{"/api/v1/incidents/{}", show},
        Route{"/api/v1/incidents/{}/report.md", report_as_markdown},
        Route{"/api/v1/incidents/{}/report.html", report_as_html},
        Route{"/api/v1/incidents/{}/report.json", report_as_json},
        Route{"/api/v1/incidents/{}/explain", explain},
        Route{"/api/v1/incidents/{}/approve", nullptr, approve},
        Route{"/api/v1/incidents/{}/deny", nullptr, deny},
        Route{"/api/v1/incidents/{}/hold", nullptr, hold},
        Route{"/api/v1/incidents/{}/take", nullptr, take},
        Route{"/api/v1/incidents/{}/ack", nullptr, acknowledge},
        Route{"/api/v1/incidents/{}/label", nullptr, label},
    };
    return kRoutes;
}

}  // namespace revertd::api
