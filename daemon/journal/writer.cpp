// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/writer.h"

#include <algorithm>

#include "daemon/journal/limits.h"

namespace revertd::journal {

// A process killed between its commit and its head leaves records that nobody was told of. They are kept, and the head
// is moved onto them: the chain proves that this daemon wrote them, and a record too many is the safe side, because an
// intent without an outcome is asked about and not run (S34). But they may so far stand only in the kernel's memory. So
// a commit of our own comes first, whose sync covers the whole log, and the head follows it: it never claims what a
// power cut could still take.
Result<Writer> Writer::open(const StateDir& dir, Store store, const Tail& tail) {
    auto ready = store.count_start();
    if (ready) ready = store.checkpoint();
    if (!ready) return ready.wrap("open the journal");
    auto head = HeadFile::create(dir, {tail.seq, tail.hash});
    if (!head) return head.error();
    auto flight = FlightRecorder::open(dir);
    if (!flight) return flight.error();
    Writer writer(std::move(store), std::move(*head), std::move(*flight), tail);
    for (const char* name : {Store::kName, "journal.db-wal", HeadFile::kName}) {
        const auto id = dir.id_of(name);
        if (!id) return id.error();
        writer.files_.emplace_back(name, *id);
    }
    return writer;
}

Result<void> Writer::check_files(const StateDir& dir) {
    for (auto& [name, id] : files_) {
        const auto now = dir.id_of(name);
        if (!now && now.error().code != ErrorCode::NotFound) return now.error();
        if (!now || now->device != id.device || now->inode != id.inode)
            return Error(ErrorCode::Corrupt, dir.file(name) + " was removed or replaced");
        const bool may_shrink = id.size > static_cast<std::uint64_t>(Database::kLogSizeLimit);
        if (now->size < id.size && !may_shrink) return Error(ErrorCode::Corrupt, dir.file(name) + " was cut");
        id.size = now->size;
    }
    return {};
}

Result<void> Writer::write(const Batch& batch) {
    if (!batch.snapshots.empty()) {
        auto recorded = flight_.write(batch.snapshots);
        if (!recorded) return recorded;
    }
    if (batch.entries.empty() && batch.configs.empty()) return {};
    auto appended = store_.append(tail_, batch.entries, batch.configs, batch.doomed);
    if (!appended) return appended.error();
    tail_ = std::move(*appended);
    return head_.write({tail_.seq, tail_.hash});
}

Writer::Tidying Writer::tidying() const {
    const int frames = std::max(store_.log_frames(), flight_.log_frames());
    if (frames > kCheckpointAtOnce || head_.unsynced() > kHeadsAtOnce) return Tidying::AtOnce;
    return frames > kCheckpointFrames || head_.unsynced() > 0 ? Tidying::WhenQuiet : Tidying::Nothing;
}

Result<void> Writer::tidy_up() {
    if (head_.unsynced() > 0) {
        auto synced = head_.sync();
        if (!synced) return synced;
    }
    if (flight_.log_frames() > kCheckpointFrames) {
        auto done = flight_.tidy_up();
        if (!done) return done;
    }
    if (store_.log_frames() <= kCheckpointFrames) return {};
    return store_.checkpoint();
}

void Writer::empty_logs() {
    static_cast<void>(head_.sync());
    static_cast<void>(store_.empty_log());
    static_cast<void>(flight_.empty_log());
}

}  // namespace revertd::journal
