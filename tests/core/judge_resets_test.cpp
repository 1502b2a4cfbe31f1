// SPDX-License-Identifier: Apache-2.0
// Restarts where no page tells of them: the counters of a target begin anew.
#include <gtest/gtest.h>

#include "tests/core/judge_bed.h"

namespace revertd {
namespace {

/// A ratio, and the starts of processes that nobody finds on the pages.
ServiceSettings with_starts(std::size_t targets) {
    ServiceSettings settings = service({}, targets);
    Signal starts = signal_of(Signal::Kind::Rate, "restarts");
    starts.starts = starts.well_known = true;
    settings.signals.push_back(starts);
    Rule rule = above(1e-9);  // a second: any restart
    rule.signal = 1;
    rule.in_a_row = 0;
    settings.rules = {rule};
    settings.min_requests = 0;
    return settings;
}

class Resets : public ::testing::Test {
  protected:
    explicit Resets(std::size_t targets = 1) : bed(with_starts(targets)) {
        bed.judge.set_phase({JudgePhase::Kind::Good, bed.at, bed.at});
        slots(30);
    }

    /// Whether a restart was counted in any of so many slots.
    int slots(int n) {
        int restarts = 0;
        for (int i = 0; i < n; ++i) {
            bed.slot(100, 1);
            restarts += bed.verdict() == Verdict::Breach ? 1 : 0;
        }
        return restarts;
    }

    void restart(std::size_t target = 0) {
        for (auto& series : bed.targets[target].series) series.value = 0;
    }

    JudgeBed bed;
};

TEST_F(Resets, counters_that_begin_anew_are_a_restart) {
    EXPECT_EQ(slots(20), 0);
    restart();
    EXPECT_EQ(slots(1), 1);
    EXPECT_EQ(slots(20), 0);
}

TEST_F(Resets, the_first_three_since_a_deploy_are_excused) {
    bed.bake();
    for (int i = 0; i < 3; ++i) {
        restart();
        EXPECT_EQ(slots(20), 0);
    }
    restart();
    EXPECT_EQ(slots(1), 1);
}

TEST_F(Resets, instances_that_take_turns_do_not_restart_again_and_again) {
    const auto old = bed.targets[0].series;
    restart();
    int restarts = slots(1);
    for (int i = 0; i < 20; ++i) {
        auto fresh = bed.targets[0].series;
        bed.targets[0].series = old;
        restarts += slots(1);
        bed.targets[0].series = fresh;
        restarts += slots(1);
    }
    EXPECT_LE(restarts, 1);
}

TEST_F(Resets, one_series_that_is_taken_away_and_comes_back_is_none) {
    for (auto& series : bed.targets[0].series)
        if (series.role.bad) series.value = 0;
    EXPECT_EQ(slots(20), 0);
}

TEST_F(Resets, a_page_that_tells_of_its_start_is_believed_alone) {
    *bed.series(0, 77, {.signal = 1}) = 1000;
    slots(20);
    restart();
    *bed.series(0, 77, {.signal = 1}) = 1000;
    EXPECT_EQ(slots(3), 0);
    *bed.series(0, 77, {.signal = 1}) = 2000;
    EXPECT_EQ(slots(1), 1);
}

TEST_F(Resets, a_restart_of_the_daemon_forgets_nothing) {
    const std::string record = bed.judge.save();
    bed.judge = Judge(std::make_shared<const ServiceSettings>(bed.settings()));
    ASSERT_TRUE(bed.judge.restore(record, bed.at));
    restart();
    EXPECT_EQ(slots(1), 1);
}

}  // namespace
}  // namespace revertd
