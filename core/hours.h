// SPDX-License-Identifier: Apache-2.0
// Hours of the week and periods of the calendar, in the local time of a zone: `Fri 16:00-Mon 08:00 Europe/Berlin`.
// The zone's rules are data (config/ reads them), so that the same instant gives the same answer anywhere.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/clock.h"

namespace revertd {

/// Offsets from UTC of a zone: from which instant on which one; in order of time, the first one holds before, too.
struct Zone {
    std::string name;
    std::vector<std::pair<WallTime, Duration>> offsets;

    [[nodiscard]] Duration offset_at(WallTime at) const;
};

struct Hours {
    std::string text;  ///< as written
    std::shared_ptr<const Zone> zone;
    /// Spans of the week, since Monday 00:00 local time; the end is not part of it. One over Sunday's end is two.
    std::vector<std::pair<Duration, Duration>> weekly;
    /// Or one period of local time, as if it were UTC.
    std::optional<std::pair<WallTime, WallTime>> once;

    /// By what the clock on the wall says there: in the hour that a change of summer time repeats, both times.
    [[nodiscard]] bool contain(WallTime at) const;
};

/// The first of the list that contains the instant; null if none does.
[[nodiscard]] const Hours* within(const std::vector<Hours>& list, WallTime at);

}  // namespace revertd
