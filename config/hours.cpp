// SPDX-License-Identifier: Apache-2.0
#include "config/hours.h"

#include <date/tz.h>
#include <re2/re2.h>

#include <array>
#include <map>
#include <mutex>

namespace revertd::config {

namespace {

constexpr std::array<std::string_view, 7> kDays{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr Duration kDay = std::chrono::hours(24), kWeek = 7 * kDay;
constexpr std::string_view kForms =
    "as in `Fri 16:00-Mon 08:00 Europe/Berlin`, `Mon-Fri 09:00-17:00 Europe/Berlin` or "
    "`2026-12-24-2027-01-02 Europe/Berlin`";

/// Null for a name that the system's database does not have.
std::shared_ptr<const Zone> load_zone(const std::string& name) {
    static std::map<std::string, std::shared_ptr<const Zone>> known;
    static std::mutex mutex;
    const std::lock_guard lock(mutex);
    if (const auto found = known.find(name); found != known.end()) return found->second;
    const date::time_zone* zone = nullptr;
    try {
        zone = date::locate_zone(name);
    } catch (const std::exception&) {
        return nullptr;
    }
    auto out = std::make_shared<Zone>();
    out->name = name;
    const date::sys_seconds end = date::sys_days(date::year(2060) / 1 / 1);
    for (date::sys_seconds at = date::sys_days(date::year(2020) / 1 / 1); at < end;) {
        const date::sys_info info = zone->get_info(at);
        out->offsets.emplace_back(WallTime(std::max(info.begin, at).time_since_epoch()), info.offset);
        at = info.end;
    }
    return known.emplace(name, std::move(out)).first->second;
}

std::optional<int> day_of(std::string_view text) {
    for (std::size_t i = 0; i < kDays.size(); ++i) {
        const bool same =
            text.size() >= 3 && std::equal(kDays[i].begin(), kDays[i].end(), text.begin(), [](char a, char b) {
                return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
            });
        if (same) return static_cast<int>(i);
    }
    return std::nullopt;
}

std::optional<Duration> clock_of(const std::string& text) {
    const int hours = std::stoi(text.substr(0, text.find(':'))), minutes = std::stoi(text.substr(text.find(':') + 1));
    if (hours > 24 || minutes > 59 || (hours == 24 && minutes > 0)) return std::nullopt;
    return std::chrono::hours(hours) + std::chrono::minutes(minutes);
}

std::optional<WallTime> date_of(const std::string& text) {
    const date::year_month_day day{date::year(std::stoi(text.substr(0, 4))),
                                   date::month(static_cast<unsigned>(std::stoi(text.substr(5, 2)))),
                                   date::day(static_cast<unsigned>(std::stoi(text.substr(8, 2))))};
    if (!day.ok()) return std::nullopt;
    return WallTime(date::sys_days(day).time_since_epoch());
}

/// A span of the week; one that goes over Sunday's end becomes two.
void add_span(Hours& out, Duration from, Duration until) {
    if (until <= kWeek) return out.weekly.emplace_back(from, until), void();
    out.weekly.emplace_back(from, kWeek);
    out.weekly.emplace_back(Duration{}, until - kWeek);
}

std::optional<Complaint> no_time(std::string_view text) {
    return Complaint{"`" + std::string(text) + "`: no such time of day", "from 00:00 to 24:00"};
}

/// `Fri 16:00-Mon 08:00`: one span.
std::optional<Complaint> read_span(const std::string& text, Hours& out, bool& matched) {
    static const RE2 form(R"((\w+) (\d{1,2}:\d\d) ?- ?(\w+) (\d{1,2}:\d\d))");
    std::string first, from, last, until;
    matched = RE2::FullMatch(text, form, &first, &from, &last, &until) && day_of(first) && day_of(last);
    if (!matched) return std::nullopt;
    const auto begin = clock_of(from), end = clock_of(until);
    if (!begin || !end) return no_time(text);
    const Duration a = *day_of(first) * kDay + *begin;
    Duration b = *day_of(last) * kDay + *end;
    if (b <= a) b += kWeek;
    add_span(out, a, b);
    return std::nullopt;
}

/// `Mon-Fri 09:00-17:00`, `Sat 10:00-12:00`, `Sat-Sun`, `22:00-06:00`: a span on each of the days.
std::optional<Complaint> read_days(const std::string& text, Hours& out, bool& matched) {
    static const RE2 form(R"((?:([A-Za-z]+)(?: ?- ?([A-Za-z]+))?)? ?(?:(\d{1,2}:\d\d) ?- ?(\d{1,2}:\d\d))?)");
    std::string first, last, from, until;
    matched = !text.empty() && RE2::FullMatch(text, form, &first, &last, &from, &until) &&
              (first.empty() || day_of(first)) && (last.empty() || day_of(last));
    if (!matched) return std::nullopt;
    const int a = first.empty() ? 0 : *day_of(first), b = first.empty() ? 6 : last.empty() ? a : *day_of(last);
    const auto begin = from.empty() ? Duration{} : clock_of(from), end = until.empty() ? kDay : clock_of(until);
    if (!begin || !end) return no_time(text);
    for (int day = a;; day = (day + 1) % 7) {
        add_span(out, day * kDay + *begin, day * kDay + *end + (*end <= *begin ? kDay : Duration{}));
        if (day == b) return std::nullopt;
    }
}

/// `2026-12-24 12:00-2027-01-02 08:00`; a day without a time is the whole of it.
std::optional<Complaint> read_period(const std::string& text, Hours& out, bool& matched) {
    static const RE2 form(
        R"((\d{4}-\d\d-\d\d)(?: (\d{1,2}:\d\d))?(?: ?(?:-|\.\.) ?(\d{4}-\d\d-\d\d)(?: (\d{1,2}:\d\d))?)?)");
    std::string first, from, last, until;
    matched = RE2::FullMatch(text, form, &first, &from, &last, &until);
    if (!matched) return std::nullopt;
    const auto a = date_of(first), b = date_of(last.empty() ? first : last);
    if (!a || !b) return Complaint{"`" + text + "`: no such day", {}};
    const auto begin = from.empty() ? Duration{} : clock_of(from), end = until.empty() ? kDay : clock_of(until);
    if (!begin || !end) return no_time(text);
    if (*b + *end <= *a + *begin) return Complaint{"`" + text + "` ends before it begins", {}};
    out.once = {*a + *begin, *b + *end};
    return std::nullopt;
}

std::string trimmed(std::string text) {
    RE2::GlobalReplace(&text, R"(\s+)", " ");
    while (text.starts_with(' ')) text.erase(0, 1);
    while (text.ends_with(' ')) text.pop_back();
    return text;
}

}  // namespace

std::variant<Hours, Complaint> parse_hours(std::string_view written) {
    const std::string text = trimmed(std::string(written));
    static const RE2 with_zone(R"((.*?) ?([A-Z][A-Za-z_]*(?:/[A-Za-z0-9_+-]+)+|UTC|GMT|[A-Z]{3,4}))");
    std::string when, zone;
    Hours out;
    out.text = text;
    const bool named = RE2::FullMatch(text, with_zone, &when, &zone) && !day_of(zone);
    if (!named) when = text;
    bool matched = false;
    for (const auto read : {read_span, read_days, read_period}) {
        if (auto complaint = read(when, out, matched)) return *complaint;
        if (matched) break;
    }
    if (!matched) return Complaint{"`" + text.substr(0, 60) + "` names no hours", std::string(kForms)};
    if (!named)
        return Complaint{"`" + text.substr(0, 60) + "` names no time zone", "write it behind: Europe/Berlin, or UTC"};
    out.zone = load_zone(zone);
    if (!out.zone)
        return Complaint{"the time zone `" + zone + "` is not known here",
                         "a name of the IANA database such as Europe/Berlin (package tzdata), or UTC"};
    return out;
}

std::optional<Complaint> check_hours(std::string_view text) {
    const auto parsed = parse_hours(text);
    if (const auto* complaint = std::get_if<Complaint>(&parsed)) return *complaint;
    return std::nullopt;
}

}  // namespace revertd::config
