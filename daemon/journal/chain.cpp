// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/chain.h"

#include <sys/random.h>

#include <array>

#include "core/sha256.h"

namespace revertd::journal {

namespace {

std::string nanoseconds(Duration since_epoch) {
    return std::to_string(since_epoch.count());
}

std::string record(std::uint64_t seq) {
    return "record " + std::to_string(seq);
}

}  // namespace

Result<Genesis> Genesis::make(WallTime created) {
    std::array<char, 16> bytes{};
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
        return Error(ErrorCode::Io, "the kernel gives no random bytes");
    }
    return Genesis{sha256_hex({bytes.data(), bytes.size()}).substr(0, 32), created};
}

Hash Genesis::hash() const {
    return Sha256()
        .field("revertd journal 1")
        .field(instance)
        .field(nanoseconds(created.time_since_epoch()))
        .finish_hex();
}

Hash chain_hash(const Hash& previous, const Entry& entry) {
    Sha256 hasher;
    hasher.field(previous).field(std::to_string(entry.seq));
    hasher.field(nanoseconds(entry.at.time_since_epoch())).field(nanoseconds(entry.wall.time_since_epoch()));
    hasher.field(entry.kind).field(entry.service).field(entry.incident).field(entry.body);
    return hasher.finish_hex();
}

std::optional<std::string> break_in_chain(const Tail& before, const Entry& entry, const Link& link) {
    // A person who accepted a lost tail left the lost numbers out, so that none is ever given twice.
    const bool may_skip = entry.kind == kAcceptedKind;
    if (entry.seq != before.seq + 1 && !(may_skip && entry.seq > before.seq)) {
        return "records " + std::to_string(before.seq + 1) + " to " + std::to_string(entry.seq - 1) + " are missing";
    }
    if (link.previous != before.hash)
        return record(entry.seq) + " does not follow " + record(before.seq) + ": its previous hash is another";
    const bool blank = entry.body.empty();  // pruned: its digest is looked at as a whole
    if (!blank && link.own != chain_hash(link.previous, entry))
        return record(entry.seq) + " was changed: its hash does not match its content";
    return std::nullopt;
}

}  // namespace revertd::journal
