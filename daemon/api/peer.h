// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>
#include <optional>

#include "core/event.h"
#include "daemon/api/message.h"

namespace revertd {
class Loop;
}

namespace revertd::api {

/// What the kernel says about the other end of a unix socket; nothing if it says nothing.
[[nodiscard]] std::optional<PeerIds> peer_of(int socket);

/// The uid that stands for "nobody here": of another user namespace, or of NFS. Whoever it is, it is not known.
inline constexpr uid_t kOverflowUid = 65534;

/// Asks the system's user database (getpwuid_r, getgrouplist). May block as long as a directory server does.
[[nodiscard]] Peer look_up_peer(PeerIds ids);

/// Names and groups of users, asked on helper threads: a directory server that hangs must never hold the loop.
class PeerDirectory {
  public:
    using Lookup = std::function<Peer(PeerIds)>;
    /// Nothing: too many questions hang already.
    using Found = std::function<void(std::optional<Peer>)>;

    PeerDirectory(Loop& loop, std::size_t most, Lookup lookup);
    PeerDirectory(const PeerDirectory&) = delete;
    PeerDirectory& operator=(const PeerDirectory&) = delete;
    /// Does not wait for questions that hang; their answers are dropped.
    ~PeerDirectory();

    /// Calls `found` once, later, on the loop.
    void find(PeerIds ids, Found found);

  private:
    struct Shared;
    Loop& loop_;
    const std::size_t most_;
    std::shared_ptr<Shared> shared_;
};

}  // namespace revertd::api
