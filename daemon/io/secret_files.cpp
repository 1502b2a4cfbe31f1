// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/secret_files.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "daemon/io/limits.h"
#include "daemon/io/loop.h"

namespace revertd {
namespace {

/// Empty: it cannot be read, or there is nothing in it.
std::string read_first_line(const std::string& path) {
    std::ifstream in(path);
    std::string bytes(kMaxSecretBytes, '\0');
    in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(in.gcount()));
    bytes.resize(std::min(bytes.size(), bytes.find('\n')));
    while (!bytes.empty() && (bytes.back() == '\r' || bytes.back() == ' ')) bytes.pop_back();
    return bytes;
}

}  // namespace

/// Outlives the owner while a read hangs: that cannot be interrupted.
struct SecretFiles::Shared {
    explicit Shared(Loop& loop_) : loop(loop_) {}

    struct Entry {
        std::optional<std::string> line;  ///< nothing: it was not read yet
        Time asked{};
        bool reading = false;
    };

    Loop& loop;
    std::mutex mutex;
    std::condition_variable read;
    std::map<std::string, Entry> entries;  ///< by path, as many as the configurations have named
    std::deque<std::string> queue;
    std::size_t threads = 0;
    bool ended = false;
    bool awaited = false;          ///< somebody is to be told of a reading's end
    SecretFiles* owner = nullptr;  ///< on the loop's thread only

    /// What the loop calls later: the owner may be gone by then.
    static std::function<void()> later(const std::shared_ptr<Shared>& shared) {
        return [shared] {
            if (shared->owner != nullptr) shared->owner->look();
        };
    }
};

SecretFiles::SecretFiles(Loop& loop)
    : loop_(loop), patience_(kSecretPatience), shared_(std::make_shared<Shared>(loop)) {
    shared_->owner = this;
}

SecretFiles::~SecretFiles() {
    shared_->owner = nullptr;
    const std::lock_guard lock(shared_->mutex);
    shared_->ended = true;
}

/// With the mutex held: unless the last reading is younger than `age`. True: the first one begins.
bool SecretFiles::refresh(const SecretPath& file, Duration age) {
    const Time now = loop_.now();
    Shared::Entry& entry = shared_->entries[file.path];
    const bool first = entry.asked == Time{};
    if (entry.reading || (!first && now - entry.asked < age)) return false;
    entry.reading = true;
    entry.asked = now;
    shared_->queue.push_back(file.path);
    start_thread();
    return first;
}

Result<std::string> SecretFiles::first_line(const SecretPath& file) {
    const auto unavailable = [&](const char* why) {
        return Error(ErrorCode::Unavailable, "the secret " + file.name + " cannot be read" + why);
    };
    if (file.path.empty()) return unavailable("");
    std::unique_lock lock(shared_->mutex);
    const bool first = refresh(file, kSecretAge);
    const Shared::Entry& entry = shared_->entries[file.path];
    if (first && patience_ > Duration{}) {
        const Time begin = loop_.now();
        shared_->read.wait_for(lock, patience_, [&] { return !entry.reading; });
        patience_ -= loop_.now() - begin;
    }
    if (!entry.line) return unavailable(" in time");
    if (entry.line->empty()) return unavailable("");
    return *entry.line;
}

void SecretFiles::read(const std::vector<SecretPath>& files, std::function<void()> done) {
    {
        const std::lock_guard lock(shared_->mutex);
        for (const SecretPath& file : files)
            if (!file.path.empty()) refresh(file, {});
        shared_->awaited = true;
    }
    if (!being_read(files)) return done();
    waiting_.push_back({files, loop_.now() + kSecretPatience, std::move(done)});
    loop_.at(waiting_.back().until, Shared::later(shared_));
}

bool SecretFiles::being_read(const std::vector<SecretPath>& files) const {
    const std::lock_guard lock(shared_->mutex);
    return std::any_of(files.begin(), files.end(), [&](const SecretPath& file) {
        const auto entry = shared_->entries.find(file.path);
        return entry != shared_->entries.end() && entry->second.reading;
    });
}

/// What is called may ask for the next reading.
void SecretFiles::look() {
    std::list<Waiting> over;
    for (auto it = waiting_.begin(); it != waiting_.end();) {
        const auto next = std::next(it);
        if (loop_.now() >= it->until || !being_read(it->files)) over.splice(over.end(), waiting_, it);
        it = next;
    }
    {
        const std::lock_guard lock(shared_->mutex);
        shared_->awaited = !waiting_.empty();
    }
    for (const Waiting& one : over) one.done();
}

/// With the mutex held. A thread lives while there is something to read; where the system grants none, the next call
/// tries again.
void SecretFiles::start_thread() {
    if (shared_->threads >= kSecretThreads) return;
    try {
        std::thread(work, shared_).detach();
        ++shared_->threads;
    } catch (const std::system_error&) {
        if (shared_->threads > 0) return;
        for (const std::string& path : shared_->queue) shared_->entries[path].reading = false;
        shared_->queue.clear();
    }
}

void SecretFiles::work(const std::shared_ptr<Shared>& shared) {
    std::unique_lock lock(shared->mutex);
    while (!shared->queue.empty() && !shared->ended) {
        const std::string path = std::move(shared->queue.front());
        shared->queue.pop_front();
        lock.unlock();
        std::string line = read_first_line(path);
        lock.lock();
        Shared::Entry& entry = shared->entries[path];
        if (!line.empty() || !entry.line) entry.line = std::move(line);
        entry.reading = false;
        shared->read.notify_all();
        // With the mutex held: whoever ends this object waits, and the loop outlives it.
        if (shared->awaited && !shared->ended) shared->loop.post(Shared::later(shared));
    }
    --shared->threads;
}

}  // namespace revertd
