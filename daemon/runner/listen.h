// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "core/result.h"
#include "daemon/runner/fd.h"

namespace revertd::runner {

/// A unix stream socket of mode 0660. What lies at the path is replaced: whoever calls holds the lock of the storage.
[[nodiscard]] Result<Fd> listen_at(const std::string& path);

/// A connection to the socket, non-blocking. `NotFound`: nobody listens there (yet).
[[nodiscard]] Result<Fd> connect_to(const std::string& path);

/// The user at the other end (SO_PEERCRED) is one of these.
[[nodiscard]] bool peer_is_one_of(int socket, const std::vector<uid_t>& users);

}  // namespace revertd::runner
