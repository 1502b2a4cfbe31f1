// SPDX-License-Identifier: Apache-2.0
// S10, S18, S26: phases of a guard, the baseline, and the account of a bake.
#include <gtest/gtest.h>

#include "tests/core/judge_bed.h"

namespace revertd {
namespace {

Rule relative(double factor, Duration hold = {}) {
    Rule rule = above(factor, hold);
    rule.relative = Rule::Relative::TimesBaseline;
    return rule;
}

Rule p0(double bound, Duration hold = {}) {
    Rule rule = above(bound, hold);
    rule.severity = Severity::P0;
    return rule;
}

TEST(JudgePhases, no_sample_before_the_first_sight_counts_towards_a_hold) {
    JudgeBed bed(service({p0(0.05, 20s)}));
    for (int i = 0; i < 4; ++i) bed.slot(50, 50);
    bed.at += 2s;
    bed.bake();
    bed.at += 3s - 5s;
    bed.slot(0, 100);  // begins under the old version
    EXPECT_EQ(bed.verdict(), Verdict::Insufficient);
    bed.slot(50, 50);
    EXPECT_EQ(bed.verdict(), Verdict::Breach);
    EXPECT_EQ(bed.rule().requests, 100) << "the window begins anew";
    for (int i = 0; i < 3; ++i) bed.slot(50, 50);
    EXPECT_FALSE(bed.holds());
    bed.slot(50, 50);
    EXPECT_TRUE(bed.holds());
}

TEST(JudgePhases, errors_of_the_old_version_never_hold_against_the_new_one) {
    JudgeBed bed(service({p0(0.05)}));
    bed.slot(100, 0);
    bed.slot(0, 100);
    EXPECT_TRUE(bed.holds());
    bed.serve(0, 100);
    bed.judge.set_phase({JudgePhase::Kind::Baking, bed.at + 1ms, {}});
    EXPECT_FALSE(bed.holds());
    const JudgeReport report = bed.slot(1, 0);
    ASSERT_EQ(report.changes.size(), 1U) << "the Engine hears that it does not hold any more";
    EXPECT_FALSE(report.changes[0].holds);
    bed.slot(100, 0);
    EXPECT_EQ(bed.verdict(), Verdict::Ok);
    bed.slot(100, 0);
    EXPECT_FALSE(bed.holds());
}

TEST(JudgePhases, the_first_slot_of_a_phase_tells_every_rule_anew) {
    JudgeBed bed(service({p0(0.05), above(0.9)}));
    bed.slot(100, 0);
    for (int i = 0; i < 3; ++i) bed.slot(0, 100);
    bed.bake();
    const JudgeReport report = bed.slot(0, 100);
    ASSERT_EQ(report.changes.size(), 2U) << "it holds again, for another version";
    EXPECT_EQ(report.changes[0].since, bed.at);
    EXPECT_EQ(bed.slot(0, 100).changes.size(), 0U);
}

TEST(JudgePhases, a_target_that_was_blind_across_the_first_sight_only_sets_values) {
    Rule patient = p0(0.05);
    patient.over = 1min;  // so long a gap would be bridged within a phase
    JudgeBed bed(service({patient}, 2));
    bed.slot(1000, 0);
    bed.targets[1].failure = JudgeBed::Failure{Verdict::Error, "503"};
    bed.serve(0, 1000, 1);  // still the old version
    bed.slot(1000, 0);
    bed.bake();
    bed.slot(1000, 0);
    bed.targets[1].failure.reset();
    bed.slot(1000, 0);
    EXPECT_EQ(bed.verdict(), Verdict::Ok);
    EXPECT_EQ(bed.rule().value, 0);
}

TEST(JudgePhases, during_warm_up_only_health_and_p0_rules_count) {
    JudgeBed bed(service({p0(0.05), health_rule(Rule::Kind::HealthDown), above(0.05, 10s)}));
    bed.slot(100, 0);
    bed.bake(30s);
    bed.slot(100, 0);
    bed.targets[0].health = Health::Down;
    for (int i = 0; i < 4; ++i) bed.slot(0, 100);
    EXPECT_TRUE(bed.holds(0));
    EXPECT_TRUE(bed.holds(1));
    EXPECT_EQ(bed.verdict(2), Verdict::Insufficient);
    EXPECT_EQ(bed.words(2), "errors: does not count during warm-up");
    bed.slot(0, 100);  // 30 s: its difference began in the warm-up
    EXPECT_EQ(bed.verdict(2), Verdict::Insufficient);
    bed.slot(0, 100);
    bed.slot(0, 100);
    EXPECT_FALSE(bed.holds(2));
    bed.slot(0, 100);
    EXPECT_TRUE(bed.holds(2));
}

TEST(JudgePhases, warm_up_errors_are_in_no_later_window) {
    Rule rule = above(0.05);
    rule.over = 60s;
    JudgeBed bed(service({rule}));
    bed.slot(100, 0);
    bed.bake(20s);
    for (int i = 0; i < 4; ++i) bed.slot(0, 100);
    EXPECT_EQ(bed.verdict(), Verdict::Insufficient);
    bed.slot(100, 0);
    EXPECT_EQ(bed.verdict(), Verdict::Ok);
    EXPECT_EQ(bed.rule().requests, 100);
}

TEST(JudgePhases, the_same_phase_said_again_changes_nothing) {
    JudgeBed bed(service({above(0.05)}));
    bed.slot(100, 0);
    const JudgePhase phase{JudgePhase::Kind::Baking, bed.at, bed.at};
    bed.judge.set_phase(phase);
    bed.slot(100, 0);
    bed.slot(0, 100);
    EXPECT_TRUE(bed.holds());
    bed.judge.set_phase(phase);
    EXPECT_TRUE(bed.holds());
}

TEST(JudgeBaseline, relative_rules_judge_by_what_was_before) {
    JudgeBed bed(service({relative(2)}));
    for (int i = 0; i < 62; ++i) bed.slot(990, 10);
    bed.judge.freeze_baseline(bed.at);
    bed.judge.set_phase({JudgePhase::Kind::Rolling, bed.at, bed.at});
    bed.bake();
    bed.slot(990, 10);
    bed.slot(981, 19);
    EXPECT_EQ(bed.verdict(), Verdict::Ok);
    EXPECT_DOUBLE_EQ(bed.rule().limit, 0.02);
    bed.slot(974, 26);
    EXPECT_EQ(bed.verdict(), Verdict::Breach);
    EXPECT_EQ(bed.words(), "errors 2.6 % of 1,000 requests, 2.6x the 1 % before; limit 2 %");
    for (int i = 0; i < 100; ++i) bed.slot(900, 100);
    EXPECT_DOUBLE_EQ(bed.rule().limit, 0.02) << "it does not learn from the bake";
}

TEST(JudgeBaseline, below_half_of_its_slots_relative_rules_are_insufficient_for_the_whole_bake) {
    for (const int slots : {29, 30}) {
        JudgeBed bed(service({relative(2), above(0.05)}));
        for (int i = 0; i < slots + 1; ++i) bed.slot(990, 10);  // the first one only sets values
        bed.judge.freeze_baseline(bed.at);
        bed.bake();
        for (int i = 0; i < 70; ++i) bed.slot(500, 500);
        EXPECT_EQ(bed.verdict(0), slots == 30 ? Verdict::Breach : Verdict::Insufficient) << slots;
        EXPECT_EQ(bed.verdict(1), Verdict::Breach);
        if (slots == 30) continue;
        EXPECT_EQ(bed.words(0), "errors: no baseline, 2m25s of 5m seen before, half is needed");
    }
}

TEST(JudgeBaseline, too_few_requests_are_no_baseline) {
    ServiceSettings settings = service({relative(2, 50s)});
    settings.min_requests = 100;
    JudgeBed bed(std::move(settings));
    for (int i = 0; i < 62; ++i) bed.slot(1, 0);
    bed.judge.freeze_baseline(bed.at);
    bed.bake();
    for (int i = 0; i < 30; ++i) bed.slot(500, 500);
    EXPECT_EQ(bed.verdict(), Verdict::Insufficient);
    EXPECT_EQ(bed.words(), "errors: no baseline, 61 requests before, 100 needed");
}

TEST(JudgeBaseline, blind_slots_are_left_out_and_what_came_after_the_start_too) {
    JudgeBed bed(service({relative(2)}));
    for (int i = 0; i < 40; ++i) bed.slot(990, 10);
    for (int i = 0; i < 10; ++i) bed.blind_slot();
    bed.slot(990, 10);  // after a gap: sets values
    const Time start = bed.at;
    for (int i = 0; i < 3; ++i) bed.slot(0, 1000);  // the new version, not noticed yet
    bed.judge.freeze_baseline(start);
    bed.bake();
    for (int i = 0; i < 2; ++i) bed.slot(985, 15);
    EXPECT_EQ(bed.verdict(), Verdict::Ok);
    EXPECT_DOUBLE_EQ(bed.rule().baseline, 0.01);
}

TEST(JudgeBaseline, is_the_last_of_its_length_and_grows_again_under_a_good_version) {
    JudgeBed bed(service({relative(2)}));
    for (int i = 0; i < 100; ++i) bed.slot(500, 500);
    bed.judge.freeze_baseline(bed.at);
    bed.bake();
    for (int i = 0; i < 100; ++i) bed.slot(900, 100);
    EXPECT_DOUBLE_EQ(bed.rule().baseline, 0.5);
    bed.judge.set_phase({JudgePhase::Kind::Good, bed.at, bed.at});
    for (int i = 0; i < 70; ++i) bed.slot(990, 10);
    EXPECT_DOUBLE_EQ(bed.rule().baseline, 0.01);
}

TEST(JudgeBaseline, no_error_before_is_less_than_one_in_all_requests_not_nothing) {
    JudgeBed bed(service({relative(2)}));
    for (int i = 0; i < 62; ++i) bed.slot(100, 0);
    bed.judge.freeze_baseline(bed.at);
    bed.bake();
    bed.slot(100, 0);
    bed.slot(100, 0);
    EXPECT_EQ(bed.verdict(), Verdict::Ok);
    EXPECT_DOUBLE_EQ(bed.rule().limit, 2.0 / 6100);
}

TEST(JudgeBaseline, a_gauge_that_was_zero_gives_no_factor) {
    ServiceSettings settings = service({relative(2)});
    settings.signals = {signal_of(Signal::Kind::Gauge, "queue")};
    JudgeBed bed(std::move(settings));
    bed.series(0, 1, {}) = 0;
    for (int i = 0; i < 62; ++i) bed.slot();
    bed.judge.freeze_baseline(bed.at);
    bed.bake();
    bed.series(0, 1, {}) = 5;
    bed.slot();
    EXPECT_EQ(bed.verdict(), Verdict::Insufficient);
    EXPECT_EQ(bed.words(), "queue: it was 0 before: a factor of that says nothing");
}

TEST(JudgeSummary, counts_slots_after_warm_up) {
    JudgeBed bed(service({above(0.05)}));
    bed.slot(100, 0);
    bed.bake(10s);
    for (int i = 0; i < 2; ++i) bed.slot(0, 100);
    for (int i = 0; i < 7; ++i) bed.slot(100, 0);
    bed.slot(50, 50);
    bed.blind_slot();
    const RuleSummary summary = bed.judge.summarise().at(0);
    EXPECT_EQ(summary.slots, 9U);
    EXPECT_EQ(summary.ok, 7U);
    EXPECT_EQ(summary.breach, 1U);
    EXPECT_EQ(summary.blind, 1U);
    EXPECT_EQ(summary.last, Verdict::Error);
}

TEST(JudgeSummary, begins_anew_for_a_version_that_is_being_adopted) {
    JudgeBed bed(service({above(0.05)}));
    for (int i = 0; i < 5; ++i) bed.slot(50, 50);
    bed.judge.set_phase({JudgePhase::Kind::Good, bed.at, bed.at});
    EXPECT_TRUE(bed.holds()) << "what runs goes on running";
    for (int i = 0; i < 3; ++i) bed.slot(100, 0);
    EXPECT_EQ(bed.judge.summarise().at(0).slots, 3U);
    EXPECT_EQ(bed.judge.summarise().at(0).ok, 3U);
    bed.judge.set_phase({JudgePhase::Kind::Good, {}, {}});
    EXPECT_EQ(bed.judge.summarise().at(0).slots, 3U);
}

TEST(JudgeSummary, a_rule_insufficient_all_bake_is_computed_over_the_whole_bake) {
    for (const double errors : {0.0, 1.0}) {
        ServiceSettings settings = service({above(0.05, 20s)});
        settings.min_requests = 100;
        JudgeBed bed(std::move(settings));
        bed.slot(10, 0);
        bed.bake();
        for (int i = 0; i < 30; ++i) bed.slot(10 - errors, errors);
        const RuleSummary summary = bed.judge.summarise().at(0);
        EXPECT_EQ(summary.insufficient, summary.slots);
        EXPECT_EQ(summary.whole_bake_breach, errors > 0);
        EXPECT_DOUBLE_EQ(summary.whole_bake_value, errors / 10);
    }
}

TEST(JudgeSummary, the_whole_bake_begins_after_warm_up) {
    ServiceSettings settings = service({above(0.05)});
    settings.min_requests = 1000;
    JudgeBed bed(std::move(settings));
    bed.slot(10, 0);
    bed.bake(20s);
    for (int i = 0; i < 4; ++i) bed.slot(0, 50);
    for (int i = 0; i < 10; ++i) bed.slot(10, 0);
    EXPECT_EQ(bed.judge.summarise().at(0).whole_bake_value, 0);
    EXPECT_FALSE(bed.judge.summarise().at(0).whole_bake_breach);
}

TEST(JudgeSuspend, a_difference_over_it_is_no_sample_in_a_row) {
    Rule rule = above(0.05);
    rule.in_a_row = 2;
    rule.over = 1min;
    JudgeBed bed(service({rule}));
    bed.slot(100, 0);
    bed.slot(100, 0);
    bed.at += 10s;
    bed.slot(0, 100);
    EXPECT_EQ(bed.verdict(), Verdict::Insufficient);
    bed.slot(0, 100);
    EXPECT_FALSE(bed.holds());
}

TEST(JudgeSuspend, what_was_in_the_window_before_it_leaves_in_time) {
    Rule rule = above(0.05);
    rule.over = 15s;
    JudgeBed bed(service({rule}));
    for (int i = 0; i < 5; ++i) bed.slot(100, 0);
    bed.at += 5s;
    bed.slot(10, 0);
    EXPECT_EQ(bed.rule().requests, 110);
    bed.slot(1, 0);
    EXPECT_EQ(bed.rule().requests, 11);
}

TEST(JudgeSuspend, missed_slots_are_blind) {
    JudgeBed bed(service({above(0.05, 50s), health_rule(Rule::Kind::HealthDown, 50s)}));
    bed.slot(100, 0);
    bed.bake();
    bed.targets[0].health = Health::Down;
    for (int i = 0; i < 8; ++i) bed.slot(50, 50);
    bed.at += 1h;
    for (int i = 0; i < 4; ++i) {
        bed.slot(50, 50);
        EXPECT_FALSE(bed.holds(0));
        EXPECT_FALSE(bed.holds(1));
    }
    EXPECT_EQ(bed.judge.summarise().at(1).blind, 720U);
}

}  // namespace
}  // namespace revertd
