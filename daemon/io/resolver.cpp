// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/resolver.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>

#include "daemon/io/limits.h"
#include "daemon/io/loop.h"

namespace revertd {

bool Address::operator==(const Address& other) const {
    if (family() != other.family()) return false;
    if (family() == AF_INET6) {
        return std::memcmp(&storage.sin6_addr, &other.storage.sin6_addr, sizeof storage.sin6_addr) == 0 &&
               storage.sin6_scope_id == other.storage.sin6_scope_id;
    }
    return reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr.s_addr ==
           reinterpret_cast<const sockaddr_in*>(&other.storage)->sin_addr.s_addr;
}

std::optional<Address> parse_address(const std::string& host) {
    Address address;
    auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
    if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        return address;
    }
    if (inet_pton(AF_INET6, host.c_str(), &address.storage.sin6_addr) == 1) {
        address.storage.sin6_family = AF_INET6;
        return address;
    }
    return std::nullopt;
}

class Resolver::Impl {
  public:
    Impl(Loop& loop, Lookup lookup) : loop_(loop), shared_(std::make_shared<Shared>()) {
        shared_->loop = &loop;
        shared_->owner = this;
        shared_->lookup = std::move(lookup);
    }

    ~Impl() {
        shared_->owner = nullptr;
        const std::lock_guard lock(shared_->mutex);
        shared_->loop = nullptr;
        shared_->wake.notify_all();
    }

    const Addresses* find(const std::string& host) const {
        const auto entry = entries_.find(host);
        return entry != entries_.end() && loop_.now() < entry->second.fresh_until ? &entry->second.addresses : nullptr;
    }

    void resolve(const std::string& host, ResolveWaiter& waiter) {
        Entry& entry = entries_[host];
        entry.waiters.push_back(&waiter);
        if (std::exchange(entry.is_asked, true)) return;
        const std::lock_guard lock(shared_->mutex);
        shared_->queue.push_back(host);
        if (shared_->idle >= shared_->queue.size() || shared_->threads >= kResolverThreads) {
            shared_->wake.notify_one();
        } else {
            start_thread();
        }
    }

    void cancel(const std::string& host, ResolveWaiter& waiter) {
        std::erase(entries_[host].waiters, &waiter);
        std::replace(told_.begin(), told_.end(), &waiter, static_cast<ResolveWaiter*>(nullptr));
    }

  private:
    struct Entry {
        Addresses addresses;
        Time fresh_until;
        bool is_asked = false;
        std::vector<ResolveWaiter*> waiters;
    };

    /// What the helper threads see. They may outlive the resolver: a lookup that hangs cannot be interrupted.
    struct Shared {
        std::mutex mutex;
        std::condition_variable wake;
        std::deque<std::string> queue;
        Loop* loop = nullptr;  // null when the resolver is gone
        std::size_t threads = 0;
        std::size_t idle = 0;
        Lookup lookup;
        Impl* owner = nullptr;  // of the loop's thread only
    };

    /// With the mutex held. If the system grants no thread, the busy ones will come to it, or nobody can answer.
    void start_thread() {
        try {
            std::thread(work, shared_).detach();
            ++shared_->threads;
        } catch (const std::system_error&) {
            if (shared_->threads > 0) return;
            post_result(shared_, shared_->queue.back(), {});
            shared_->queue.pop_back();
        }
    }

    static void work(const std::shared_ptr<Shared>& shared) {
        std::unique_lock lock(shared->mutex);
        while (shared->loop) {
            if (shared->queue.empty()) {
                ++shared->idle;
                shared->wake.wait(lock);
                --shared->idle;
                continue;
            }
            const std::string host = std::move(shared->queue.front());
            shared->queue.pop_front();
            lock.unlock();
            Addresses addresses = shared->lookup(host);
            lock.lock();
            post_result(shared, host, std::move(addresses));
        }
    }

    /// With the mutex held, so that the loop is not destroyed meanwhile.
    static void post_result(const std::shared_ptr<Shared>& shared, std::string host, Addresses addresses) {
        if (!shared->loop) return;
        shared->loop->post([shared, host = std::move(host), addresses = std::move(addresses)] {
            if (shared->owner) shared->owner->on_answer(host, addresses);
        });
    }

    void on_answer(const std::string& host, const Addresses& addresses) {
        Entry& entry = entries_[host];
        entry.is_asked = false;
        entry.addresses = addresses;
        entry.fresh_until = addresses.empty() ? Time() : loop_.now() + kResolveTtl;
        told_ = std::exchange(entry.waiters, {});
        for (std::size_t i = 0; i < told_.size(); ++i) {
            if (told_[i]) told_[i]->on_resolved(addresses);
        }
        told_.clear();
    }

    Loop& loop_;
    std::unordered_map<std::string, Entry> entries_;  // one per configured host
    std::vector<ResolveWaiter*> told_;
    std::shared_ptr<Shared> shared_;
};

Resolver::Resolver(Loop& loop, Lookup lookup) : impl_(std::make_unique<Impl>(loop, std::move(lookup))) {}

Resolver::~Resolver() = default;

const Addresses* Resolver::find(const std::string& host) {
    return impl_->find(host);
}

void Resolver::resolve(const std::string& host, ResolveWaiter& waiter) {
    impl_->resolve(host, waiter);
}

void Resolver::cancel(const std::string& host, ResolveWaiter& waiter) {
    impl_->cancel(host, waiter);
}

Resolver::Lookup Resolver::getaddrinfo_lookup() {
    return [](const std::string& host) {
        addrinfo hints{};
        hints.ai_family = AF_UNSPEC;
        hints.ai_socktype = SOCK_STREAM;
        addrinfo* list = nullptr;
        Addresses addresses;
        if (getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0) return addresses;
        for (const addrinfo* one = list; one && addresses.size() < kMaxAddresses; one = one->ai_next) {
            if (one->ai_addrlen > sizeof(Address::storage)) continue;
            std::memcpy(&addresses.emplace_back().storage, one->ai_addr, one->ai_addrlen);
        }
        freeaddrinfo(list);
        return addresses;
    };
}

}  // namespace revertd
