// SPDX-License-Identifier: Apache-2.0
#include "core/clock.h"

#include <array>
#include <cstdio>

namespace revertd {

std::string to_words(Duration duration) {
    if (duration < Duration::zero()) return "-" + to_words(-duration);
    struct Unit {
        Duration size;
        const char* name;
    };
    static constexpr std::array<Unit, 5> kUnits{{{24h, "d"}, {1h, "h"}, {1min, "m"}, {1s, "s"}, {1ms, "ms"}}};
    std::string out;
    int parts = 0;
    for (const Unit& unit : kUnits) {
        const auto count = duration / unit.size;
        if (count == 0 || parts == 2) continue;  // two units are as exact as people read
        if (unit.size == Duration(1ms) && parts > 0) continue;
        out += std::to_string(count) + unit.name;
        duration -= count * unit.size;
        ++parts;
    }
    return out.empty() ? "0s" : out;
}

std::string to_rfc3339(WallTime wall) {
    const auto day = std::chrono::floor<std::chrono::days>(wall);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss time{std::chrono::floor<std::chrono::milliseconds>(wall - day)};
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                  static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
    return text.data();
}

}  // namespace revertd
