// SPDX-License-Identifier: Apache-2.0
#include "config/hours.h"

#include <gtest/gtest.h>

#include "core/clock.h"
#include "core/hours_end.h"

namespace revertd {
namespace {

Hours hours(const std::string& text) {
    auto parsed = config::parse_hours(text);
    if (auto* complaint = std::get_if<config::Complaint>(&parsed)) {
        ADD_FAILURE() << complaint->what;
        return {};
    }
    return std::get<Hours>(parsed);
}

WallTime utc(int year, unsigned month, unsigned day, int hour, int minute = 0, int second = 0) {
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
    return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
           std::chrono::seconds(second);
}

TEST(HoursOfAWeekend, begin_and_end_by_the_local_clock) {
    const Hours h = hours("Fri 16:00-Mon 08:00 Europe/Berlin");  // in January UTC+1
    EXPECT_FALSE(h.contain(utc(2027, 1, 15, 14, 59, 59)));
    EXPECT_TRUE(h.contain(utc(2027, 1, 15, 15)));
    EXPECT_TRUE(h.contain(utc(2027, 1, 17, 12)));
    EXPECT_TRUE(h.contain(utc(2027, 1, 18, 6, 59, 59)));
    EXPECT_FALSE(h.contain(utc(2027, 1, 18, 7)));
    EXPECT_FALSE(h.contain(utc(2027, 1, 20, 12)));
}

TEST(HoursOfAWeekend, follow_summer_time) {
    const Hours h = hours("Fri 16:00-Mon 08:00 Europe/Berlin");  // in July UTC+2
    EXPECT_FALSE(h.contain(utc(2027, 7, 16, 13, 59)));
    EXPECT_TRUE(h.contain(utc(2027, 7, 16, 14)));
    EXPECT_TRUE(h.contain(utc(2027, 7, 19, 5, 59)));
    EXPECT_FALSE(h.contain(utc(2027, 7, 19, 6)));
}

TEST(HoursEnd, where_no_span_goes_on) {
    const Hours weekend = hours("Fri 16:00-Mon 08:00 Europe/Berlin");
    EXPECT_EQ(end_of({weekend}, utc(2027, 1, 15, 15)), utc(2027, 1, 18, 7)) << "over the end of the week";
    EXPECT_EQ(end_of({weekend}, utc(2027, 1, 17, 23, 30)), utc(2027, 1, 18, 7));
    EXPECT_EQ(end_of({weekend}, utc(2027, 1, 18, 7)), std::nullopt) << "not within";
    EXPECT_EQ(end_of({weekend, hours("Mon-Fri 08:00-12:00 Europe/Berlin")}, utc(2027, 1, 17, 12)), utc(2027, 1, 18, 11))
        << "one begins as the other ends";
    EXPECT_EQ(end_of({hours("2026-12-24-2027-01-02 Europe/Berlin")}, utc(2026, 12, 31, 12)), utc(2027, 1, 2, 23))
        << "the last day belongs to it";
    EXPECT_EQ(end_of({hours("Mon-Sun 00:00-24:00 UTC")}, utc(2027, 1, 17, 12)), std::nullopt) << "never";
    EXPECT_EQ(end_of({}, utc(2027, 1, 17, 12)), std::nullopt);
}

TEST(HoursEnd, by_the_clock_that_is_on_the_wall_then) {
    const Hours weekend = hours("Fri 16:00-Mon 08:00 Europe/Berlin");
    EXPECT_EQ(end_of({weekend}, utc(2027, 3, 27, 12)), utc(2027, 3, 29, 6)) << "to summer time on the 28th";
    EXPECT_EQ(end_of({weekend}, utc(2027, 10, 30, 12)), utc(2027, 11, 1, 7)) << "and back on the 31st";
    const Hours night = hours("Sun 02:00-03:00 Europe/Berlin");
    EXPECT_EQ(end_of({night}, utc(2027, 10, 31, 0, 30)), utc(2027, 10, 31, 2)) << "the hour that comes twice";
}

TEST(HoursInTheNightOfTheChange, are_those_of_the_clock_on_the_wall) {
    // On 2027-03-28 at 01:00 UTC the clocks of Berlin go from 02:00 to 03:00, on 2027-10-31 from 03:00 to 02:00.
    const Hours skipped = hours("Sun 02:00-03:00 Europe/Berlin");
    EXPECT_FALSE(skipped.contain(utc(2027, 3, 28, 0, 59, 59)));
    EXPECT_FALSE(skipped.contain(utc(2027, 3, 28, 1)));
    const Hours twice = hours("Sun 02:00-03:00 Europe/Berlin");
    EXPECT_FALSE(twice.contain(utc(2027, 10, 30, 23, 59)));
    EXPECT_TRUE(twice.contain(utc(2027, 10, 31, 0, 30)));
    EXPECT_TRUE(twice.contain(utc(2027, 10, 31, 1, 30)));
    EXPECT_FALSE(twice.contain(utc(2027, 10, 31, 2)));
}

TEST(HoursOfSeveralDays, are_a_span_on_each_of_them) {
    const Hours h = hours("Mon-Fri 09:00-17:00 UTC");
    EXPECT_TRUE(h.contain(utc(2027, 1, 13, 9)));
    EXPECT_FALSE(h.contain(utc(2027, 1, 13, 17)));
    EXPECT_FALSE(h.contain(utc(2027, 1, 13, 8, 59)));
    EXPECT_FALSE(h.contain(utc(2027, 1, 16, 12)));
}

TEST(HoursOfANight, go_over_midnight_and_over_the_end_of_the_week) {
    const Hours h = hours("Sat-Sun 22:00-06:00 UTC");
    EXPECT_TRUE(h.contain(utc(2027, 1, 16, 23)));
    EXPECT_TRUE(h.contain(utc(2027, 1, 17, 5)));
    EXPECT_FALSE(h.contain(utc(2027, 1, 17, 7)));
    EXPECT_TRUE(h.contain(utc(2027, 1, 18, 5)));  // Monday morning, of Sunday's night
    EXPECT_FALSE(h.contain(utc(2027, 1, 18, 23)));
    const Hours every = hours("22:00-06:00 America/New_York");
    EXPECT_TRUE(every.contain(utc(2027, 1, 13, 3)));
    EXPECT_FALSE(every.contain(utc(2027, 1, 13, 11)));
}

TEST(HoursOfWholeDays, need_no_times) {
    const Hours h = hours("sat-sun Asia/Kolkata");  // UTC+5:30
    EXPECT_FALSE(h.contain(utc(2027, 1, 15, 18, 29)));
    EXPECT_TRUE(h.contain(utc(2027, 1, 15, 18, 30)));
    EXPECT_TRUE(h.contain(utc(2027, 1, 17, 18, 29)));
    EXPECT_FALSE(h.contain(utc(2027, 1, 17, 18, 30)));
}

TEST(HoursOfTheCalendar, happen_once) {
    const Hours h = hours("2026-12-24 12:00-2027-01-02 Europe/Berlin");
    EXPECT_FALSE(h.contain(utc(2026, 12, 24, 10, 59)));
    EXPECT_TRUE(h.contain(utc(2026, 12, 24, 11)));
    EXPECT_TRUE(h.contain(utc(2027, 1, 2, 22, 59)));
    EXPECT_FALSE(h.contain(utc(2027, 1, 2, 23)));
    EXPECT_FALSE(h.contain(utc(2027, 12, 25, 12)));
    EXPECT_TRUE(hours("2026-12-31 UTC").contain(utc(2026, 12, 31, 23, 59)));
}

TEST(HoursThatAreNone, are_refused_in_words) {
    for (const char* text : {"", "Fri", "Europe/Berlin", "Fri 16:00-Mon 08:00", "Fri 16:00 Europe/Berlin", "soon UTC",
                             "Fri 16:60-Mon 08:00 UTC", "2026-13-01 UTC", "Mon-Fri 09:00-17:00 Mars/Olympus"})
        EXPECT_TRUE(config::check_hours(text)) << text;
}

}  // namespace
}  // namespace revertd
