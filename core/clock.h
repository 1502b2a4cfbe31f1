// SPDX-License-Identifier: Apache-2.0
// Time is a parameter: `core`, `detectors` and `actions` are given it, only daemon/io/system_clock.cpp reads a clock.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace revertd {

using Duration = std::chrono::nanoseconds;
using namespace std::chrono_literals;

/// The daemon's own timeline: CLOCK_BOOTTIME plus an offset that makes it continue over restarts and reboots (S38,
/// S40). Every duration, limit, wait and deadline is measured on it. It never steps.
struct Timeline {
    using duration = Duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<Timeline>;
    static constexpr bool is_steady = true;
};

using Time = Timeline::time_point;

/// Time for people and queries only: nanoseconds since 1970 UTC.
using WallTime = std::chrono::sys_time<Duration>;

struct Now {
    Time at;
    WallTime wall;
};

class Clock {
  public:
    Clock() = default;
    Clock(const Clock&) = delete;
    Clock& operator=(const Clock&) = delete;
    virtual ~Clock() = default;
    [[nodiscard]] virtual Now now() const = 0;
};

/// "2m30s", "1h", "250ms": the way durations are written in the configuration and in every sentence.
[[nodiscard]] std::string to_words(Duration duration);

/// `2m`, `1h30m`, `250ms`, `0`; units ms s m h d w, each at most once, the largest first. Nothing for any other text,
/// nor for more than a century.
[[nodiscard]] std::optional<Duration> parse_duration(std::string_view text);

/// RFC 3339 in UTC with milliseconds, e.g. 2026-11-20T03:12:07.250Z.
[[nodiscard]] std::string to_rfc3339(WallTime wall);

[[nodiscard]] constexpr double seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

}  // namespace revertd
