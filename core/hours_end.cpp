// SPDX-License-Identifier: Apache-2.0
#include "core/hours_end.h"

#include <algorithm>

namespace revertd {

namespace {

constexpr Duration kWeek = std::chrono::hours(24 * 7);
constexpr Duration kFirstMonday = std::chrono::hours(24 * 4);  // 1970-01-05
constexpr int kMostSpans = 400;                                // a span a day, for a year

/// The end of the span around `at`, by the clock on the wall there.
WallTime end_of_span(const Hours& hours, WallTime at) {
    const auto offset = [&](WallTime when) { return hours.zone ? hours.zone->offset_at(when) : Duration{}; };
    const WallTime local = at + offset(at);
    WallTime end = local;
    if (hours.once) {
        end = hours.once->second;
    } else {
        Duration of_week = (local.time_since_epoch() - kFirstMonday) % kWeek;
        if (of_week < Duration{}) of_week += kWeek;
        for (const auto& [from, until] : hours.weekly)
            if (from <= of_week && of_week < until) end = std::max(end, local + (until - of_week));
    }
    // By the offset that holds then, not now: a change of summer time may lie between.
    const WallTime about = end - offset(at);
    return std::max(at + Duration(1), end - offset(about));
}

}  // namespace

std::optional<WallTime> end_of(const std::vector<Hours>& list, WallTime at) {
    const Hours* hours = within(list, at);
    if (hours == nullptr) return std::nullopt;
    for (int span = 0; span < kMostSpans; ++span) {
        at = end_of_span(*hours, at);
        hours = within(list, at);
        if (hours == nullptr) return at;
    }
    return std::nullopt;
}

}  // namespace revertd
