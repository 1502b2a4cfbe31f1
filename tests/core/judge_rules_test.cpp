// SPDX-License-Identifier: Apache-2.0
// S10, S16, S22 to S26: what rules say to the values.
#include <gtest/gtest.h>

#include "tests/core/judge_bed.h"

namespace revertd {
namespace {

TEST(JudgeRules, for_holds_when_breached_at_both_ends_and_in_between) {
    JudgeBed bed(service({above(0.05, 20s)}));
    bed.slot(100, 0);
    for (int i = 0; i < 4; ++i) {
        bed.slot(50, 50);
        EXPECT_EQ(bed.verdict(), Verdict::Breach);
        EXPECT_FALSE(bed.holds()) << i;
    }
    const Time began = bed.rule().since;
    bed.slot(50, 50);
    EXPECT_TRUE(bed.holds());
    EXPECT_EQ(bed.rule().since, began);
    EXPECT_EQ(bed.at - began, 20s);
}

TEST(JudgeRules, a_blind_slot_keeps_its_place_and_more_than_a_fifth_end_the_run) {
    const auto held_with = [](int blind) {
        JudgeBed bed(service({above(0.05, 45s)}));  // ten slots
        bed.slot(100, 0);
        for (int i = 0; i < 10; ++i) {
            bed.serve(50, 50);
            if (i > 2 && i <= 2 + blind)
                bed.blind_slot();
            else
                bed.slot();
        }
        return bed.holds();
    };
    EXPECT_TRUE(held_with(0));
    EXPECT_TRUE(held_with(2));
    EXPECT_FALSE(held_with(3));
}

TEST(JudgeRules, a_rule_clears_at_eight_tenths_of_its_bound_only_after_it_held) {
    JudgeBed bed(service({above(0.05)}));
    bed.slot(1000, 0);
    bed.slot(955, 45);
    EXPECT_FALSE(bed.holds());
    bed.slot(940, 60);
    EXPECT_TRUE(bed.holds());
    bed.slot(955, 45);
    EXPECT_EQ(bed.verdict(), Verdict::Ok);
    EXPECT_TRUE(bed.holds()) << "4.5 % is not below 4 %";
    bed.blind_slot();
    EXPECT_TRUE(bed.holds()) << "nobody saw it clear";
    bed.slot(1000, 0);
    EXPECT_FALSE(bed.holds());
}

TEST(JudgeRules, clear_may_be_written_and_is_mirrored_for_less_than) {
    Rule written = above(0.05);
    written.clear = 0.01;
    Rule less = above(0.04);
    less.op = Rule::Op::Less;
    JudgeBed bed(service({written, less}));
    bed.slot(1000, 0);
    bed.slot(940, 60);
    EXPECT_TRUE(bed.holds(0));
    bed.slot(985, 15);
    EXPECT_TRUE(bed.holds(0));
    EXPECT_TRUE(bed.holds(1));
    bed.slot(955, 45);
    EXPECT_TRUE(bed.holds(1)) << "4.5 % is not above 5 %";
    bed.slot(950, 50);
    EXPECT_FALSE(bed.holds(1));
    bed.slot(990, 10);
    EXPECT_FALSE(bed.holds(0));
}

TEST(JudgeRules, n_of_m_counts_slots_and_a_blind_one_is_no_breach) {
    Rule rule = above(0.05);
    rule.n = 2;
    rule.of = 3;
    JudgeBed bed(service({rule}));
    bed.slot(100, 0);
    bed.slot(50, 50);
    bed.slot(100, 0);
    bed.slot(50, 50);
    EXPECT_TRUE(bed.holds());
    JudgeBed blind(service({rule}));
    blind.slot(100, 0);
    blind.slot(50, 50);
    blind.blind_slot();
    blind.slot(100, 0);
    blind.slot(50, 50);
    EXPECT_FALSE(blind.holds());
}

TEST(JudgeRules, after_clearing_a_rule_begins_anew) {
    Rule rule = above(0.05);
    rule.n = 2;
    rule.of = 5;
    JudgeBed bed(service({rule}));
    bed.slot(100, 0);
    bed.slot(50, 50);
    bed.slot(100, 0);
    bed.slot(50, 50);
    EXPECT_TRUE(bed.holds());
    for (int i = 0; i < 3; ++i) bed.slot(100, 0);
    EXPECT_FALSE(bed.holds());
    bed.slot(50, 50);
    EXPECT_FALSE(bed.holds()) << "the breaches before are an incident of their own";
    bed.slot(50, 50);
    EXPECT_TRUE(bed.holds());
}

TEST(JudgeRules, suspicion_asks_every_tenth_and_each_sample_is_its_own_difference) {
    Rule rule = above(0.05);
    rule.in_a_row = 3;
    JudgeBed bed(service({rule}));
    bed.slot(100, 0);
    EXPECT_FALSE(bed.last().suspicious);
    EXPECT_TRUE(bed.slot(50, 50).suspicious);
    bed.serve(90, 10);
    EXPECT_TRUE(bed.sample(500ms).suspicious);
    EXPECT_DOUBLE_EQ(bed.rule().value, 0.1) << "not the half of the slot before";
    bed.serve(90, 10);
    EXPECT_FALSE(bed.sample(500ms).suspicious);
    EXPECT_TRUE(bed.holds());
    EXPECT_EQ(bed.rule().since, bed.at - 1s);
}

TEST(JudgeRules, samples_closer_than_a_tenth_of_the_interval_do_not_count) {
    Rule rule = above(0.05);
    rule.in_a_row = 2;
    JudgeBed bed(service({rule}));
    bed.slot(100, 0);
    bed.slot(50, 50);
    bed.serve(50, 50);
    bed.sample(499ms);
    EXPECT_FALSE(bed.holds());
    bed.serve(50, 50);
    bed.sample(1ms);
    EXPECT_TRUE(bed.holds());
}

TEST(JudgeRules, one_good_or_blind_sample_ends_the_suspicion) {
    for (const bool blind : {false, true}) {
        Rule rule = above(0.05);
        rule.in_a_row = 2;
        JudgeBed bed(service({rule}));
        bed.slot(100, 0);
        EXPECT_TRUE(bed.slot(50, 50).suspicious);
        bed.serve(100, blind ? 100 : 0);
        if (blind) bed.targets[0].failure = JudgeBed::Failure{Verdict::Error, "503"};
        EXPECT_FALSE(bed.sample(500ms).suspicious);
        bed.targets[0].failure.reset();
        bed.serve(50, 50);
        bed.sample(500ms);
        EXPECT_FALSE(bed.holds());
        bed.serve(50, 50);
        bed.sample(500ms);
        EXPECT_EQ(bed.holds(), !blind) << "what spans a blind sample is no sample";
    }
}

TEST(JudgeRules, a_sample_without_an_answer_is_no_sample) {
    JudgeBed bed(service({health_rule(Rule::Kind::HealthFails, {}, 3)}));
    bed.slot();
    for (int slot = 0; slot < 3; ++slot) {
        bed.targets[0].health = Health::Down;  // a hung target: down at the end of the slot, silent in between
        bed.slot();
        bed.at += 500ms;
        EXPECT_EQ(bed.judge.close_sample(bed.at).suspicious, slot < 2);
    }
    EXPECT_TRUE(bed.holds());
}

TEST(JudgeRules, samples_between_slots_leave_the_sums_of_the_slot_whole) {
    Rule counting = above(0.5);
    counting.in_a_row = 2;
    JudgeBed bed(service({counting, above(0.9)}));
    bed.slot(100, 0);
    bed.slot(10, 90);
    const RuleChange before = bed.rule(1);
    bed.serve(10, 0);
    bed.sample(500ms);
    EXPECT_EQ(bed.rule(1).value, before.value) << "only rules that count samples see it";
    bed.serve(90, 0);
    bed.slot();
    EXPECT_EQ(bed.rule(1).requests, 100);
}

TEST(JudgeRules, the_slot_of_a_gauge_has_its_last_value) {
    Rule counting = above(10);
    counting.in_a_row = 2;
    ServiceSettings settings = service({counting, above(100)});
    settings.signals = {signal_of(Signal::Kind::Gauge, "queue")};
    JudgeBed bed(std::move(settings));
    bed.series(0, 1, {}) = 60;
    bed.slot();
    bed.sample(500ms);
    bed.series(0, 1, {}) = 20;
    bed.slot();
    EXPECT_EQ(bed.rule(1).value, 20);
}

TEST(JudgeRules, in_suspicion_the_health_of_the_slot_tells_who_is_left_out) {
    Rule rule = above(0.05);
    rule.in_a_row = 3;
    JudgeBed bed(service({rule}, 2));
    bed.slot(100, 0);
    bed.targets[1].health = Health::Down;
    bed.targets[1].failure = JudgeBed::Failure{Verdict::Error, "503"};
    EXPECT_TRUE(bed.slot(50, 50).suspicious);
    for (int i = 0; i < 2; ++i) {
        bed.targets[1].health = Health::Unknown;  // its check is still out
        bed.serve(50, 50);
        bed.sample(500ms);
    }
    EXPECT_TRUE(bed.holds());
}

TEST(JudgeRules, health_is_down_by_shares_of_all_targets_and_blind_is_not_down) {
    using enum Health;

    struct Case {
        DownPolicy policy;
        std::vector<Health> targets;
        Verdict verdict;
    };

    const std::vector<Case> cases{{DownPolicy::Half, {Up, Up, Down}, Verdict::Ok},
                                  {DownPolicy::Half, {Up, Down, Down}, Verdict::Breach},
                                  {DownPolicy::Half, {Up, Down}, Verdict::Breach},
                                  {DownPolicy::Half, {Up, Up, Blind}, Verdict::Ok},
                                  {DownPolicy::Half, {Up, Down, Blind}, Verdict::Error},
                                  {DownPolicy::Half, {Down, Down, Blind, Blind}, Verdict::Breach},
                                  {DownPolicy::Half, {Up, Down, Unknown}, Verdict::NoData},
                                  {DownPolicy::Any, {Up, Up, Down}, Verdict::Breach},
                                  {DownPolicy::Any, {Up, Up, Blind}, Verdict::Error},
                                  {DownPolicy::All, {Up, Down, Down}, Verdict::Ok},
                                  {DownPolicy::All, {Down, Down, Blind}, Verdict::Error},
                                  {DownPolicy::All, {Down, Down, Down}, Verdict::Breach},
                                  {DownPolicy::Half, {Blind, Blind}, Verdict::Error},
                                  {DownPolicy::Half, {Unknown, Unknown}, Verdict::NoData}};
    for (std::size_t i = 0; i < cases.size(); ++i) {
        ServiceSettings settings = service({health_rule(Rule::Kind::HealthDown)}, cases[i].targets.size());
        settings.down = cases[i].policy;
        JudgeBed bed(std::move(settings));
        for (std::size_t target = 0; target < cases[i].targets.size(); ++target)
            bed.targets[target].health = cases[i].targets[target];
        bed.slot();
        EXPECT_EQ(bed.verdict(), cases[i].verdict) << i;
        EXPECT_EQ(bed.holds(), cases[i].verdict == Verdict::Breach) << i;
    }
}

TEST(JudgeRules, health_words_count_the_targets_and_name_the_reason) {
    JudgeBed bed(service({health_rule(Rule::Kind::HealthDown, 10s)}, 3));
    bed.targets[2].health = Health::Down;
    bed.slot();
    EXPECT_EQ(bed.words(), "health: 2 of 3 targets up, 1 down (connection refused)");
}

TEST(JudgeRules, each_report_says_how_the_service_is) {
    JudgeBed bed(service({}, 2));
    EXPECT_EQ(bed.slot().health, Health::Up);
    EXPECT_EQ(bed.last().health_words, "");
    bed.targets[1].health = Health::Down;
    EXPECT_EQ(bed.slot().health, Health::Down);
    EXPECT_EQ(bed.last().health_words, "1 of 2 targets up, 1 down (connection refused)");
    bed.at += 500ms;
    EXPECT_EQ(bed.judge.close_sample(bed.at).health, Health::Unknown) << "nobody was asked";
    bed.targets[1].health = Health::Blind;
    EXPECT_EQ(bed.slot().health, Health::Blind);
    bed.at += 5s;
    EXPECT_EQ(bed.judge.close_slot(bed.at).health, Health::Blind) << "nobody answered";
    JudgeBed without(service({}, 0));
    EXPECT_EQ(without.slot().health, Health::Unknown);
}

TEST(JudgeRules, absent_needs_to_have_been_there_and_an_answer_without_it) {
    Rule rule = above(0, 10s);
    rule.kind = Rule::Kind::Absent;
    ServiceSettings settings = service({rule}, 2);
    settings.signals = {signal_of(Signal::Kind::Gauge, "queue")};
    JudgeBed bed(std::move(settings));
    bed.slot();
    EXPECT_EQ(bed.verdict(), Verdict::Insufficient) << "never seen";
    bed.series(0, 1, {}) = 3;
    bed.slot();
    EXPECT_EQ(bed.verdict(), Verdict::Ok);
    bed.series(0, 1, {}).reset();
    bed.targets[0].failure = JudgeBed::Failure{Verdict::Error, "503"};
    bed.slot();
    EXPECT_TRUE(is_blind(bed.verdict())) << "a failed scrape is blind, not absent";
    bed.targets[0].failure.reset();
    for (int i = 0; i < 3; ++i) {
        EXPECT_FALSE(bed.holds());
        bed.slot();
        EXPECT_EQ(bed.verdict(), Verdict::Breach);
    }
    EXPECT_TRUE(bed.holds());
    bed.series(0, 1, {}) = 0;
    bed.slot();
    EXPECT_FALSE(bed.holds());
}

TEST(JudgeRules, a_change_is_told_once) {
    JudgeBed bed(service({above(0.05)}));
    EXPECT_EQ(bed.slot(100, 0).changes.size(), 0U);
    EXPECT_EQ(bed.slot(100, 0).changes.size(), 1U);
    EXPECT_EQ(bed.slot(100, 0).changes.size(), 0U);
    const JudgeReport report = bed.slot(50, 50);
    ASSERT_EQ(report.changes.size(), 1U);
    EXPECT_EQ(report.changes[0].since, bed.at);
    EXPECT_TRUE(report.changes[0].holds);
    EXPECT_EQ(bed.slot(50, 50).changes.size(), 0U);
}

TEST(JudgeRules, a_signal_that_answers_never_had_is_not_there_rather_than_blind) {
    JudgeBed bed(service({above(0.05)}));
    bed.blind_slot();
    EXPECT_EQ(bed.verdict(), Verdict::Error);
    EXPECT_FALSE(bed.rule().never_there) << "nobody has answered yet";
    const JudgeReport report = bed.slot();
    ASSERT_EQ(report.changes.size(), 1U);
    EXPECT_EQ(report.changes[0].verdict, Verdict::NoData);
    EXPECT_TRUE(report.changes[0].never_there);
    EXPECT_TRUE(bed.judge.summarise()[0].never_there);
    bed.slot(100, 0);
    EXPECT_FALSE(bed.rule().never_there);
}

TEST(JudgeRules, rules_of_the_rollout_are_none_of_its_business) {
    Rule rollout;
    rollout.kind = Rule::Kind::RolloutStuck;
    JudgeBed bed(service({rollout, above(0.05)}));
    bed.slot(100, 0);
    const JudgeReport report = bed.slot(100, 0);
    ASSERT_EQ(report.changes.size(), 1U);
    EXPECT_EQ(report.changes[0].rule, 1U);
    ASSERT_EQ(bed.judge.summarise().size(), 1U);
    EXPECT_EQ(bed.judge.summarise()[0].rule, 1U);
}

/// Errors above 5 %, and health: `need` of them.
JudgeBed combined(std::uint32_t need) {
    Rule errors = above(0.05), down = health_rule(Rule::Kind::HealthDown), both;
    errors.severity = down.severity = Severity::None;
    both.kind = Rule::Kind::Combined;
    both.parts = {0, 1}, both.need = need, both.text = "both";
    return JudgeBed(service({errors, down, both}));
}

TEST(JudgeRules, a_combination_says_what_its_parts_allow_to_say) {
    JudgeBed any = combined(1), all = combined(2);
    const auto slot = [&](double good, double bad, Health health) {
        for (JudgeBed* bed : {&any, &all}) {
            bed->targets[0].health = health;
            bed->slot(good, bad);
        }
    };
    slot(100, 0, Health::Up);
    slot(100, 0, Health::Up);
    EXPECT_EQ(any.rule(2).verdict, Verdict::Ok);
    slot(50, 50, Health::Up);
    EXPECT_TRUE(any.rule(2).holds);
    EXPECT_NE(any.rule(2).words.find("errors 50 %"), std::string::npos) << any.rule(2).words;
    EXPECT_EQ(all.rule(2).verdict, Verdict::Ok);
    EXPECT_FALSE(all.rule(2).holds);
    slot(50, 50, Health::Blind);
    EXPECT_EQ(any.rule(2).verdict, Verdict::Breach);
    EXPECT_TRUE(is_blind(all.rule(2).verdict)) << "health could tip it";
    slot(100, 0, Health::Blind);
    EXPECT_TRUE(is_blind(any.rule(2).verdict));
    EXPECT_EQ(all.rule(2).verdict, Verdict::Ok) << "with health down it would be one of two";
    slot(50, 50, Health::Down);
    EXPECT_TRUE(all.rule(2).holds);
    EXPECT_EQ(all.rule(2).value, 2);
}

}  // namespace
}  // namespace revertd
