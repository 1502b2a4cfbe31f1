// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <netinet/in.h>
#include <sys/socket.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/result.h"

namespace revertd {

class Loop;

/// An IPv4 or IPv6 address without a port.
struct Address {
    sockaddr_in6 storage{};  // large enough for both families
    [[nodiscard]] bool operator==(const Address& other) const;

    [[nodiscard]] sa_family_t family() const { return reinterpret_cast<const sockaddr*>(&storage)->sa_family; }
};

using Addresses = std::vector<Address>;

/// "192.0.2.7" or "2001:db8::7"; nothing for names.
[[nodiscard]] std::optional<Address> parse_address(const std::string& host);

/// Waits for the addresses of a name.
class ResolveWaiter {
  public:
    virtual ~ResolveWaiter() = default;
    /// Empty if the name could not be resolved.
    virtual void on_resolved(const Addresses& addresses) = 0;
};

/// Asks the system's resolver on helper threads, so that a name server that hangs never holds the loop. One lookup a
/// name at a time, its answer is used for kResolveTtl; a failure is not remembered.
class Resolver {
  public:
    /// Blocking; called on a helper thread.
    using Lookup = std::function<Addresses(const std::string& host)>;

    explicit Resolver(Loop& loop, Lookup lookup = getaddrinfo_lookup());
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;
    /// Does not wait for lookups that hang: their threads end by themselves.
    ~Resolver();

    /// The fresh addresses of a name, or nullptr: then ask with `resolve`. Valid until the loop goes on.
    [[nodiscard]] const Addresses* find(const std::string& host);

    /// Calls the waiter once, later, on the loop.
    void resolve(const std::string& host, ResolveWaiter& waiter);
    void cancel(const std::string& host, ResolveWaiter& waiter);

    [[nodiscard]] static Lookup getaddrinfo_lookup();

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace revertd
