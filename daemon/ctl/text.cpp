// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "core/text_direction.h"

namespace revertd::ctl {
namespace {

bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U;
}

/// Length of the colour sequence (`ESC [ … m`) that starts at `at`; 0 if none does.
std::size_t colour_length(std::string_view text, std::size_t at) {
    if (text.substr(at, 2) != "\x1b[") return 0;
    const auto end = text.find_first_not_of("0123456789;", at + 2);
    return end != std::string_view::npos && text[end] == 'm' ? end + 1 - at : 0;
}

/// Bytes of the code point that starts at `at`.
std::size_t code_point_length(std::string_view text, std::size_t at) {
    std::size_t length = 1;
    while (at + length < text.size() && is_continuation(text[at + length])) ++length;
    return length;
}

bool is_control(std::string_view code_point) {
    const auto first = static_cast<unsigned char>(code_point.front());
    if (first < 0x20 || first == 0x7f || hides_its_order(code_point)) return true;
    // U+0080 to U+009F: some terminals take them as escapes too.
    return first == 0xc2 && code_point.size() == 2 && static_cast<unsigned char>(code_point[1]) < 0xa0;
}

std::string digits(double value, int precision) {
    std::array<char, 64> buffer{};
    std::snprintf(buffer.data(), buffer.size(), "%.*f", precision, value);
    std::string text(buffer.data());
    if (text.find('.') == std::string::npos) return text;
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text;
}

/// Two significant digits below 10, whole numbers from 100 on: enough to compare with a limit.
std::string short_number(double value) {
    const double size = std::abs(value);
    if (size >= 1e6) {
        std::array<char, 64> buffer{};
        std::snprintf(buffer.data(), buffer.size(), "%.3g", value);
        return buffer.data();
    }
    if (size >= 100) return digits(value, 0);
    if (size >= 10) return digits(value, 1);
    return digits(value, size >= 0.1 ? 2 : 4);
}

std::tm local(WallTime at) {
    const std::time_t second = std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
    std::tm fields{};
    localtime_r(&second, &fields);
    return fields;
}

std::optional<int> number_at(std::string_view text, std::size_t at, std::size_t length) {
    int value = 0;
    if (text.size() < at + length) return std::nullopt;
    const auto* begin = text.data() + at;
    const auto [end, error] = std::from_chars(begin, begin + length, value);
    if (error != std::errc() || end != begin + length || value < 0) return std::nullopt;
    return value;
}

}  // namespace

std::string printable(std::string_view text) {
    std::string clean;
    for (std::size_t at = 0; at < text.size();) {
        const auto code_point = text.substr(at, code_point_length(text, at));
        clean += is_control(code_point) ? std::string_view(" ") : code_point;
        at += code_point.size();
    }
    return clean;
}

std::size_t display_width(std::string_view text) {
    std::size_t columns = 0;
    for (std::size_t at = 0; at < text.size();) {
        if (const auto colour = colour_length(text, at)) {
            at += colour;
            continue;
        }
        at += code_point_length(text, at);
        ++columns;
    }
    return columns;
}

std::string fit(std::string_view text, std::size_t columns) {
    if (display_width(text) <= columns) return std::string(text);
    std::string cut;
    std::size_t used = 0;
    for (std::size_t at = 0; at < text.size();) {
        const auto colour = colour_length(text, at);
        const auto length = colour != 0 ? colour : code_point_length(text, at);
        // Colour sequences behind the cut are kept: the last of them ends the colour.
        if (colour != 0 || used + 1 < columns) cut += text.substr(at, length);
        if (colour == 0 && ++used == columns) cut += "…";
        at += length;
    }
    return cut;
}

std::vector<std::string> wrapped(std::string_view text, std::size_t columns, std::size_t indent) {
    if (display_width(text) <= columns) return {std::string(text)};
    std::vector<std::string> lines;
    std::string line;
    bool empty = true;  // nothing but the indent is in the line
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = std::min(text.find_first_not_of(' ', at), text.size());
        end = std::min(text.find(' ', end), text.size());
        std::string_view word = text.substr(at, end - at);  // with the blanks before it
        if (!empty && display_width(line) + display_width(word) > columns) {
            lines.push_back(fit(line, columns));
            line.assign(indent < columns ? indent : 0, ' ');
            word.remove_prefix(std::min(word.find_first_not_of(' '), word.size()));
        }
        line += word;
        empty = false;
        at = end;
    }
    lines.push_back(fit(line, columns));
    return lines;
}

std::string pad(std::string_view text, std::size_t columns) {
    const auto width = display_width(text);
    return std::string(text) + std::string(columns > width ? columns - width : 0, ' ');
}

std::string bar(double share, std::size_t columns) {
    const double whole = std::clamp(std::isfinite(share) ? share : 0.0, 0.0, 1.0) * static_cast<double>(columns);
    const auto full = static_cast<std::size_t>(whole);
    std::string cells;
    for (std::size_t cell = 0; cell < columns; ++cell) cells += cell < full ? "█" : "░";
    return cells;
}

std::string sparkline(const std::vector<double>& values, std::size_t columns) {
    static constexpr std::array<std::string_view, 8> kLevels = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    const auto first = values.size() > columns ? values.size() - columns : 0;
    double top = 0;
    for (auto at = first; at < values.size(); ++at) top = std::max(top, values[at]);
    std::string line;
    for (auto at = first; at < values.size(); ++at) {
        const double share = top > 0 ? std::max(values[at], 0.0) / top : 0;
        line += kLevels.at(std::min(static_cast<std::size_t>(share * 8), kLevels.size() - 1));
    }
    return line;
}

std::string value_words(double value, std::string_view unit) {
    if (unit == "ratio") return short_number(value * 100) + "%";
    if (unit != "seconds") return short_number(value);
    return std::abs(value) < 1 ? short_number(value * 1000) + " ms" : short_number(value) + " s";
}

std::string factor_words(double factor) {
    return digits(factor, factor < 10 ? 1 : 0) + "x";
}

std::string seconds_words(double seconds) {
    // A century: more than any duration of the contract, and far from the end of the type.
    const double bounded = std::clamp(std::isfinite(seconds) ? seconds : 0.0, 0.0, 3.2e9);
    return to_words(std::chrono::seconds(std::llround(bounded)));
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
    const auto year = number_at(text, 0, 4), month = number_at(text, 5, 2), day = number_at(text, 8, 2);
    const auto hour = number_at(text, 11, 2), minute = number_at(text, 14, 2), second = number_at(text, 17, 2);
    if (!year || !month || !day || !hour || !minute || !second || text.back() != 'Z') return std::nullopt;
    const std::chrono::year_month_day date(std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                           std::chrono::day(static_cast<unsigned>(*day)));
    // Nanoseconds since 1970 in 64 bits end in 2262.
    if (!date.ok() || *year < 1970 || *year > 2200) return std::nullopt;
    return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
           std::chrono::seconds(*second);
}

std::string local_time(WallTime at, WallTime now) {
    const std::tm then = local(at);
    const std::tm today = local(now);
    const bool same_day = then.tm_year == today.tm_year && then.tm_yday == today.tm_yday;
    std::array<char, 64> buffer{};
    std::strftime(buffer.data(), buffer.size(), same_day ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &then);
    return buffer.data();
}

std::string when_words(std::string_view rfc3339, WallTime now) {
    const auto at = parse_rfc3339(rfc3339);
    if (!at) return printable(rfc3339);
    const auto apart = std::chrono::round<std::chrono::seconds>(*at > now ? *at - now : now - *at);
    return local_time(*at, now) + (*at > now ? " (in " + to_words(apart) + ")" : " (" + to_words(apart) + " ago)");
}

}  // namespace revertd::ctl
