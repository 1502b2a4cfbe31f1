// SPDX-License-Identifier: Apache-2.0
// Every limit of the API, with its reason. All are on by default; tests shorten them.
#pragma once
#include <cstddef>

#include "core/clock.h"

namespace revertd::api {

struct ApiLimits {
    Duration head = 5s;        ///< from the first byte to the end of the head: a slow sender costs nothing
    Duration body = 10s;       ///< from there to the end of the body
    Duration answer = 25s;     ///< for the journal to make a command durable; clients give up after 30 s
    Duration send = 30s;       ///< without a byte taken by a reader
    Duration idle = 60s;       ///< between two requests of a connection
    Duration farewell = 1s;    ///< for a refused client to read why
    Duration heartbeat = 15s;  ///< of a stream without events: proxies and people see that it lives

    std::size_t head_bytes = 8 * 1024;
    std::size_t body_bytes = 256 * 1024;
    std::size_t connections = 256;
    std::size_t connections_of_one = 128;  ///< of one user, so that nobody can take all of them
    std::size_t streams = 64;              ///< each may have a backlog of all events that are kept
    std::size_t queued_events = 1000;      ///< live ones that a slow reader of a stream has not taken
    std::size_t lookups = 16;              ///< questions to the user database that may hang at the same time
};

// Of request bodies; beyond the longest that anybody writes.
inline constexpr std::size_t kMaxNameBytes = 256;
inline constexpr std::size_t kMaxReasonBytes = 1024;
inline constexpr std::size_t kMaxMetaEntries = 32;
inline constexpr std::size_t kMaxMetaBytes = 512;

/// Of lists.
inline constexpr std::size_t kDefaultListed = 100;
inline constexpr std::size_t kMaxListed = 500;

}  // namespace revertd::api
