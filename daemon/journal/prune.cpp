// SPDX-License-Identifier: Apache-2.0
// `audit prune`. What was said of deploys that are long over is taken out; its hashes stay, and a record says which:
// the chain is whole, and what is blank without having been pruned is seen.
#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <set>

#include "daemon/journal/audit.h"
#include "daemon/journal/codec.h"

namespace revertd::journal {

namespace {

/// Kinds that the state does not need any more once their deploy is over: they are most of a journal.
constexpr std::array kPrunable{RuleChanged::kName,   HealthChanged::kName, Paged::kName,      Reminded::kName,
                               LadderClimbed::kName, BlindPaged::kName,    TargetNamed::kName};

bool is_prunable(const Entry& entry) {
    return std::any_of(kPrunable.begin(), kPrunable.end(), [&](const char* kind) { return entry.kind == kind; });
}

/// Where the oldest deploy or incident that is still open begins: nothing from there on is taken out.
class OpenSince {
  public:
    Result<void> note(const Entry& entry) {
        const bool matters = entry.kind == GuardOpened::kName || entry.kind == GuardClosed::kName ||
                             entry.kind == IncidentOpened::kName || entry.kind == IncidentClosed::kName;
        if (!matters) return {};
        const auto record = to_record(entry);
        if (!record) return record.error();
        if (const auto* opened = std::get_if<GuardOpened>(&record->fact)) guards_[opened->deploy] = entry.seq;
        if (const auto* closed = std::get_if<GuardClosed>(&record->fact)) guards_.erase(closed->deploy);
        if (const auto* opened = std::get_if<IncidentOpened>(&record->fact)) incidents_[opened->incident] = entry.seq;
        if (const auto* closed = std::get_if<IncidentClosed>(&record->fact)) incidents_.erase(closed->incident);
        return {};
    }

    [[nodiscard]] std::uint64_t seq(std::uint64_t otherwise) const {
        std::uint64_t first = otherwise;
        for (const auto* open : {&guards_, &incidents_})
            for (const auto& [id, seq] : *open) first = std::min(first, seq);
        return first;
    }

  private:
    std::map<std::string, std::uint64_t> guards_, incidents_;
};

struct Candidates {
    OpenSince open;
    std::vector<std::pair<std::uint64_t, Hash>> old;    ///< that may go, if nothing open needs them
    std::vector<std::pair<std::uint64_t, Hash>> blank;  ///< of earlier times
};

Result<Candidates> candidates(const StateDir& dir, WallTime before) {
    Candidates out;
    auto found = inspect(dir, [&](const Entry& entry, const Link& link) -> Result<void> {
        if (entry.body.empty()) out.blank.emplace_back(entry.seq, link.own);
        if (entry.body.empty()) return {};
        if (entry.wall < before && is_prunable(entry)) out.old.emplace_back(entry.seq, link.own);
        return out.open.note(entry);
    });
    if (!found) return found.error();
    if (found->fault)
        return Error(ErrorCode::Corrupt, found->fault->why, "`revertctl state accept` comes before anything is pruned");
    if (found->fresh()) return Error(ErrorCode::NotFound, "there is no journal in " + dir.path());
    return out;
}

PrunePlan plan_of(Candidates found, std::uint64_t beyond) {
    const std::uint64_t open = found.open.seq(beyond);
    std::erase_if(found.old, [&](const auto& one) { return one.first >= open; });
    PrunePlan plan{std::move(found.old), {}, 0, found.blank.size()};
    Doomed blank = std::move(found.blank);
    blank.insert(blank.end(), plan.records.begin(), plan.records.end());
    std::sort(blank.begin(), blank.end());
    BlankDigest digest;
    for (const auto& [seq, hash] : blank) digest.add(seq, hash);
    plan.digest = digest.hex();
    plan.blank = blank.size();
    return plan;
}

}  // namespace

Result<PrunePlan> plan_prune(const std::string& dir, WallTime before) {
    auto state = StateDir::open(dir, StateDir::Missing::Refuse);
    if (!state) return state.error();
    auto found = candidates(*state, before);
    if (!found) return found.error();
    return plan_of(std::move(*found), std::numeric_limits<std::uint64_t>::max());
}

Result<PruneReport> prune(const std::string& dir, const PruneOrder& order) {
    auto state = StateDir::open(dir, StateDir::Missing::Refuse);
    if (!state) return state.error();
    auto locked = state->lock();
    if (!locked) return locked.error();
    auto found = candidates(*state, order.before);
    if (!found) return found.error();
    auto store = Store::open(*state, Database::Mode::ReadWrite);
    if (!store) return store.error();
    auto tail = store->end();
    if (!tail) return tail.error();
    const PrunePlan plan = plan_of(std::move(*found), tail->seq + 1);
    PruneReport report{plan.records.size(), plan.before, 0};
    if (plan.records.empty()) return report;
    Pruned fact{order.by, plan.digest, plan.blank, plan.records.size()};
    const Entry entry = to_entry({tail->seq + 1, tail->at, order.wall, fact});
    auto written = store->blank(*tail, plan.records, entry);
    if (!written) return written.error();
    auto head = HeadFile::create(*state, {written->seq, written->hash});
    if (!head) return head.error();
    report.seq = entry.seq;
    return report;
}

}  // namespace revertd::journal
