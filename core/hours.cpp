// SPDX-License-Identifier: Apache-2.0
#include "core/hours.h"

#include <algorithm>

namespace revertd {

namespace {

constexpr Duration kWeek = std::chrono::hours(24 * 7);
constexpr Duration kFirstMonday = std::chrono::hours(24 * 4);  // 1970-01-05

}  // namespace

Duration Zone::offset_at(WallTime at) const {
    if (offsets.empty()) return {};
    const auto after =
        std::upper_bound(offsets.begin(), offsets.end(), at, [](WallTime t, const auto& o) { return t < o.first; });
    return after == offsets.begin() ? after->second : std::prev(after)->second;
}

bool Hours::contain(WallTime at) const {
    const WallTime local = at + (zone ? zone->offset_at(at) : Duration{});
    if (once) return once->first <= local && local < once->second;
    Duration of_week = (local.time_since_epoch() - kFirstMonday) % kWeek;
    if (of_week < Duration{}) of_week += kWeek;
    return std::any_of(weekly.begin(), weekly.end(),
                       [&](const auto& span) { return span.first <= of_week && of_week < span.second; });
}

const Hours* within(const std::vector<Hours>& list, WallTime at) {
    const auto found = std::find_if(list.begin(), list.end(), [&](const Hours& h) { return h.contain(at); });
    return found == list.end() ? nullptr : &*found;
}

}  // namespace revertd
