// SPDX-License-Identifier: Apache-2.0
// `state accept`. The records that can be believed are written anew instead of mending a damaged database in place:
// SQLite promises nothing about a file that something else has changed.
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>

#include "daemon/journal/audit.h"
#include "daemon/journal/utf8.h"

namespace revertd::journal {

namespace {

constexpr std::size_t kCopiedAtOnce = 1000;

std::uint64_t highest_known(const Inspection& found, const Acceptance& acceptance) {
    const std::uint64_t head = found.heads.empty() ? 0 : found.heads.front().seq;
    return std::max({head, found.chain.tail.seq, acceptance.witnessed_seq});
}

std::optional<Fault> what_is_wrong(const Inspection& found, const Acceptance& acceptance) {
    if (!found.fault && !acceptance.unknown_step.empty())
        return Fault{found.chain.tail.seq + 1, "another witness knows of " + acceptance.unknown_step};
    if (found.fault || acceptance.witnessed_seq <= found.chain.tail.seq) return found.fault;
    return Fault{found.chain.tail.seq + 1,
                 "another witness knows of record " + std::to_string(acceptance.witnessed_seq)};
}

Entry accepted_entry(const Inspection& found, const Acceptance& acceptance, const Fault& fault) {
    const std::uint64_t lost_to = highest_known(found, acceptance);
    rapidjson::StringBuffer body;
    rapidjson::Writer<rapidjson::StringBuffer> out(body);
    out.StartObject();
    for (const auto& [name, value] :
         {std::pair("by", &acceptance.by), {"reason", &acceptance.reason}, {"found", &fault.why}}) {
        out.Key(name);
        out.String(valid_utf8(*value));
    }
    out.Key("kept_to");
    out.Uint64(found.chain.tail.seq);
    out.Key("lost_to");
    out.Uint64(lost_to);
    out.EndObject();
    return {.seq = lost_to + 1,
            .at = found.chain.tail.at,
            .wall = acceptance.wall,
            .kind = kAcceptedKind,
            .service = {},
            .incident = {},
            .body = body.GetString()};
}

Result<std::string> copy_aside(const StateDir& dir, WallTime wall) {
    const std::string path = dir.file("damaged-" + std::to_string(wall.time_since_epoch().count()));
    auto aside = StateDir::open(path, StateDir::Missing::Create);
    if (!aside) return aside.error();
    for (const char* name : {Store::kName, "journal.db-wal", HeadFile::kName, kFailedMarker}) {
        auto there = dir.has(name);
        if (!there) return there.error();
        if (!*there) continue;
        auto content = dir.read_file(name);
        if (!content) return content.error();
        auto copied = aside->replace_file(name, *content);
        if (!copied) return copied.error();
    }
    return path;
}

// What cannot be read of a damaged table of configurations is left out: a guard whose configuration is missing says so.
std::vector<std::string> readable_configs(Store& from) {
    std::vector<std::string> texts;
    auto hashes = from.config_hashes();
    if (!hashes) return texts;
    for (const std::string& hash : *hashes) {
        if (auto text = from.config(hash)) texts.push_back(std::move(*text));
    }
    return texts;
}

Result<Tail> copy_records(Store& from, Store& to, std::uint64_t last) {
    const Tail start{.seq = 0, .hash = from.genesis().hash()};
    auto written = to.append(start, {}, readable_configs(from));
    std::vector<std::pair<Entry, Link>> some;
    const auto flush = [&]() -> Result<void> {
        if (written) written = to.copy(*written, some);
        some.clear();
        if (!written) return written.error();
        return {};
    };
    auto walk = from.walk(start, last, [&](const Entry& entry, const Link& link) -> Result<void> {
        some.emplace_back(entry, link);
        return some.size() < kCopiedAtOnce ? Result<void>() : flush();
    });
    if (!walk) return walk.error();
    auto flushed = flush();
    if (!flushed) return flushed.error();
    return written;
}

// Answers where the chain of the new database ends.
Result<Tail> rebuild(const StateDir& dir, const Inspection& found, const Entry& accepted) {
    auto genesis = found.genesis ? Result<Genesis>(*found.genesis) : Genesis::make(accepted.wall);
    if (!genesis) return genesis.error();
    Result<Tail> tail = Tail{.seq = 0, .hash = genesis->hash()};
    auto replaced = Store::replace(dir, *genesis, [&](Store& store) -> Result<void> {
        if (found.genesis) {
            auto old = Store::open(dir, Database::Mode::ReadOnly);
            if (!old) return old.error();
            tail = copy_records(*old, store, found.chain.tail.seq);
        }
        if (tail) tail = store.append(*tail, {accepted}, {});
        if (!tail) return tail.error();
        return {};
    });
    if (!replaced) return replaced.wrap("rebuild the journal");
    return tail;
}

}  // namespace

Result<Accepted> accept(const std::string& dir, const Acceptance& acceptance) {
    auto state = StateDir::open(dir, StateDir::Missing::Refuse);
    if (!state) return state.error();
    auto locked = state->lock();
    if (!locked) return locked.error();
    auto found = inspect(*state, [](const Entry&, const Link&) { return Result<void>(); });
    if (!found) return found.error();
    const auto fault = what_is_wrong(*found, acceptance);
    if (!fault)
        return Error(ErrorCode::Invalid, "nothing is wrong with the journal in " + dir,
                     "`revertctl audit verify` says so too");
    auto aside = copy_aside(*state, acceptance.wall);
    if (!aside) return aside.error();
    const Entry entry = accepted_entry(*found, acceptance, *fault);
    // Between the removal of the old log and the new head, a crash leaves a state that again asks for a person.
    auto tail = rebuild(*state, *found, entry);
    if (!tail) return tail.error();
    auto head = HeadFile::create(*state, {tail->seq, tail->hash});
    if (!head) return head.error();
    auto removed = state->remove_file(kFailedMarker);
    if (!removed) return removed.error();
    return Accepted{.seq = entry.seq, .kept = found->chain.records, .accepted = fault, .aside = std::move(*aside)};
}

}  // namespace revertd::journal
