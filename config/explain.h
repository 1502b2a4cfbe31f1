// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "config/load.h"

namespace revertd {

/// What is in effect, for people: every default, what signals resolve to, rules with their windows, rollback steps with
/// `{to}` shown, who may approve. `(default)` stands behind what holds without being written, or is written as the
/// default.
[[nodiscard]] std::string explain(const Loaded& loaded);

}  // namespace revertd
