// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/clock_steps.h"

#include <gtest/gtest.h>

namespace revertd {
namespace {

Now at(Duration timeline, Duration wall) {
    return {Time(timeline), WallTime(wall)};
}

TEST(ClockSteps, TellsOnceByHowMuchTheWallClockWasSet) {
    ClockSteps steps;
    EXPECT_FALSE(steps.look(at(10s, 1000s)));
    EXPECT_FALSE(steps.look(at(11s, 1001s)));
    EXPECT_EQ(steps.look(at(12s, 1002s + 1h)), Duration(1h));
    EXPECT_FALSE(steps.look(at(13s, 1003s + 1h)));
    EXPECT_EQ(steps.look(at(14s, 1004s - 24h)), Duration(-25h));
}

TEST(ClockSteps, SlewingAndTimeThatPassesAreNoSteps) {
    ClockSteps steps;
    Duration slewed{};
    for (int second = 0; second < 3600; ++second) {
        EXPECT_FALSE(steps.look(at(1s * second, 1000s + 1s * second + slewed)));
        slewed += 500us;
    }
    EXPECT_FALSE(steps.look(at(2h, 1000s + 2h + slewed))) << "nobody looked for an hour";
}

}  // namespace
}  // namespace revertd
