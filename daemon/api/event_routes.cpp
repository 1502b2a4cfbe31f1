// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <charconv>

#include "daemon/api/answer.h"
#include "daemon/api/event_stream.h"
#include "daemon/api/routes.h"

namespace revertd::api {
namespace {

/// Server-sent events; `Last-Event-ID` resumes behind that one.
Response events(const Backend&, const Request& request) {
    std::optional<std::uint64_t> after;
    if (const std::string& last = request.last_event_id; !last.empty()) {
        std::uint64_t id = 0;
        const auto [end, error] = std::from_chars(last.data(), last.data() + last.size(), id);
        if (error != std::errc() || end != last.data() + last.size())
            return error_response({ErrorCode::Invalid, "Last-Event-ID is no id of an event", "0 is before the first"});
        after = id;
    }
    Response response;
    response.stream = std::make_shared<EventStream>(request.parameter("service"), after);
    return response;
}

}  // namespace

std::span<const Route> event_routes() {
    static constexpr std::array<Route, 1> kRoutes{Route{"/api/v1/events", events}};
    return kRoutes;
}

}  // namespace revertd::api
