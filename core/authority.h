// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>

#include "core/event.h"
#include "core/settings.h"

namespace revertd {

/// Whether a peer is listed under `role` (empty: under any). Without `people`: root and the group revertd.
[[nodiscard]] bool has_role(const Settings& settings, const Peer& peer, const std::string& role);

/// Root may halt, resume and read in any case (interface, section 7).
[[nodiscard]] bool may_halt(const Settings& settings, const Peer& peer);

/// Only root and listed agents may name another deployer by `--by`.
[[nodiscard]] bool may_name_deployer(const Settings& settings, const Peer& peer);

}  // namespace revertd
