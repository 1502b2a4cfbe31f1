// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/journal.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "core/sha256.h"
#include "daemon/journal/inspection.h"
#include "daemon/journal/writer.h"

namespace revertd::journal {

namespace {

constexpr const char* kReserve = "reserve";

std::size_t size_of(const std::vector<Entry>& entries) {
    std::size_t bytes = 0;
    for (const Entry& entry : entries) {
        bytes += sizeof(Entry) + entry.kind.size() + entry.service.size() + entry.incident.size() + entry.body.size();
    }
    return bytes;
}

// Who numbers records himself must come to the same numbers.
bool may_be_numbered(const std::vector<Entry>& entries, std::uint64_t next) {
    return std::all_of(entries.begin(), entries.end(), [&](const Entry& entry) {
        const std::uint64_t expected = next++;
        return entry.seq == 0 || entry.seq == expected;
    });
}

Result<Store> open_store(const StateDir& dir, const Inspection& found, WallTime wall) {
    if (found.fresh()) {
        auto genesis = Genesis::make(wall);
        if (!genesis) return genesis.error();
        auto made = Store::replace(dir, *genesis, [](Store&) { return Result<void>(); });
        if (!made) return made.error();
    }
    return Store::open(dir, Database::Mode::ReadWrite);
}

}  // namespace

struct Journal::Impl {
    enum class Health { Good, Full, Failed };

    Impl(Options options_, StateDir dir_) : options(std::move(options_)), dir(std::move(dir_)) {}

    Result<void> open();
    void describe(const Inspection& found);
    void start();
    void stop();

    Result<void> admit(std::size_t bytes);
    void add_routine(Snapshot snapshot);
    void run();
    bool take(Batch& batch);
    void write(const Batch& batch);
    void tidy_up();
    Result<void> write_from_reserve(const Batch& batch, const Error& full);
    void fail(Health worse, const std::string& reason);
    void mark_failed(const Error& error) const;

    Options options;
    StateDir dir;
    std::optional<Writer> writer;  // the thread's, once that runs
    std::string instance;
    std::vector<std::string> notes;

    mutable std::mutex mutex;
    std::condition_variable work;
    Batch queued;
    std::size_t queued_bytes = 0;
    std::deque<Snapshot> routine;  // oldest first: written when nothing else is queued
    std::size_t routine_bytes = 0;
    Time routine_since{};  // that the first of them waits
    std::uint64_t next_seq = 1;
    Tail durable;
    Health health = Health::Good;
    bool stopping = false;

    std::thread thread;
};

// --- opening ---

Result<std::unique_ptr<Journal>> Journal::open(Options options) {
    auto dir = StateDir::open(options.dir, StateDir::Missing::Create);
    if (!dir) return dir.error();
    auto locked = dir->lock();
    if (!locked) return locked.error();
    auto impl = std::make_unique<Impl>(std::move(options), std::move(*dir));
    auto opened = impl->open();
    if (!opened) return opened.error();
    impl->start();
    return std::unique_ptr<Journal>(new Journal(std::move(impl)));
}

Journal::Journal(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Journal::~Journal() {
    impl_->stop();
}

Result<void> Journal::Impl::open() {
    auto found = inspect(dir, [](const Entry&, const Link&) { return Result<void>(); });
    if (!found) return found.error();
    if (found->fault) {
        return Error(
            ErrorCode::Corrupt, "the journal in " + dir.path() + " needs a person: " + found->fault->why,
            "`revertctl audit verify` shows what is wrong, `revertctl state accept` goes on from what is left");
    }
    auto store = open_store(dir, *found, options.clock->now().wall);
    if (!store) return store.error();
    instance = store->genesis().instance;
    if (found->fresh()) found->chain.tail.hash = store->genesis().hash();
    auto opened = Writer::open(dir, std::move(*store), found->chain.tail);
    if (!opened) {
        mark_failed(opened.error());
        return opened.error();
    }
    writer.emplace(std::move(*opened));
    durable = writer->tail();
    next_seq = durable.seq + 1;
    describe(*found);
    auto reserved = dir.reserve(kReserve, options.reserve_bytes);
    if (!reserved && reserved.error().code != ErrorCode::Limit) return reserved;
    if (!reserved) health = Health::Full;
    return {};
}

void Journal::Impl::describe(const Inspection& found) {
    if (found.ahead_of_head()) {
        notes.push_back("records " + std::to_string(found.heads.front().seq + 1) + " to " +
                        std::to_string(durable.seq) + " were written but not reported before the last end; they count");
    }
    if (writer->flight_recorder_set_aside()) notes.emplace_back("the flight recorder was unreadable and starts empty");
}

void Journal::Impl::start() {
    thread = std::thread([this] { run(); });
}

void Journal::Impl::stop() {
    {
        const std::lock_guard lock(mutex);
        stopping = true;
    }
    work.notify_one();
    thread.join();
    if (health == Health::Good) writer->empty_logs();
}

// --- the callers' side ---

Result<void> Journal::Impl::admit(std::size_t bytes) {
    if (health == Health::Failed) return Error(ErrorCode::Unavailable, "the journal has failed");
    if (queued_bytes + bytes > kMaxQueuedBytes) return Error(ErrorCode::Limit, "too much waits for the journal's disk");
    queued_bytes += bytes;
    return {};
}

// However long a disk hangs, nothing else is refused for them.
void Journal::Impl::add_routine(Snapshot snapshot) {
    routine_bytes += snapshot.bytes.size();
    routine.push_back(std::move(snapshot));
    while (routine_bytes > kMaxRoutineBytes && routine.size() > 1) {
        routine_bytes -= routine.front().bytes.size();
        routine.pop_front();
    }
    if (routine.size() == 1) routine_since = options.clock->now().at;
    if (routine.size() == 1 || routine.size() >= kRoutineSnapshots) work.notify_one();
}

Result<std::uint64_t> Journal::append(std::vector<Entry> entries, Doomed doomed) {
    for (const Entry& entry : entries) {
        if (entry.body.size() > kMaxBodyBytes)
            return Error(ErrorCode::Limit, "a record of kind " + entry.kind + " is too large");
    }
    const std::lock_guard lock(impl_->mutex);
    if (!may_be_numbered(entries, impl_->next_seq)) {
        return Error(ErrorCode::Invalid, "a record to append is not number " + std::to_string(impl_->next_seq));
    }
    auto admitted = impl_->admit(size_of(entries));
    if (!admitted) return admitted.error();
    for (Entry& entry : entries) {
        entry.seq = impl_->next_seq++;
        impl_->queued.entries.push_back(std::move(entry));
    }
    impl_->queued.doomed.insert(impl_->queued.doomed.end(), doomed.begin(), doomed.end());
    impl_->work.notify_one();
    return impl_->next_seq - 1;
}

bool Journal::has_failed() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->health == Impl::Health::Failed;
}

Result<std::string> Journal::pin_config(std::string text) {
    std::string hash = sha256_hex(text);
    const std::lock_guard lock(impl_->mutex);
    auto admitted = impl_->admit(text.size());
    if (!admitted) return admitted.error();
    impl_->queued.configs.push_back(std::move(text));
    impl_->work.notify_one();
    return hash;
}

Result<Hash> Journal::record_flight(Snapshot snapshot) {
    Hash hash = snapshot_hash(snapshot);
    if (auto kept = keep_flight(std::move(snapshot)); !kept) return kept.error();
    return hash;
}

Result<void> Journal::keep_flight(Snapshot snapshot) {
    if (snapshot.bytes.size() > kMaxSnapshotBytes)
        return Error(ErrorCode::Limit, "a snapshot of " + snapshot.service + " is too large");
    const std::lock_guard lock(impl_->mutex);
    const bool cited = !snapshot.incident.empty();
    auto admitted = impl_->admit(cited ? sizeof(Snapshot) + snapshot.service.size() + snapshot.bytes.size() : 0);
    if (!admitted) return admitted.error();
    if (cited) {
        impl_->queued.snapshots.push_back(std::move(snapshot));
        impl_->work.notify_one();
    } else {
        impl_->add_routine(std::move(snapshot));
    }
    return {};
}

Result<void> Journal::for_each(std::uint64_t from, const std::function<Result<void>(const Entry&)>& visit) const {
    const std::uint64_t last = tail().seq;
    if (last < from) return {};
    auto store = Store::open(impl_->dir, Database::Mode::ReadOnly);
    if (!store) return store.error();
    auto before = store->before(from);
    if (!before) return before.error();
    auto walk = store->walk(*before, last, [&](const Entry& entry, const Link&) {
        return entry.body.empty() ? Result<void>() : visit(entry);  // pruned: nothing is left of it
    });
    if (!walk) return walk.error();
    if (walk->fault) return Error(ErrorCode::Corrupt, walk->fault->why);
    if (walk->tail.seq != last)
        return Error(ErrorCode::Corrupt, "the journal ends at " + std::to_string(walk->tail.seq));
    return {};
}

Result<std::string> Journal::config_text(const std::string& hash) const {
    auto store = Store::open(impl_->dir, Database::Mode::ReadOnly);
    if (!store) return store.error();
    return store->config(hash);
}

Result<Recovered> Journal::latest_flight(const std::string& service) const {
    return FlightRecorder::latest(impl_->dir, service);
}

Result<Snapshot> Journal::find_flight(const Hash& hash) const {
    return FlightRecorder::find(impl_->dir, hash);
}

Tail Journal::tail() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->durable;
}

const std::string& Journal::instance() const {
    return impl_->instance;
}

const std::vector<std::string>& Journal::notes() const {
    return impl_->notes;
}

// --- the journal's thread ---

void Journal::Impl::run() {
    if (health == Health::Full) fail(Health::Full, "the disk is full: there is no room for the reserve");
    Batch batch;
    while (take(batch)) write(batch);
}

bool Journal::Impl::take(Batch& batch) {
    batch = {};
    std::unique_lock lock(mutex);
    const auto urgent = [this] { return stopping || !queued.empty() || routine.size() >= kRoutineSnapshots; };
    using Tidying = Writer::Tidying;
    const Tidying tidying = health == Health::Failed ? Tidying::Nothing : writer->tidying();
    const bool quiet = tidying == Tidying::WhenQuiet && !work.wait_for(lock, kQuiet, urgent);
    if (tidying == Tidying::AtOnce || quiet) {
        lock.unlock();
        tidy_up();
        lock.lock();
    }
    work.wait(lock, [&] { return urgent() || !routine.empty(); });
    if (!urgent()) work.wait_for(lock, routine_since + kRoutineWait - options.clock->now().at, urgent);
    std::swap(batch, queued);
    queued_bytes = 0;
    if (!batch.empty()) return true;
    while (!routine.empty() && (stopping || batch.snapshots.size() < kRoutineSnapshots)) {
        routine_bytes -= routine.front().bytes.size();
        batch.snapshots.push_back(std::move(routine.front()));
        routine.pop_front();
    }
    routine_since = options.clock->now().at;
    return !batch.empty();
}

void Journal::Impl::write(const Batch& batch) {
    if (health == Health::Failed) return;
    const Time started = options.clock->now().at;
    auto written = writer->check_files(dir);
    if (written) written = writer->write(batch);
    if (!written && written.error().code == ErrorCode::Limit) written = write_from_reserve(batch, written.error());
    if (written) written = writer->check_files(dir);
    if (!written) {
        mark_failed(written.error());
        return fail(Health::Failed, written.error().message);
    }
    {
        const std::lock_guard lock(mutex);
        durable = writer->tail();
    }
    const bool anybody_waits = !batch.entries.empty() || !batch.configs.empty();
    if (options.durable && anybody_waits) options.durable({writer->tail().seq, options.clock->now().at - started});
}

void Journal::Impl::tidy_up() {
    auto tidied = writer->tidy_up();
    if (!tidied && tidied.error().code != ErrorCode::Limit) {
        mark_failed(tidied.error());
        fail(Health::Failed, tidied.error().message);
    }
}

// The failure is told first: when the callers learn that the batch is durable, they know already that nothing may act
// on it.
Result<void> Journal::Impl::write_from_reserve(const Batch& batch, const Error& full) {
    if (health != Health::Good) return full;
    auto released = dir.remove_file(kReserve);
    if (!released) return released;
    fail(Health::Full, "the disk is full: " + full.message);
    return writer->write(batch);
}

void Journal::Impl::fail(Health worse, const std::string& reason) {
    {
        const std::lock_guard lock(mutex);
        health = worse;
        if (worse == Health::Failed) {
            queued = {};
            routine.clear();
            routine_bytes = 0;
        }
    }
    if (options.failed) options.failed(reason);
}

// A full disk loses nothing that was reported, so the next start needs nobody. After any other error the kernel's
// memory and the disk may differ, and reading everything well proves nothing. That this note fails too changes nothing
// more.
void Journal::Impl::mark_failed(const Error& error) const {
    const bool in_doubt = error.code != ErrorCode::Limit && error.code != ErrorCode::NotAllowed;
    if (in_doubt) static_cast<void>(dir.replace_file(kFailedMarker, error.message));
}

}  // namespace revertd::journal
