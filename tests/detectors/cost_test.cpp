// SPDX-License-Identifier: Apache-2.0
// Nothing is allocated for a tick, however many there are.
#include <gtest/gtest.h>

#include "detectors/deploy_test.h"
#include "detectors/level_test.h"
#include "tests/io/counting_new.h"

namespace revertd::detect {
namespace {

TEST(DeployTestCost, nothing_is_allocated_after_the_deploy) {
    DeployShape shape;
    shape.control = true;
    shape.parts = 3;
    shape.edges = {10, 100, 1000};
    DeployTest test(shape);
    const std::vector<double> buckets = {300, 600, 90, 10};
    const std::vector<Events> parts = {{300, 1}, {300, 1}, {400, 2}};
    GroupTick tick;
    tick.dt = 10;
    tick.all = {1000, 4};
    tick.buckets = buckets;
    tick.parts = parts;
    for (tick.at = -1200; tick.at <= 0; tick.at += 10) test.before(tick);
    test.begin();
    const auto before = test::allocations();
    for (tick.at = 10; tick.at <= 900; tick.at += 10) {
        EXPECT_FALSE(test.tick(tick, &tick));
        test.memory(true, tick.at, 0.4);
    }
    EXPECT_EQ(test::allocations(), before);
}

TEST(LevelTestCost, nothing_is_allocated_for_a_tick) {
    DeployShape shape;
    shape.control = true;
    std::vector<Level> before;
    for (int i = 0; i < 120; ++i) before.push_back({100.0 + i % 7, 50.0 + i % 5});
    LevelTest test(shape, before);
    const auto allocated = test::allocations();
    for (const Level& level : before) test.step(level, 10);
    EXPECT_FALSE(test.worse());
    EXPECT_EQ(test::allocations(), allocated);
}

}  // namespace
}  // namespace revertd::detect
