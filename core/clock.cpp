// SPDX-License-Identifier: Apache-2.0
#include "core/clock.h"

#include <algorithm>
#include <array>
#include <charconv>
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

std::optional<Duration> parse_duration(std::string_view text) {
    struct Unit {
        std::string_view name;
        Duration size;
    };

    static constexpr std::array<Unit, 6> kUnits{
        {{"w", 24h * 7}, {"d", 24h}, {"h", 1h}, {"m", 1min}, {"s", 1s}, {"ms", 1ms}}};
    if (text == "0") return Duration::zero();
    Duration total{};
    const Unit* next = kUnits.begin();
    for (std::string_view rest = text; !rest.empty();) {
        const std::size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
        const std::string_view behind = rest.substr(digits);
        const std::string_view name = behind.substr(0, behind.find_first_of("0123456789"));
        const Unit* unit = std::find_if(next, kUnits.end(), [&](const Unit& u) { return u.name == name; });
        if (digits == 0 || digits > 9 || unit == kUnits.end()) return std::nullopt;
        long long count = 0;
        std::from_chars(rest.data(), rest.data() + digits, count);
        if (count > Duration(24h * 36500) / unit->size) return std::nullopt;
        total += count * unit->size;
        next = unit + 1;
        rest.remove_prefix(digits + name.size());
    }
    return text.empty() ? std::nullopt : std::optional(total);
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
