// SPDX-License-Identifier: Apache-2.0
// `audit prune` beside the running daemon: found on a thread of its own, taken out with the record that says so.
#include "daemon/io/loop.h"
#include "daemon/shell/driver.h"

namespace revertd {

void Driver::prune(const Peer& peer, WallTime before, PruneAnswered answered) {
    if (pruning_ != nullptr || !doomed_.empty())
        return answered(Error(ErrorCode::Conflict, "the journal is being pruned", "ask again when it has ended"));
    const auto found = [this, peer, answered](Result<journal::PrunePlan> plan) {
        pruning_.reset();
        if (!plan) return answered(plan.error());
        PruneAnswer report{plan->records.size(), plan->before, 0};
        if (plan->records.empty()) return answered(report);
        doomed_ = std::move(plan->records);
        command(peer, command::Prune{plan->digest, plan->blank, report.more},
                [this, answered, report](const effect::Reply& reply) {
                    doomed_.clear();
                    if (reply.error) return answered(*reply.error);
                    answered(PruneAnswer{report.more, report.before, pruned_seq_});
                });
    };
    pruning_ = std::make_unique<PruneWorker>(parts_.loop, dir_, before, found);
}

}  // namespace revertd
