// SPDX-License-Identifier: Apache-2.0
// Until when hours go on: for people, who are told that something is not so now.
#pragma once
#include <optional>
#include <vector>

#include "core/hours.h"

namespace revertd {

/// The first instant after `at` that none of the list contains; nothing if `at` is in none, or if they do not end
/// within a year.
[[nodiscard]] std::optional<WallTime> end_of(const std::vector<Hours>& list, WallTime at);

}  // namespace revertd
