// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "daemon/api/backend.h"
#include "daemon/api/message.h"
#include "daemon/api/peer.h"

namespace revertd::api {

/// Decides who may ask what, and hands the request to its route (routes.h).
class Router {
  public:
    Router(Backend& backend, PeerDirectory& directory) : backend_(backend), directory_(directory) {}

    /// `respond` may be called at once or later, once, on the loop.
    void handle(Request request, const Origin& origin, Respond respond);

  private:
    void write(Request request, const struct Route& route, const Origin& origin, Respond respond);

    Backend& backend_;
    PeerDirectory& directory_;
};

}  // namespace revertd::api
