// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/inspection.h"

#include <algorithm>
#include <limits>

#include "daemon/journal/codec.h"

namespace revertd::journal {

namespace {

constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();

std::string number(std::uint64_t seq) {
    return std::to_string(seq);
}

// Which slots of the head file name a record that the chain really has.
struct Witnesses {
    explicit Witnesses(const std::vector<Head>& heads) : heads_(heads), confirmed_(heads.size(), false) {}

    void meet(std::uint64_t seq, const Hash& hash) {
        for (std::size_t i = 0; i < heads_.size(); ++i) {
            if (heads_[i].seq == seq && heads_[i].hash == hash) confirmed_[i] = true;
        }
    }

    [[nodiscard]] std::optional<Fault> contradiction(const Tail& tail) const {
        for (std::size_t i = 0; i < heads_.size(); ++i) {
            if (confirmed_[i]) continue;
            const Head& head = heads_[i];
            if (head.seq > tail.seq) {
                return Fault{tail.seq + 1, "records " + number(tail.seq + 1) + " to " + number(head.seq) +
                                               " were durable and are gone: the journal ends at " + number(tail.seq)};
            }
            return Fault{head.seq,
                         "record " + number(head.seq) + " is not the one that was durable: its hash was " + head.hash};
        }
        return std::nullopt;
    }

  private:
    const std::vector<Head>& heads_;
    std::vector<bool> confirmed_;
};

Result<void> read_heads(const StateDir& dir, Inspection& found) {
    auto heads = HeadFile::read(dir);
    if (heads) {
        found.heads = std::move(*heads);
        return {};
    }
    if (heads.error().code == ErrorCode::NotFound) return {};
    if (heads.error().code != ErrorCode::Corrupt) return heads.error();
    found.fault = Fault{0, heads.error().message};
    return {};
}

// The chain only names the pinned configurations by their hash.
std::optional<Fault> changed_config(Store& store) {
    auto hashes = store.config_hashes();
    if (!hashes) return Fault{0, hashes.error().message};
    for (const std::string& hash : *hashes) {
        auto text = store.config(hash);
        if (!text) return Fault{0, text.error().message};
    }
    return std::nullopt;
}

// Blank records, and what the newest record of a pruning says of them.
struct Blanks {
    BlankDigest digest;
    std::uint64_t first = 0;
    std::optional<std::string> vouched;

    void meet(const Entry& entry, const Link& link) {
        if (entry.body.empty()) {
            if (digest.count() == 0) first = entry.seq;
            digest.add(entry.seq, link.own);
        }
        if (entry.kind != kPrunedKind || entry.body.empty()) return;
        const auto record = to_record(entry);
        const auto* fact = record ? std::get_if<Pruned>(&record->fact) : nullptr;
        vouched = fact != nullptr ? fact->digest : std::string{};
    }

    [[nodiscard]] std::optional<Fault> contradiction() const {
        if (digest.count() == 0 || vouched == digest.hex()) return std::nullopt;
        return Fault{first, "records are blank, record " + number(first) + " the first, and no pruning says so"};
    }
};

Result<void> read_chain(Store& store, const Visitor& visit, Inspection& found) {
    Witnesses witnesses(found.heads);
    Blanks blanks;
    const Tail start{.seq = 0, .hash = store.genesis().hash()};
    witnesses.meet(start.seq, start.hash);
    auto chain = store.walk(start, kAll, [&](const Entry& entry, const Link& link) -> Result<void> {
        witnesses.meet(entry.seq, link.own);
        blanks.meet(entry, link);
        return visit(entry, link);
    });
    if (!chain) return chain.error();
    found.chain = std::move(*chain);
    if (found.fault) return {};
    found.fault = found.chain.fault ? found.chain.fault : witnesses.contradiction(found.chain.tail);
    if (!found.fault) found.fault = blanks.contradiction();
    // The tables are made before the head: without a record, no head is a creation that was cut short.
    if (!found.fault && found.heads.empty() && found.chain.records > 0) {
        found.fault = Fault{
            0, "the head file is gone: nothing shows that these " + number(found.chain.records) + " records are all"};
    }
    if (!found.fault) found.fault = changed_config(store);
    return {};
}

Result<void> read_database(const StateDir& dir, const Visitor& visit, Inspection& found) {
    auto store = Store::open(dir, Database::Mode::ReadOnly);
    if (store) {
        found.genesis = store->genesis();
        return read_chain(*store, visit, found);
    }
    const bool gone = store.error().code == ErrorCode::NotFound;
    if (!gone && store.error().code != ErrorCode::Corrupt) return store.error();
    const bool was_there = !found.heads.empty();
    if (!found.fault && !gone) found.fault = Fault{0, store.error().message};
    if (!found.fault && was_there) {
        found.fault = Fault{1, store.error().message + ", but the head file says that it held " +
                                   number(found.heads.front().seq) + " records"};
    }
    return {};
}

Result<void> read_marker(const StateDir& dir, Inspection& found) {
    auto there = dir.has(kFailedMarker);
    if (!there) return there.error();
    if (!*there || found.fault) return {};
    auto reason = dir.read_file(kFailedMarker);
    if (!reason) return reason.error();
    found.fault = Fault{0, "the disk failed under the journal: " + *reason};
    return {};
}

}  // namespace

Result<Inspection> inspect(const StateDir& dir, const Visitor& visit) {
    Inspection found;
    auto read = read_heads(dir, found);
    if (read) read = read_database(dir, visit, found);
    if (read) read = read_marker(dir, found);
    if (!read) return read.error();
    return found;
}

}  // namespace revertd::journal
