// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "daemon/api/answer.h"
#include "daemon/api/routes.h"

namespace revertd::api {
namespace {

Response not_built(const std::string& what, const std::string& instead) {
    Response response = error_response({ErrorCode::Unavailable, what + " is not built yet", instead});
    response.status = 501;
    return response;
}

Response page(const Backend&, const Request&) {
    return not_built("the page", "revertctl status, or GET /api/v1/status");
}

Response incident_page(const Backend&, const Request& request) {
    return not_built("the page", "revertctl explain " + request.names.front());
}

/// Nothing of an unsigned body is read.
void hook(const Call& call) {
    static constexpr std::array<std::string_view, 7> kHooks{"alertmanager", "github", "gitlab",   "argocd",
                                                            "cdevents",     "slack",  "pagerduty"};
    const std::string& name = call.request.names.front();
    if (std::find(kHooks.begin(), kHooks.end(), name) == kHooks.end())
        return call.respond(error_response({ErrorCode::NotFound, "no hook " + name}));
    call.respond(not_built("the hook of " + name, "announce deploys with revertctl deploy start"));
}

}  // namespace

std::span<const Route> later_routes() {
    static constexpr std::array<Route, 3> kRoutes{
        Route{"", page},
        Route{"/i/{}", incident_page},
        Route{"/api/v1/hooks/{}", nullptr, hook, true},
    };
    return kRoutes;
}

}  // namespace revertd::api
