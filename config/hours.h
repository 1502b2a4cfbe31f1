// SPDX-License-Identifier: Apache-2.0
// Hours as people write them: `Fri 16:00-Mon 08:00 Europe/Berlin`, `Mon-Fri 09:00-17:00 Europe/Berlin`,
// `Sat-Sun Europe/Berlin`, `2026-12-24 12:00-2027-01-02 Europe/Berlin` (a day without a time is the whole of it).
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "config/values.h"
#include "core/hours.h"

namespace revertd::config {

/// The zone's rules are those of the system (tzdata), from 2020 to 2060.
[[nodiscard]] std::variant<Hours, Complaint> parse_hours(std::string_view text);

[[nodiscard]] std::optional<Complaint> check_hours(std::string_view text);

}  // namespace revertd::config
