// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "actions/rollback.h"
#include "actions/spec.h"
#include "core/result.h"

namespace revertd {

/// The tree as JSON, placeholders filled inside its strings. Unquoted numbers, true, false and null stay what they are,
/// decided before anything is filled in: a version is always a string.
[[nodiscard]] Result<std::string> to_json(const Param& tree, const Placeholders& values);

}  // namespace revertd
