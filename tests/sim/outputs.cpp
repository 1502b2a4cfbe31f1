// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/outputs.h"

#include "core/narrate.h"
#include "daemon/journal/codec.h"

namespace revertd::sim {

std::string without_secret(const std::string& text, const std::string& where) {
    return text.find(kCanary) == std::string::npos ? std::string{} : where + " holds a secret: " + text;
}

ChainedJournal::ChainedJournal() {
    const journal::Genesis genesis{std::string(32, '0'), WallTime{}};
    genesis_.hash = genesis.hash();
    tail_ = genesis_;
}

std::string ChainedJournal::note(const Record& record) {
    const journal::Entry entry = journal::to_entry(record);
    journal::Link link{tail_.hash, journal::chain_hash(tail_.hash, entry)};
    tail_ = {entry.seq, link.own, entry.at, entry.wall};
    links_.push_back(std::move(link));
    const std::string words = without_secret(entry.body, "record " + std::to_string(record.seq));
    return words.empty() ? without_secret(narrate(record.fact), "what is said of record " + std::to_string(record.seq))
                         : words;
}

std::string ChainedJournal::verify(const std::vector<Record>& durable) const {
    journal::Tail before = genesis_;
    State fold, decoded;
    for (std::size_t i = 0; i < durable.size() && i < links_.size(); ++i) {
        const journal::Entry entry = journal::to_entry(durable[i]);
        if (const auto broken = journal::break_in_chain(before, entry, links_[i])) return *broken;
        before = {entry.seq, links_[i].own, entry.at, entry.wall};
        const auto record = journal::to_record(entry);
        if (!record) return "record " + std::to_string(entry.seq) + " cannot be read: " + record.error().message;
        fold.apply(durable[i]);
        decoded.apply(*record);
    }
    if (durable.size() != links_.size()) return "records are missing at the end";
    return fold.fingerprint() == decoded.fingerprint() ? std::string{} : "what is read is not what was written";
}

}  // namespace revertd::sim
