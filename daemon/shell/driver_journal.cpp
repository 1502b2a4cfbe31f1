// SPDX-License-Identifier: Apache-2.0
// What waits for the disk: until it is there, or will never be.
#include <algorithm>
#include <utility>

#include "core/policy.h"
#include "daemon/shell/driver.h"

namespace revertd {

/// Nothing waits for a journal that takes nothing more but that people hear of it.
void Driver::tell_of_journal(const std::vector<Record>& records) {
    for (const Record& record : records) {
        const auto* page = std::get_if<Paged>(&record.fact);
        if (page != nullptr && page->about == kJournal && parts_.tell_anyway) parts_.tell_anyway(record);
    }
}

/// What waits for the disk goes on first; telling of it may take its time.
void Driver::durable(std::uint64_t seq) {
    feed(event::Durable{seq});
    while (!not_durable_.empty() && not_durable_.front().seq <= seq) {
        publish(not_durable_.front());
        not_durable_.pop_front();
    }
    for (Waiting& w : waiting_)
        if (w.seq <= seq) w.answer(w.reply);
    std::erase_if(waiting_, [&](const Waiting& w) { return w.seq <= seq; });
}

/// Whoever waits for the disk is told now: an answer that never comes would say less.
void Driver::give_up_waiting(const std::string& reason) {
    if (journal_lost_.empty()) journal_lost_ = reason;
    not_durable_.clear();
    std::vector<Waiting> waiting = std::exchange(waiting_, {});
    for (Waiting& w : waiting) {
        w.reply.error = not_on_disk();
        w.answer(w.reply);
    }
}

Error Driver::not_on_disk() const {
    return {ErrorCode::Unavailable, "in force, but not on disk, so only until revertd ends: " + journal_lost_,
            "revertctl audit verify says what is wrong; ask again after a restart"};
}

}  // namespace revertd
