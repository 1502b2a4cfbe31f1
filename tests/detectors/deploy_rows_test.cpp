// SPDX-License-Identifier: Apache-2.0
// How slots become ticks, and which of them are kept.
#include "detectors/deploy_rows.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "tests/core/judge_bed.h"

namespace revertd::detect {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

/// Rows of a service with slots of 5 s, one a tick.
class Rows {
  public:
    explicit Rows(Signal::Kind kind, bool compared = false) : signal_(signal_of(kind, "signal", Unit::None)) {
        if (compared) signal_.control = 1;
    }

    DeployRows rows() { return DeployRows({.settings = settings_, .rule = rule_, .signal = signal_}); }

    DetectorSlot slot(std::span<const double> cells, std::span<const double> bounds = {}) {
        DetectorSlot seen;
        seen.counts = true;
        seen.now = {.cells = cells, .bounds = bounds};
        seen.bounds = bounds;
        return seen;
    }

  private:
    ServiceSettings settings_ = service({});
    Rule rule_;
    Signal signal_;
};

TEST(DeployRows, a_phase_begins_without_the_restarts_of_the_one_before) {
    Rows bed(Signal::Kind::Ratio);
    DeployRows rows = bed.rows();
    const std::array cells = {100.0, 1.0};
    DetectorSlot slot = bed.slot(cells);
    slot.restarted = 0.5;
    rows.pass(1);
    ASSERT_TRUE(rows.add(slot));
    rows.begin();
    rows.pass(1);
    ASSERT_TRUE(rows.add(bed.slot(cells)));
    EXPECT_EQ(rows.keep(true).restarted, 0U);
}

TEST(DeployRows, a_slot_of_the_control_group_alone_is_a_part_of_the_tick) {
    Rows bed(Signal::Kind::Ratio, true);
    DeployRows rows = bed.rows();
    const std::array fresh = {100.0, 1.0}, control = {900.0, 3.0};
    DetectorSlot both = bed.slot(fresh), alone = bed.slot({});
    both.control.cells = alone.control.cells = control;
    rows.begin();
    rows.see_control();
    rows.pass(1);
    rows.add_control_alone(alone);
    rows.pass(1);
    ASSERT_TRUE(rows.add(both));
    const auto& row = rows.keep(true);
    EXPECT_EQ(rows.fresh_of(row).dt, 10);
    EXPECT_EQ(rows.fresh_of(row).all.requests, 100);
    EXPECT_EQ(rows.control_of(row).all.requests, 1800);
}

TEST(DeployRows, other_buckets_drop_what_was_kept_and_what_was_begun) {
    Rows bed(Signal::Kind::Quantile);
    DeployRows rows = bed.rows();
    const std::array cells = {10.0, 20.0, 30.0}, edges = {0.1, 1.0, kInf}, others = {0.1, 2.0, kInf};
    ASSERT_TRUE(rows.drops_others(bed.slot(cells, edges)));  // there were none
    for (const bool since : {false, true}) {
        rows.pass(1);
        ASSERT_TRUE(rows.add(bed.slot(cells, edges)));
        if (since)
            rows.keep(true);
        else
            rows.keep_before();
    }
    ASSERT_TRUE(rows.add(bed.slot(cells, edges)));
    EXPECT_FALSE(rows.drops_others(bed.slot(cells, edges)));
    EXPECT_TRUE(rows.drops_others(bed.slot(cells, others)));
    EXPECT_EQ(rows.before().size() + rows.since().size(), 0U);
    EXPECT_FALSE(rows.is_full());
}

TEST(DeployRows, buckets_that_were_never_seen_are_not_added) {
    Rows bed(Signal::Kind::Quantile);
    DeployRows rows = bed.rows();
    const std::array cells = {10.0, 20.0, 30.0}, edges = {0.1, 1.0, kInf};
    EXPECT_FALSE(rows.add(bed.slot(cells, edges)));
    EXPECT_FALSE(rows.add(bed.slot({}, edges)));
    EXPECT_FALSE(rows.add(bed.slot({})));
}

}  // namespace
}  // namespace revertd::detect
