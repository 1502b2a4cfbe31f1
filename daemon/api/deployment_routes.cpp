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

constexpr std::array<Field, 7> kStartFields{Field{"id", Field::Kind::Text, kMaxNameBytes},
                                            Field{"service", Field::Kind::Text, kMaxNameBytes},
                                            Field{"version", Field::Kind::Text, kMaxNameBytes},
                                            Field{"from", Field::Kind::Text, kMaxNameBytes},
                                            Field{"by", Field::Kind::Text, kMaxNameBytes},
                                            Field{"migration", Field::Kind::Text, kMaxNameBytes},
                                            Field{"meta", Field::Kind::Texts}};
constexpr std::array<Field, 1> kFinishFields{Field{"failed", Field::Kind::Flag}};
constexpr std::array<Field, 1> kAbortFields{Field{"reason", Field::Kind::Text, kMaxReasonBytes}};

Error unknown(const std::string& word) {
    return {ErrorCode::NotFound, "no deployment " + word, "revertctl deploy list shows them"};
}

Response deployment_response(const Backend& backend, const std::string& word, int status) {
    const Deployment* found = backend.engine().state().find_deployment(word);
    if (found == nullptr) return error_response(unknown(word));
    JsonText out;
    write_deployment(out, backend, *found);
    return json_response(out.take(), status);
}

Response show(const Backend& backend, const Request& request) {
    return deployment_response(backend, request.names.front(), 200);
}

Response list(const Backend& backend, const Request& request) {
    const auto limit = limit_of(request);
    if (!limit) return error_response(limit.error());
    const std::string service = request.parameter("service");
    if (!service.empty() && !was_ever_known(backend, service)) return error_response(no_service(backend, service));
    std::vector<const Deployment*> found;
    for (const auto& [id, deployment] : backend.engine().state().deployments)
        if (service.empty() || deployment.service == service) found.push_back(&deployment);
    const auto newer = [](const Deployment* a, const Deployment* b) { return a->started > b->started; };
    std::stable_sort(found.begin(), found.end(), newer);
    found.resize(std::min(found.size(), *limit));
    JsonText out;
    out.open_array();
    for (const Deployment* deployment : found) write_deployment(out, backend, *deployment);
    out.close_array();
    return json_response(out.take());
}

/// 201 for a new guard, 200 for one that is there already.
void start(const Call& call) {
    const auto body = RequestBody::parse(call.request.body, kStartFields);
    if (!body) return call.respond(error_response(body.error()));
    command::DeployStart start{body->text("id"), body->text("service"),   body->text("version"), body->text("from"),
                               body->text("by"), body->text("migration"), body->texts("meta")};
    static constexpr std::array<std::string_view, 4> kMigrations{"", "none", "additive", "destructive"};
    if (std::find(kMigrations.begin(), kMigrations.end(), start.migration) == kMigrations.end())
        return call.respond(error_response(
            {ErrorCode::Invalid, "migration is \"" + start.migration + "\"", "none, additive or destructive"}));
    if (start.service.empty() || start.version.empty())
        return call.respond(error_response({ErrorCode::Invalid, "a deployment needs a service and a version"}));
    give_command(call, start, [&backend = call.backend](const effect::Reply& reply) {
        return deployment_response(backend, reply.id, reply.created ? 201 : 200);
    });
}

void end(const Call& call, const Command& command) {
    give_command(call, command, [&backend = call.backend](const effect::Reply& reply) {
        return deployment_response(backend, reply.id, 200);
    });
}

void finish(const Call& call) {
    const auto body = RequestBody::parse(call.request.body, kFinishFields);
    if (!body) return call.respond(error_response(body.error()));
    end(call, command::DeployFinish{call.request.names.front(), body->flag("failed")});
}

void abort(const Call& call) {
    const auto body = RequestBody::parse(call.request.body, kAbortFields);
    if (!body) return call.respond(error_response(body.error()));
    end(call, command::DeployAbort{call.request.names.front(), body->text("reason")});
}

}  // namespace

std::span<const Route> deployment_routes() {
    static constexpr std::array<Route, 4> kRoutes{
        Route{"/api/v1/deployments", list, start},
        Route{"/api/v1/deployments/{}", show},
        Route{"/api/v1/deployments/{}/finish", nullptr, finish},
        Route{"/api/v1/deployments/{}/abort", nullptr, abort},
    };
    return kRoutes;
}

}  // namespace revertd::api
