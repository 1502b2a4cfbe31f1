// SPDX-License-Identifier: Apache-2.0
// A request and its answer, as routes see them.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"

namespace revertd::api {

class EventStream;

struct Request {
    std::string method;
    std::vector<std::string> path;                           ///< decoded segments
    std::vector<std::pair<std::string, std::string>> query;  ///< decoded; each name once
    std::string host;
    std::string last_event_id;
    std::string body;
    bool keep_alive = false;
    std::vector<std::string> names;  ///< the segments that the route leaves open, in their order

    [[nodiscard]] std::string parameter(std::string_view name) const {
        for (const auto& [key, value] : query)
            if (key == name) return value;
        return {};
    }
};

struct Response {
    int status = 200;
    std::string body;
    std::string type = "application/json";
    std::vector<std::pair<std::string, std::string>> headers;
    std::shared_ptr<EventStream> stream;  ///< instead of a body: events until one side ends it
};

/// Called once, on the loop; nothing happens if the client is gone.
using Respond = std::function<void(Response)>;

/// The user behind a unix socket, as the kernel says (SO_PEERCRED).
struct PeerIds {
    uid_t uid = 0;
    gid_t gid = 0;
};

/// Where a request came from.
struct Origin {
    std::optional<PeerIds> ids;  ///< nothing on TCP: there is no identity
    std::uint16_t port = 0;      ///< of the TCP listener
};

}  // namespace revertd::api
