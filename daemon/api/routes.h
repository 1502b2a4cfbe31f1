// SPDX-License-Identifier: Apache-2.0
// The table of everything that can be asked: one array a noun.
#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "daemon/api/backend.h"
#include "daemon/api/message.h"

namespace revertd::api {

/// A request that may change something: by whom, and where its answer goes.
struct Call {
    Backend& backend;
    const Request& request;  ///< until the handler returns
    Peer peer;
    Respond respond;
};

/// What a path answers: `read` to GET and HEAD, which change nothing, `write` to POST.
struct Route {
    std::string_view pattern;  ///< "/api/v1/deployments/{}/finish"; {} is any one segment; the root is ""
    Response (*read)(const Backend& backend, const Request& request) = nullptr;
    void (*write)(const Call& call) = nullptr;
    bool anyone = false;  ///< `write` needs nobody's name: it checks signatures, or does nothing
};

[[nodiscard]] std::span<const Route> process_routes();
[[nodiscard]] std::span<const Route> deployment_routes();
[[nodiscard]] std::span<const Route> incident_routes();
[[nodiscard]] std::span<const Route> service_routes();
[[nodiscard]] std::span<const Route> event_routes();
/// What is named by the contract and comes with later work: 501, in words.
[[nodiscard]] std::span<const Route> later_routes();

/// All of the above.
[[nodiscard]] std::vector<Route> all_routes();

/// Sends a command; `done` makes the answer of one that was accepted.
void give_command(const Call& call, const Command& command, std::function<Response(const effect::Reply&)> done);

/// `limit` of a list. Errors: Invalid for what is not 1 to 500.
[[nodiscard]] Result<std::size_t> limit_of(const Request& request);

}  // namespace revertd::api
