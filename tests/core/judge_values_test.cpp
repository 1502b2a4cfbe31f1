// SPDX-License-Identifier: Apache-2.0
// S17, S19, S20: what a slot's answers say.
#include <gtest/gtest.h>

#include "tests/core/judge_bed.h"

namespace revertd {
namespace {

TEST(JudgeValues, the_first_scrape_of_a_target_only_sets_values) {
    JudgeBed bed(service({above(0.05)}));
    bed.slot(1000, 500);
    EXPECT_EQ(bed.verdict(), Verdict::Insufficient);
    EXPECT_FALSE(bed.holds());
    bed.slot(1000, 0);
    EXPECT_EQ(bed.verdict(), Verdict::Ok);
}

TEST(JudgeValues, a_ratio_is_bad_differences_by_all_differences) {
    JudgeBed bed(service({above(0.05)}));
    bed.slot(1000, 0);
    bed.slot(921, 79);
    EXPECT_EQ(bed.verdict(), Verdict::Breach);
    EXPECT_DOUBLE_EQ(bed.rule().value, 0.079);
    EXPECT_DOUBLE_EQ(bed.rule().requests, 1000);
    EXPECT_TRUE(bed.holds());
    EXPECT_EQ(bed.words(), "errors 7.9 % of 1,000 requests; limit 5 %");
}

TEST(JudgeValues, a_lower_value_is_a_reset_and_counts_from_zero) {
    JudgeBed bed(service({above(0.05)}));
    bed.slot(1000, 100);
    bed.slot(1000, 0);
    bed.restart();
    bed.slot(90, 10);
    EXPECT_DOUBLE_EQ(bed.rule().value, 0.1);
    EXPECT_DOUBLE_EQ(bed.rule().requests, 100);
}

TEST(JudgeValues, a_series_that_returns_after_its_process_began_anew_counts_from_zero) {
    JudgeBed bed(service({above(0.05)}));
    bed.slot(1000, 5);
    bed.slot(1000, 0);
    bed.restart();
    bed.slot(100, 0);  // no error series any more
    bed.slot(90, 10);  // more errors than the old process ever had
    EXPECT_DOUBLE_EQ(bed.rule().value, 0.1);
}

TEST(JudgeValues, absent_error_series_beside_present_totals_are_zero) {
    JudgeBed bed(service({above(0.05)}));
    bed.slot(1000, 0);
    bed.slot(1000, 0);
    EXPECT_EQ(bed.verdict(), Verdict::Ok);
    EXPECT_EQ(bed.rule().value, 0);
}

TEST(JudgeValues, totals_that_vanish_are_no_data_until_they_are_back) {
    JudgeBed bed(service({above(0.05)}));
    bed.slot(1000, 0);
    bed.slot(1000, 0);
    for (auto& series : bed.targets[0].series) series.value.reset();
    bed.slot();
    EXPECT_EQ(bed.verdict(), Verdict::NoData);
    bed.restart();
    bed.slot(100, 0);
    EXPECT_EQ(bed.verdict(), Verdict::Ok);
}

TEST(JudgeValues, no_comparison_runs_on_a_value_that_is_not_finite) {
    for (const auto& [value, verdict] : {std::pair(kNaN, Verdict::NoData),
                                         {kInf, Verdict::Ambiguous},
                                         {-kInf, Verdict::Ambiguous},
                                         {-1.0, Verdict::Ambiguous}}) {
        JudgeBed bed(service({above(0.05)}));
        bed.slot(1000, 1);
        bed.serve(0, 1000);
        bed.series(0, 200, {}) = value;
        bed.slot();
        EXPECT_EQ(bed.verdict(), verdict) << value;
        EXPECT_FALSE(bed.holds());
    }
}

TEST(JudgeValues, a_gauge_is_never_judged_by_a_value_that_is_not_finite) {
    for (const Rule::Op op : {Rule::Op::Greater, Rule::Op::GreaterEqual, Rule::Op::Less, Rule::Op::LessEqual}) {
        for (const double value : {kNaN, kInf, -kInf}) {
            ServiceSettings settings = service({above(0)});
            settings.signals = {signal_of(Signal::Kind::Gauge, "queue")};
            settings.rules[0].op = op;
            JudgeBed bed(std::move(settings));
            bed.series(0, 1, {}) = value;
            bed.slot();
            EXPECT_TRUE(is_blind(bed.verdict())) << value;
            EXPECT_FALSE(bed.holds());
        }
    }
}

TEST(JudgeValues, a_failed_scrape_of_the_only_target_is_the_verdict_of_the_failure) {
    JudgeBed bed(service({above(0.05)}));
    bed.slot(1000, 0);
    for (const Verdict verdict : {Verdict::NoData, Verdict::Error, Verdict::Ambiguous}) {
        bed.blind_slot(verdict);
        EXPECT_EQ(bed.verdict(), verdict);
    }
    EXPECT_EQ(bed.words(), "errors: 1 of 1 target did not answer, http://10.0.0.1:80/metrics: timeout");
}

TEST(JudgeValues, a_target_without_metrics_makes_the_slot_partial) {
    JudgeBed bed(service({above(0.05)}, 3));
    bed.slot(1000, 0);
    bed.targets[1].failure = JudgeBed::Failure{Verdict::Error, "503"};
    bed.slot(500, 500);
    EXPECT_EQ(bed.verdict(), Verdict::Partial);
    EXPECT_FALSE(bed.holds());
    EXPECT_EQ(bed.words(), "errors: 1 of 3 targets did not answer, http://10.0.0.2:80/metrics: 503");
}

TEST(JudgeValues, a_target_whose_own_health_is_down_is_left_out_and_the_words_say_so) {
    JudgeBed bed(service({above(0.05)}, 3));
    bed.slot(1000, 0);
    bed.targets[1].failure = JudgeBed::Failure{Verdict::Error, "connection refused"};
    bed.targets[1].health = Health::Down;
    bed.slot(500, 500);
    EXPECT_EQ(bed.verdict(), Verdict::Breach);
    EXPECT_EQ(bed.rule().requests, 2000);
    EXPECT_EQ(bed.words(), "errors 50 % of 2,000 requests; limit 5 %; 1 of 3 targets down and left out");
    bed.targets[1].health = Health::Blind;
    bed.slot(500, 500);
    EXPECT_EQ(bed.verdict(), Verdict::Partial);
}

TEST(JudgeValues, metrics_of_targets_that_are_all_down_are_blind_not_breached) {
    JudgeBed bed(service({above(0.05)}, 2));
    bed.slot(1000, 0);
    for (auto& target : bed.targets) target.health = Health::Down;
    bed.blind_slot();
    EXPECT_EQ(bed.verdict(), Verdict::NoData);
}

TEST(JudgeValues, a_target_that_never_had_the_signal_is_no_part_of_it) {
    JudgeBed bed(service({above(0.05)}, 2));
    bed.serve(1000, 0, 0);
    bed.slot();
    bed.serve(500, 500, 0);
    bed.slot();
    EXPECT_EQ(bed.verdict(), Verdict::Breach);
    bed.targets[1].failure = JudgeBed::Failure{Verdict::Error, "503"};  // nothing of the signal is missing
    bed.serve(500, 500, 0);
    bed.slot();
    EXPECT_EQ(bed.verdict(), Verdict::Breach);
}

TEST(JudgeValues, the_increase_over_a_short_gap_belongs_to_the_slot_that_sees_it) {
    JudgeBed bed(service({above(0.05)}));
    bed.slot(1000, 0);
    bed.serve(100, 100);
    bed.blind_slot();
    bed.slot(700, 100);
    EXPECT_DOUBLE_EQ(bed.rule().value, 0.2);
    EXPECT_EQ(bed.rule().requests, 1000);
}

TEST(JudgeValues, after_a_gap_longer_than_the_window_the_first_sample_only_sets_values) {
    JudgeBed bed(service({above(0.05)}));
    bed.slot(1000, 0);
    bed.serve(0, 1000);
    bed.blind_slot();
    bed.blind_slot();
    bed.slot(1000, 0);
    EXPECT_EQ(bed.verdict(), Verdict::Insufficient);
    bed.slot(1000, 0);
    EXPECT_EQ(bed.verdict(), Verdict::Ok);
    EXPECT_EQ(bed.rule().value, 0);
}

TEST(JudgeValues, windows_add_up_differences_of_their_slots_only) {
    Rule written = above(0.05);
    written.over = 15s;
    JudgeBed bed(service({above(0.05), above(0.05, 40s), written, above(0.05, 1h)}));
    for (int i = 0; i < 40; ++i) bed.slot(100, 0);
    EXPECT_EQ(bed.rule(0).requests, 100);
    EXPECT_EQ(bed.rule(1).requests, 200);
    EXPECT_EQ(bed.rule(2).requests, 300);
    EXPECT_EQ(bed.rule(3).requests, 1200) << "at most a minute";
}

TEST(JudgeValues, requests_are_counted_over_for_and_fewer_are_insufficient) {
    ServiceSettings settings = service({above(0.05, 20s), above(0.05)});
    settings.min_requests = 100;
    JudgeBed bed(std::move(settings));
    bed.slot(30, 0);
    for (int i = 0; i < 3; ++i) bed.slot(0, 30);
    EXPECT_EQ(bed.verdict(0), Verdict::Insufficient);
    EXPECT_EQ(bed.words(0), "errors: 90 requests in 20s, 100 needed");
    bed.slot(0, 30);
    EXPECT_EQ(bed.verdict(0), Verdict::Breach);
    EXPECT_EQ(bed.verdict(1), Verdict::Insufficient) << "30 requests in its window";
}

TEST(JudgeValues, nothing_happened_is_insufficient) {
    JudgeBed bed(service({above(0.05)}));
    bed.slot(100, 0);
    bed.slot(0, 0);
    EXPECT_EQ(bed.verdict(), Verdict::Insufficient);
}

TEST(JudgeValues, quantiles_come_from_bucket_increases_of_all_targets) {
    ServiceSettings settings = service({above(0.301)}, 2);
    settings.signals = {signal_of(Signal::Kind::Quantile, "p95", Unit::Seconds)};
    JudgeBed bed(std::move(settings));
    const auto observe = [&](double fast, double slow) {
        for (std::size_t target = 0; target < 2; ++target) {
            bed.histogram(target, kInf, fast + slow);
            bed.histogram(target, 0.1, fast);
            bed.histogram(target, 0.5, fast + slow);
        }
        bed.slot();
    };
    observe(100, 0);
    observe(90, 10);
    EXPECT_DOUBLE_EQ(bed.rule().value, 0.1 + 0.4 * 0.5);
    EXPECT_EQ(bed.rule().requests, 200);
    EXPECT_EQ(bed.verdict(), Verdict::Ok);
    observe(80, 20);
    EXPECT_EQ(bed.verdict(), Verdict::Breach);
    EXPECT_EQ(bed.words(), "p95 400 ms of 200 requests; limit 301 ms");
    observe(0, 0);
    EXPECT_EQ(bed.verdict(), Verdict::Insufficient);
}

TEST(JudgeValues, two_series_of_a_single_gauge_are_ambiguous) {
    ServiceSettings settings = service({above(10)});
    settings.signals = {signal_of(Signal::Kind::Gauge, "queue")};
    JudgeBed bed(std::move(settings));
    bed.series(0, 1, {}) = 50;
    bed.slot();
    EXPECT_EQ(bed.verdict(), Verdict::Breach) << "a gauge needs no second sample";
    bed.series(0, 2, {}) = 50;
    bed.slot();
    EXPECT_EQ(bed.verdict(), Verdict::Ambiguous);
}

TEST(JudgeValues, gauges_are_aggregated_as_written_and_in_base_units) {
    using Aggregate = Signal::Aggregate;
    for (const auto& [aggregate, expected] :
         {std::pair(Aggregate::Sum, 0.6), {Aggregate::Max, 0.4}, {Aggregate::Min, 0.05}, {Aggregate::Avg, 0.2}}) {
        ServiceSettings settings = service({above(10)}, 2);
        settings.signals = {signal_of(Signal::Kind::Gauge, "queue")};
        settings.signals[0].aggregate = aggregate;
        settings.signals[0].to_base = 0.001;
        JudgeBed bed(std::move(settings));
        bed.series(0, 1, {}) = 400;
        bed.series(0, 2, {}) = 150;
        bed.series(1, 1, {}) = 50;
        bed.slot();
        EXPECT_DOUBLE_EQ(bed.rule().value, expected);
    }
}

TEST(JudgeValues, a_rate_is_per_second_also_over_a_gap) {
    ServiceSettings settings = service({above(1e9)}, 2);
    settings.signals = {signal_of(Signal::Kind::Rate, "orders")};
    settings.rules[0].over = 20s;
    JudgeBed bed(std::move(settings));
    const auto sell = [&](double count) {
        for (std::size_t target = 0; target < 2; ++target) *bed.series(target, 1, {}) += count;
    };
    bed.slot();
    for (int i = 0; i < 3; ++i) {
        sell(10);
        bed.slot();
        EXPECT_DOUBLE_EQ(bed.rule().value, 4) << "2 targets, 10 in 5 s each";
    }
    sell(10);
    bed.targets[1].failure = JudgeBed::Failure{Verdict::Error, "503"};
    bed.slot();
    bed.targets[1].failure.reset();
    sell(10);
    bed.slot();
    EXPECT_DOUBLE_EQ(bed.rule().value, 4);
}

TEST(JudgeValues, more_buckets_than_any_histogram_has_are_ambiguous) {
    ServiceSettings settings = service({above(0.3)});
    settings.signals = {signal_of(Signal::Kind::Quantile, "p95", Unit::Seconds)};
    JudgeBed bed(std::move(settings));
    bed.histogram(0, kInf, 100);
    for (int bucket = 0; bucket < 300; ++bucket) bed.histogram(0, bucket, 0);
    bed.slot();
    bed.histogram(0, kInf, 100);
    bed.slot();
    EXPECT_EQ(bed.verdict(), Verdict::Ambiguous);
    EXPECT_EQ(bed.words(), "p95: too many series or buckets: narrow the selector");
}

TEST(JudgeValues, a_label_that_never_repeats_is_ambiguous_in_the_end) {
    JudgeBed bed(service({above(0.05)}));
    bed.slot(100, 0);
    for (std::uint64_t hash = 1; hash < 100'100; ++hash) (void)bed.judge.add_series(0, hash * 0x9e3779b97f4a7c15U, {});
    EXPECT_EQ(bed.judge.add_series(0, 1, {}), kNoSeries);
    bed.slot(0, 100);
    EXPECT_EQ(bed.verdict(), Verdict::Ambiguous);
}

TEST(JudgeValues, what_does_not_exist_is_ignored) {
    JudgeBed bed(service({above(0.05)}));
    bed.slot(100, 0);
    EXPECT_EQ(bed.judge.add_series(7, 1, {}), kNoSeries);
    EXPECT_EQ(bed.judge.add_series(0, 1, {.signal = 9}), kNoSeries);
    const std::vector<SeriesValue> values{{kNoSeries, 5}, {12345, 5}};
    bed.judge.scrape(7, {Verdict::Ok, values, {}}, bed.at);
    bed.judge.health(7, {Health::Down, {}}, bed.at);
    bed.slot(100, 0);
    EXPECT_EQ(bed.verdict(), Verdict::Ok);
}

TEST(JudgeValues, the_first_of_two_equal_series_counts) {
    JudgeBed bed(service({above(0.05)}));
    const SeriesId id = bed.judge.add_series(0, 1, {});
    for (const double value : {100.0, 250.0}) {
        const std::vector<SeriesValue> twice{{id, value}, {id, 7}};
        bed.judge.scrape(0, {Verdict::Ok, twice, {}}, bed.at += 5s);
        (void)bed.judge.close_slot(bed.at);
    }
    EXPECT_EQ(bed.rule().requests, 150);
}

}  // namespace
}  // namespace revertd
