// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/router.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "daemon/api/answer.h"
#include "daemon/api/limits.h"
#include "daemon/api/routes.h"

namespace revertd::api {
namespace {

/// Compares segment by segment; what {} stands for becomes a name of the request.
bool matches(std::string_view pattern, Request& request) {
    request.names.clear();
    for (const std::string& segment : request.path) {
        if (pattern.empty()) return false;
        pattern.remove_prefix(1);
        const std::string_view expected = pattern.substr(0, pattern.find('/'));
        if (expected == "{}")
            request.names.push_back(segment);
        else if (expected != segment)
            return false;
        pattern.remove_prefix(expected.size());
    }
    return pattern.empty();
}

/// What a browser would be led to by another site's name: only names that mean this host are answered on TCP.
bool is_own_host(const std::string& host, std::uint16_t port) {
    static constexpr std::array<const char*, 3> kNames{"localhost", "127.0.0.1", "[::1]"};
    const std::string suffix = ":" + std::to_string(port);
    return std::any_of(kNames.begin(), kNames.end(), [&](const std::string& name) { return host == name + suffix; });
}

bool reads(const Request& request) {
    return request.method == "GET" || request.method == "HEAD";
}

Response method_not_allowed(const Request& request, const Route& route) {
    std::string allowed = route.read != nullptr ? "GET, HEAD" : "POST";
    if (route.read != nullptr && route.write != nullptr) allowed += ", POST";
    Response response =
        error_response({ErrorCode::Invalid, request.method + " is not possible here", "possible: " + allowed});
    response.status = 405;
    response.headers.emplace_back("Allow", allowed);
    return response;
}

const Route* find_route(Request& request) {
    static const std::vector<Route> kRoutes = all_routes();
    const auto found = std::find_if(kRoutes.begin(), kRoutes.end(),
                                    [&](const Route& route) { return matches(route.pattern, request); });
    return found != kRoutes.end() ? &*found : nullptr;
}

bool begins_with(const Request& request, std::string_view segment) {
    return !request.path.empty() && request.path.front() == segment;
}

/// PUT does what POST does under `/-/`, as in the Prometheus family.
bool writes(const Request& request) {
    return request.method == "POST" || (request.method == "PUT" && begins_with(request, "-"));
}

}  // namespace

void Router::handle(Request request, const Origin& origin, Respond respond) {
    if (!origin.ids && !is_own_host(request.host, origin.port))
        return respond(error_response({ErrorCode::NotAllowed, "the Host header names another host",
                                       "ask localhost, 127.0.0.1 or [::1], with the port"}));
    const Route* route = find_route(request);
    if (route == nullptr) return respond(error_response({ErrorCode::NotFound, "there is nothing at this path"}));
    const bool read = reads(request) && route->read != nullptr;
    if (!read && (!writes(request) || route->write == nullptr)) return respond(method_not_allowed(request, *route));
    if (begins_with(request, "api") && !backend_.ready())
        return respond(
            error_response({ErrorCode::Unavailable, "revertd is starting", "/-/ready says when it is ready"}, 1s));
    if (read) return respond(route->read(backend_, request));
    write(std::move(request), *route, origin, std::move(respond));
}

void Router::write(Request request, const Route& route, const Origin& origin, Respond respond) {
    if (route.anyone) return route.write({backend_, request, Peer{}, std::move(respond)});
    if (!origin.ids)
        return respond(error_response({ErrorCode::NotAllowed, "nobody is known on TCP, so it is for reading only",
                                       "use the unix socket: --address unix:/run/revertd/revertd.sock"}));
    if (origin.ids->uid == kOverflowUid)
        return respond(error_response(
            {ErrorCode::NotAllowed, "uid 65534 is nobody in particular", "ask as a user that this host knows"}));
    directory_.find(*origin.ids, [&backend = backend_, &route, request = std::move(request),
                                  respond = std::move(respond)](const std::optional<Peer>& peer) {
        if (!peer) return respond(error_response({ErrorCode::Unavailable, "the user database does not answer"}, 1s));
        route.write({backend, request, *peer, respond});
    });
}

// -- what routes share

std::vector<Route> all_routes() {
    std::vector<Route> all;
    for (const auto& routes :
         {process_routes(), deployment_routes(), incident_routes(), service_routes(), event_routes(), later_routes()})
        all.insert(all.end(), routes.begin(), routes.end());
    return all;
}

void give_command(const Call& call, const Command& command, std::function<Response(const effect::Reply&)> done) {
    call.backend.command(call.peer, command,
                         [respond = call.respond, done = std::move(done)](const effect::Reply& reply) {
                             respond(reply.error ? error_response(*reply.error, reply.retry_after) : done(reply));
                         });
}

Result<std::size_t> limit_of(const Request& request) {
    const std::string text = request.parameter("limit");
    if (text.empty()) return kDefaultListed;
    std::size_t limit = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
    if (error != std::errc() || end != text.data() + text.size() || limit == 0 || limit > kMaxListed)
        return Error(ErrorCode::Invalid, "limit is " + text, "a number from 1 to " + std::to_string(kMaxListed));
    return limit;
}

}  // namespace revertd::api
