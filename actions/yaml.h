// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "actions/spec.h"
#include "core/result.h"

namespace revertd {

/// YAML text as a tree with positions. Anchors, aliases and tags of one's own are not looked at.
[[nodiscard]] Result<Param> parse_yaml(const std::string& text);

/// The value of `rollback:`: one mapping or a list of them, as it comes.
[[nodiscard]] RollbackSpec to_rollback_spec(const Param& value);

}  // namespace revertd
