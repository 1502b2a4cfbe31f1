// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>

#include "core/clock.h"

namespace revertd::journal {

/// One record of the journal. `body` is a JSON object in UTF-8; the journal keeps its bytes and does not look into it.
struct Entry {
    std::uint64_t seq = 0;  // 1, 2, 3 ...: given by the journal; a gap only before "state.accepted"
    Time at{};
    WallTime wall{};
    std::string kind;
    std::string service;   // empty: concerns all
    std::string incident;  // empty: none
    std::string body;

    bool operator==(const Entry&) const = default;
};

/// Records whose body is empty were pruned: the newest record of this kind says which.
inline constexpr const char* kPrunedKind = "journal.pruned";

/// A person has read what is wrong with the journal and lets the daemon go on from what is left.
inline constexpr const char* kAcceptedKind = "state.accepted";

}  // namespace revertd::journal
