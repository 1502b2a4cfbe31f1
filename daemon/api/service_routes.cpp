// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "daemon/api/answer.h"
#include "daemon/api/limits.h"
#include "daemon/api/objects.h"
#include "daemon/api/request_body.h"
#include "daemon/api/routes.h"

namespace revertd::api {
namespace {

constexpr Field kReason{"reason", Field::Kind::Text, kMaxReasonBytes};
constexpr std::array<Field, 2> kTriggerFields{kReason, Field{"severity", Field::Kind::Text, kMaxNameBytes}};
constexpr std::array<Field, 3> kRollbackFields{kReason, Field{"to", Field::Kind::Text, kMaxNameBytes},
                                               Field{"force", Field::Kind::Flag}};
constexpr std::array<Field, 2> kHaltFields{kReason, Field{"abort", Field::Kind::Flag}};
constexpr std::array<Field, 1> kResumeFields{kReason};
constexpr std::array<Field, 3> kMarkFields{kReason, Field{"version", Field::Kind::Text, kMaxNameBytes},
                                           Field{"action", Field::Kind::Text, kMaxNameBytes}};

bool is_known(const Backend& backend, const std::string& service) {
    const Settings* settings = backend.engine().settings();
    return settings != nullptr && settings->find(service) != nullptr;
}

Response list(const Backend& backend, const Request&) {
    JsonText out;
    out.open_array();
    if (const Settings* settings = backend.engine().settings())
        for (const auto& [name, unused] : settings->services) write_service(out, backend, name);
    out.close_array();
    return json_response(out.take());
}

Response service_response(const Backend& backend, const std::string& service) {
    JsonText out;
    write_service(out, backend, service);
    return json_response(out.take());
}

// -- orders

/// The incident that an order opened, or that it joined.
void order(const Call& call, const std::string& service, const Command& command) {
    give_command(call, command, [service](const effect::Reply& reply) {
        JsonText out;
        out.open_object();
        out.put_text("service", service);
        out.put_text("incident", reply.id);
        out.close_object();
        return json_response(out.take(), reply.created ? 201 : 200);
    });
}

void trigger(const Call& call) {
    const auto body = RequestBody::parse(call.request.body, kTriggerFields);
    if (!body) return call.respond(error_response(body.error()));
    const auto severity = severity_from(body->text("severity"));
    if (!severity)
        return call.respond(error_response({ErrorCode::Invalid, "a trigger needs a severity", "P0, P1, P2 or P3"}));
    const std::string& service = call.request.names.front();
    order(call, service, command::Trigger{service, body->text("reason"), *severity});
}

void roll_back(const Call& call) {
    const auto body = RequestBody::parse(call.request.body, kRollbackFields);
    if (!body) return call.respond(error_response(body.error()));
    const std::string& service = call.request.names.front();
    order(call, service, command::RollbackStart{service, body->text("to"), body->text("reason"), body->flag("force")});
}

void answer_service(const Call& call, const Command& command) {
    give_command(call, command, [&backend = call.backend, service = call.request.names.front()](const effect::Reply&) {
        return service_response(backend, service);
    });
}

void halt(const Call& call) {
    const auto body = RequestBody::parse(call.request.body, kHaltFields);
    if (!body) return call.respond(error_response(body.error()));
    answer_service(call, command::Halt{call.request.names.front(), body->flag("abort"), body->text("reason")});
}

void resume(const Call& call) {
    const auto body = RequestBody::parse(call.request.body, kResumeFields);
    if (!body) return call.respond(error_response(body.error()));
    answer_service(call, command::Resume{call.request.names.front(), body->text("reason")});
}

// -- versions

void write_version(JsonText& out, const LedgerEntry& entry) {
    out.open_object();
    out.put_text("version", entry.version);
    out.put_text("state", to_string(entry.standing));
    out.put_text("why", entry.why);
    out.put_text("by", entry.by);
    out.put_text("digest", entry.digest);
    out.put_time("at", entry.wall);
    out.close_object();
}

/// The newest first.
Response versions(const Backend& backend, const Request& request) {
    const std::string& name = request.names.front();
    if (!is_known(backend, name)) return error_response(no_service(backend, name));
    JsonText out;
    out.open_array();
    if (const ServiceState* service = backend.engine().state().service(name))
        for (auto it = service->ledger.rbegin(); it != service->ledger.rend(); ++it) write_version(out, *it);
    out.close_array();
    return json_response(out.take());
}

struct Ledger {
    Standing standing;
    std::string_view undo;  ///< the name of taking it back
};

void mark(const Call& call, const Ledger& ledger) {
    const auto body = RequestBody::parse(call.request.body, kMarkFields);
    if (!body) return call.respond(error_response(body.error()));
    const std::string action = body->text("action");
    if (action != "mark" && action != ledger.undo)
        return call.respond(error_response(
            {ErrorCode::Invalid, "action is \"" + action + "\"", "mark or " + std::string(ledger.undo)}));
    const std::string& service = call.request.names.front();
    const Standing standing = action == "mark" ? ledger.standing : Standing::Unknown;
    const command::MarkVersion command{service, body->text("version"), body->text("reason"), standing};
    give_command(call, command, [version = command.version, standing](const effect::Reply&) {
        JsonText out;
        out.open_object();
        out.put_text("version", version);
        out.put_text("state", to_string(standing));
        out.close_object();
        return json_response(out.take());
    });
}

void mark_good(const Call& call) {
    mark(call, {Standing::Good, "unmark"});
}

void mark_bad(const Call& call) {
    mark(call, {Standing::Bad, "forgive"});
}

Response gate(const Backend& backend, const Request& request) {
    const std::string service = request.parameter("service"), version = request.parameter("version");
    if (service.empty() || version.empty())
        return error_response({ErrorCode::Invalid, "gate needs a service and a version", "?service=api&version=v2"});
    if (!is_known(backend, service)) return error_response(no_service(backend, service));
    const auto answer = backend.engine().gate(service, version, backend.now().wall);
    JsonText out;
    out.open_object();
    out.put_flag("go", answer.code == 0);
    out.put_count("code", static_cast<std::int64_t>(answer.code));
    out.put_text("reason", answer.code == 0 ? std::string() : answer.reason);
    out.close_object();
    return json_response(out.take());
}

}  // namespace

std::span<const Route> service_routes() {
    static constexpr std::array<Route, 9> kRoutes{
        Route{"/api/v1/services", list},
        Route{"/api/v1/services/{}/trigger", nullptr, trigger},
        Route{"/api/v1/services/{}/rollback", nullptr, roll_back},
        Route{"/api/v1/services/{}/halt", nullptr, halt},
        Route{"/api/v1/services/{}/resume", nullptr, resume},
        Route{"/api/v1/services/{}/versions", versions},
        Route{"/api/v1/services/{}/good", nullptr, mark_good},
        Route{"/api/v1/services/{}/bad", nullptr, mark_bad},
        Route{"/api/v1/gate", gate},
    };
    return kRoutes;
}

}  // namespace revertd::api
