// SPDX-License-Identifier: Apache-2.0
// Whether what the directory holds can be believed. Reads only; used at every start, by `audit verify` and by `state
// accept`.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "core/result.h"
#include "daemon/journal/head.h"
#include "daemon/journal/store.h"

namespace revertd::journal {

/// Written beside the journal when an error of the disk ended it: what the kernel then holds in memory may differ from
/// the disk, so the next start must be a person's decision even if everything reads well.
inline constexpr const char* kFailedMarker = "failed";

struct Inspection {
    std::optional<Genesis> genesis;  // nothing: no database, or an unreadable one
    Walk chain;                      // the records that can be believed
    std::vector<Head> heads;         // newest first; empty: no head file
    std::optional<Fault> fault;      // what needs a person

    /// Nothing was ever written here.
    [[nodiscard]] bool fresh() const { return !genesis && heads.empty() && !fault; }

    /// Records behind the head: committed by a process that died before it could report them.
    [[nodiscard]] bool ahead_of_head() const { return !heads.empty() && chain.tail.seq > heads.front().seq; }
};

/// The head is read before the database, so that it is a lower bound also while the daemon writes. Errors: Io,
/// NotAllowed.
Result<Inspection> inspect(const StateDir& dir, const Visitor& visit);

}  // namespace revertd::journal
