// SPDX-License-Identifier: Apache-2.0
#include "actions/answers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

namespace revertd {
namespace {

constexpr Duration kLongestPause = 24h;  // a server that says "in a year" means "no"
constexpr Duration kBackoffBase = 500ms;
constexpr Duration kBackoffCap = 30s;
constexpr int kDoublingsToCap = 6;

std::optional<int> number(std::string_view text) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
    return text;
}

}  // namespace

AnswerClass classify_status(int status, CallPurpose purpose) {
    if (status >= 200 && status <= 299) return AnswerClass::Acked;
    switch (status) {
        case 408:
        case 425:
        case 429:
            return AnswerClass::NotDone;
        case 409:
        case 412:
            return AnswerClass::Conflict;
        case 502:  // a gateway that lost its server: it may well have acted
        case 504:
            return AnswerClass::Unknown;
        default:
            break;
    }
    if (status >= 300 && status <= 499) return AnswerClass::Final;  // a redirect of a write is never followed
    if (status >= 500 && purpose == CallPurpose::Notification) return AnswerClass::NotDone;
    return AnswerClass::Unknown;
}

AnswerClass classify_failure(TransportPhase phase) {
    return phase == TransportPhase::Connecting ? AnswerClass::NotSent : AnswerClass::Unknown;
}

std::optional<WallTime> http_date(std::string_view text) {
    static constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT") return std::nullopt;
    const auto month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
    const auto day = number(text.substr(5, 2)), year = number(text.substr(12, 4));
    const auto hour = number(text.substr(17, 2)), minute = number(text.substr(20, 2)),
               second = number(text.substr(23, 2));
    if (month == kMonths.end() || !day || !year || !hour || !minute || !second) return std::nullopt;
    const auto month_number = static_cast<unsigned>(month - kMonths.begin()) + 1;
    const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(month_number),
                                           std::chrono::day(static_cast<unsigned>(*day))};
    if (*day < 0 || !date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
    if (*hour < 0 || *minute < 0 || *second < 0) return std::nullopt;
    return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
           std::chrono::seconds(*second);
}

std::optional<Duration> retry_after(std::string_view header, WallTime now) {
    header = trim(header);
    Duration pause{};
    if (const auto whole_seconds = number(header))
        pause = std::chrono::seconds(*whole_seconds);
    else if (const auto date = http_date(header))
        pause = *date - now;
    else
        return std::nullopt;
    return std::clamp(pause, Duration::zero(), kLongestPause);
}

Duration backoff(int tries, double random) {
    const int doublings = std::clamp(tries - 1, 0, kDoublingsToCap);
    const Duration ceiling = std::min(kBackoffBase * (1 << doublings), kBackoffCap);
    return Duration(static_cast<Duration::rep>(static_cast<double>(ceiling.count()) * random));
}

std::string_view to_string(AnswerClass answer) {
    switch (answer) {
        case AnswerClass::Acked:
            return "acked";
        case AnswerClass::NotSent:
            return "not sent";
        case AnswerClass::NotDone:
            return "not done";
        case AnswerClass::Unknown:
            return "unknown";
        case AnswerClass::Conflict:
            return "conflict";
        case AnswerClass::Final:
            return "final";
    }
    return "unknown";
}

}  // namespace revertd
