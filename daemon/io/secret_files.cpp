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
    struct Entry {
        std::optional<std::string> line;  ///< nothing: it was not read yet
        Time asked{};
        bool reading = false;
    };

    std::mutex mutex;
    std::condition_variable read;
    std::map<std::string, Entry> entries;  ///< by path, as many as the configurations have named
    std::deque<std::string> queue;
    std::size_t threads = 0;
    bool ended = false;
};

SecretFiles::SecretFiles(Loop& loop) : loop_(loop), shared_(std::make_shared<Shared>()) {}

SecretFiles::~SecretFiles() {
    const std::lock_guard lock(shared_->mutex);
    shared_->ended = true;
}

Result<std::string> SecretFiles::first_line(const SecretPath& file) {
    const auto unavailable = [&](const char* why) {
        return Error(ErrorCode::Unavailable, "the secret " + file.name + " cannot be read" + why);
    };
    if (file.path.empty()) return unavailable("");
    const Time now = loop_.now();
    std::unique_lock lock(shared_->mutex);
    Shared::Entry& entry = shared_->entries[file.path];
    bool wait = false;
    if (!entry.reading && (entry.asked == Time{} || now - entry.asked >= kSecretAge)) {
        wait = !entry.line || entry.line->empty();
        entry.reading = true;
        entry.asked = now;
        shared_->queue.push_back(file.path);
        start_thread();
    }
    if (wait) shared_->read.wait_for(lock, kSecretPatience, [&] { return !entry.reading; });
    if (!entry.line) return unavailable(" in time");
    if (entry.line->empty()) return unavailable("");
    return *entry.line;
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
    }
    --shared->threads;
}

}  // namespace revertd
