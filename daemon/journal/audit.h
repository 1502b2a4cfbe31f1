// SPDX-License-Identifier: Apache-2.0
// What a person does with a journal: have it verified, take it elsewhere, and accept what is left of a damaged one.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "daemon/journal/inspection.h"

namespace revertd::journal {

struct AuditReport {
    std::string instance;
    std::uint64_t records = 0;   // that continue the chain from the first one on
    Tail tail;                   // the last of them
    std::optional<Head> head;    // newest readable slot of the head file
    std::optional<Fault> fault;  // nothing: intact
    std::vector<std::string> notes;

    [[nodiscard]] bool intact() const { return !fault; }
};

/// Reads everything, changes nothing, also beside a running daemon. NotFound: no journal there; NotAllowed, Io.
Result<AuditReport> verify(const std::string& dir);

/// A few lines for a person; the last line says `intact` or what is wrong.
[[nodiscard]] std::string to_words(const AuditReport& report);

struct Acceptance {
    std::string by;      // who
    std::string reason;  // in their words
    WallTime wall{};
    /// The highest record that another witness knows of, e.g. the runner's receipts; numbers up to it are not given
    /// again.
    std::uint64_t witnessed_seq = 0;
    /// A step that another witness knows of and this journal does not, however far it has come since.
    std::string unknown_step = {};
};

struct Accepted {
    std::uint64_t seq = 0;          // of the record "state.accepted"
    std::uint64_t kept = 0;         // records that still count
    std::optional<Fault> accepted;  // what was wrong
    std::string aside;              // directory with the damaged files
};

/// Keeps every record up to the first one that cannot be believed, appends "state.accepted" and rewrites the head. The
/// damaged files are copied aside first. Invalid if nothing is wrong; Conflict while a daemon runs; NotFound,
/// NotAllowed, Io, Limit.
Result<Accepted> accept(const std::string& dir, const Acceptance& acceptance);

struct PruneOrder {
    std::string by;
    WallTime before{};  // records of deploys and incidents that were over by then
    WallTime wall{};    // now
};

/// What a pruning takes out.
struct PrunePlan {
    Doomed records;
    std::string digest;        // over all that are blank then
    std::uint64_t blank = 0;   // so many are
    std::uint64_t before = 0;  // so many are already
};

/// Reads everything, changes nothing, also beside a running daemon. Corrupt if the journal is not intact.
Result<PrunePlan> plan_prune(const std::string& dir, WallTime before);

struct PruneReport {
    std::uint64_t more = 0;    // taken out by this
    std::uint64_t before = 0;  // were blank already
    std::uint64_t seq = 0;     // of the record "journal.pruned"; 0: there was nothing to do
};

/// Takes out what was said of deploys that are over (verdicts, pages, reminders), never what the state is made of:
/// their hashes stay, and "journal.pruned" vouches for the blank ones, so that `verify` still holds. Conflict while a
/// daemon runs; Corrupt if the journal is not intact.
Result<PruneReport> prune(const std::string& dir, const PruneOrder& order);

/// One JSON object a record, with its hashes, to `line` (without line end). Corrupt where the chain breaks.
Result<void> export_jsonl(const std::string& dir, const std::function<void(std::string_view)>& line);

}  // namespace revertd::journal
