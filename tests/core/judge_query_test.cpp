// SPDX-License-Identifier: Apache-2.0
// Signals that a Prometheus adds up (S10, S19 to S23).
#include <gtest/gtest.h>

#include "tests/core/judge_bed.h"

namespace revertd {
namespace {

ServiceSettings queried(std::vector<Rule> rules, Signal signal = ratio_signal()) {
    ServiceSettings settings = service(std::move(rules), 0);
    signal.source = Signal::Source::Prometheus;
    settings.signals = {std::move(signal)};
    return settings;
}

class Queried {
  public:
    explicit Queried(ServiceSettings settings)
        : settings_(std::make_shared<const ServiceSettings>(std::move(settings))), judge(settings_) {}

    JudgeReport slot(std::vector<QueryCell> cells, Verdict verdict = Verdict::Ok, std::string_view reason = {}) {
        at += settings_->interval;
        judge.query(0, {verdict, cells, {}, span, reason}, at);
        return judge.close_slot(at);
    }

    /// Requests a second, and the share of bad ones.
    JudgeReport ratio(double requests, double bad) { return slot({{requests, false, 0}, {requests * bad, true, 0}}); }

    [[nodiscard]] RuleChange rule() const { return judge.view().rules.at(0); }

  private:
    std::shared_ptr<const ServiceSettings> settings_;

  public:
    Judge judge;
    Duration span = 20s;
    Time at{1h};
};

TEST(JudgeQuery, a_ratio_is_judged_from_the_first_answer_on) {
    Queried bed(queried({above(0.05)}));
    for (int i = 0; i < 5; ++i) bed.ratio(100, 0.08);
    EXPECT_EQ(bed.rule().verdict, Verdict::Breach);
    EXPECT_DOUBLE_EQ(bed.rule().value, 0.08);
    EXPECT_DOUBLE_EQ(bed.rule().requests, 2000) << "100 a second, over the 20 s that the rate looks back";
}

TEST(JudgeQuery, the_requests_of_a_finding_are_those_that_its_rates_counted) {
    Rule rule = above(0.05);
    rule.over = Duration(30s);
    Queried bed(queried({rule}));
    for (int i = 0; i < 12; ++i) bed.ratio(100, 0.08);
    EXPECT_DOUBLE_EQ(bed.rule().requests, 3000) << "three answers of 20 s each, 5 s apart";
    rule.over.reset();
    rule.in_a_row = 2;
    Queried row(queried({rule}));
    for (int i = 0; i < 12; ++i) row.ratio(100, 0.08);
    EXPECT_DOUBLE_EQ(row.rule().requests, 2000);
}

TEST(JudgeQuery, errors_that_are_absent_beside_requests_are_none) {
    Queried bed(queried({above(0.05)}));
    for (int i = 0; i < 5; ++i) bed.slot({{100, false, 0}});
    EXPECT_EQ(bed.rule().verdict, Verdict::Ok);
    EXPECT_DOUBLE_EQ(bed.rule().value, 0);
}

TEST(JudgeQuery, each_way_of_not_telling_is_a_verdict_of_its_own) {
    const auto verdict_of = [](std::vector<QueryCell> cells, Verdict verdict = Verdict::Ok) {
        Queried bed(queried({above(0.05)}));
        for (int i = 0; i < 5; ++i) bed.ratio(100, 0);
        bed.slot(std::move(cells), verdict, "words");
        return bed.rule().verdict;
    };
    EXPECT_EQ(verdict_of({}), Verdict::NoData);
    EXPECT_EQ(verdict_of({{5, true, 0}}), Verdict::NoData);  // errors without requests are no ratio
    EXPECT_EQ(verdict_of({{kNaN, false, 0}}), Verdict::NoData);
    EXPECT_EQ(verdict_of({{kInf, false, 0}}), Verdict::Ambiguous);
    EXPECT_EQ(verdict_of({{-1, false, 0}}), Verdict::Ambiguous);
    for (const Verdict verdict : {Verdict::Stale, Verdict::Partial, Verdict::Error, Verdict::Ambiguous})
        EXPECT_EQ(verdict_of({}, verdict), verdict);
}

TEST(JudgeQuery, one_number_that_is_none_spoils_the_whole_answer) {
    Queried bed(queried({above(0.05)}));
    for (int i = 0; i < 5; ++i) bed.ratio(100, 0);
    bed.slot({{1000, false, 0}, {kNaN, true, 0}});
    bed.ratio(100, 0.01);
    EXPECT_DOUBLE_EQ(bed.rule().requests, 2000);
}

TEST(JudgeQuery, no_answer_in_a_slot_is_blind) {
    Queried bed(queried({above(0.05)}));
    for (int i = 0; i < 5; ++i) bed.ratio(100, 0.5);
    bed.at += 5s;
    bed.judge.close_slot(bed.at);
    EXPECT_EQ(bed.rule().verdict, Verdict::NoData);
}

TEST(JudgeQuery, several_values_of_one_number_are_ambiguous) {
    Queried bed(queried({above(10)}, signal_of(Signal::Kind::Gauge, "queue")));
    bed.span = {};
    bed.slot({{50, false, 0}});
    EXPECT_EQ(bed.rule().verdict, Verdict::Breach);
    bed.slot({{50, false, 0}, {50, false, 0}});
    EXPECT_EQ(bed.rule().verdict, Verdict::Ambiguous);
}

TEST(JudgeQuery, a_quantile_is_interpolated_from_rates) {
    Queried bed(queried({above(0.1)}, signal_of(Signal::Kind::Quantile, "p95", Unit::Seconds)));
    for (int i = 0; i < 5; ++i) bed.slot({{90, false, 0.1}, {100, false, 0.2}, {100, false, kInf}});
    EXPECT_NEAR(bed.rule().value, 0.15, 1e-9);
    EXPECT_EQ(bed.rule().verdict, Verdict::Breach);
}

TEST(JudgeQuery, nothing_that_looks_back_before_the_phase_counts) {
    Queried bed(queried({above(0.05)}));
    for (int i = 0; i < 10; ++i) bed.ratio(100, 0.5);
    bed.judge.set_phase({JudgePhase::Kind::Baking, bed.at, bed.at});
    for (int i = 0; i < 4; ++i) {
        bed.ratio(100, 0.5);
        EXPECT_EQ(bed.rule().verdict, Verdict::Insufficient) << i;
    }
    bed.ratio(100, 0.5);
    EXPECT_EQ(bed.rule().verdict, Verdict::Breach);
}

TEST(JudgeQuery, a_window_reaches_no_further_back_than_its_rule_says) {
    Rule rule = above(0.05);
    rule.over = Duration(25s);
    Queried bed(queried({rule}));
    for (int i = 0; i < 10; ++i) bed.ratio(100, 0);
    bed.ratio(100, 0.2);
    EXPECT_DOUBLE_EQ(bed.rule().value, 0.1);  // two answers of 20 s each reach 25 s back
}

TEST(JudgeQuery, breaches_in_a_row_do_not_overlap) {
    Rule rule = above(0.05);
    rule.in_a_row = 3;
    Queried bed(queried({rule}));
    int slots = 0;
    for (; slots < 30 && !bed.rule().holds; ++slots) bed.ratio(100, 0.5);
    EXPECT_EQ(slots, 4 + 1 + 4 + 4);  // the first span, then three samples that are a span apart
}

TEST(JudgeQuery, raises_no_suspicion) {
    Rule rule = above(0.05);
    rule.in_a_row = 3;
    Queried bed(queried({rule}));
    bool suspicious = false;
    for (int i = 0; i < 8; ++i) suspicious = bed.ratio(100, 0.5).suspicious || suspicious;
    EXPECT_FALSE(suspicious);
}

TEST(JudgeQuery, absent_needs_an_answer_that_says_so) {
    Rule rule;
    rule.kind = Rule::Kind::Absent;
    rule.text = "errors absent";
    rule.hold = 5s;
    Queried bed(queried({rule}));
    bed.slot({});
    EXPECT_EQ(bed.rule().verdict, Verdict::Insufficient);  // it was never there
    bed.ratio(100, 0);
    EXPECT_EQ(bed.rule().verdict, Verdict::Ok);
    bed.slot({}, Verdict::Error, "refused");
    EXPECT_EQ(bed.rule().verdict, Verdict::Error);
    bed.slot({});
    EXPECT_EQ(bed.rule().verdict, Verdict::Breach);
}

TEST(JudgeQuery, history_fills_an_empty_baseline) {
    Rule rule = above(2);
    rule.relative = Rule::Relative::TimesBaseline;
    Queried bed(queried({rule}));
    std::vector<HistoryRow> rows;
    for (int i = 5; i > 0; --i) rows.push_back({bed.at - i * 1min, 1min, {{100, false, 0}, {2, true, 0}}});
    bed.judge.fill_baseline(0, rows);
    bed.judge.freeze_baseline(bed.at);
    for (int i = 0; i < 5; ++i) bed.ratio(100, 0.05);
    EXPECT_EQ(bed.rule().verdict, Verdict::Breach);
    EXPECT_NEAR(bed.rule().baseline, 0.02, 0.002);
}

TEST(JudgeQuery, history_changes_no_frozen_baseline) {
    Rule rule = above(2);
    rule.relative = Rule::Relative::TimesBaseline;
    Queried bed(queried({rule}));
    bed.judge.set_phase({JudgePhase::Kind::Baking, bed.at, bed.at});
    bed.judge.freeze_baseline(bed.at);
    const std::vector<HistoryRow> rows{{bed.at, 5min, {{100, false, 0}}}};
    bed.judge.fill_baseline(0, rows);
    for (int i = 0; i < 6; ++i) bed.ratio(100, 0.05);
    EXPECT_EQ(bed.rule().verdict, Verdict::Insufficient);
}

TEST(JudgeQuery, is_kept_by_the_flight_recorder) {
    Queried bed(queried({above(0.05, 30s)}));
    for (int i = 0; i < 20; ++i) bed.ratio(100, 0.5);
    ASSERT_TRUE(bed.rule().holds);
    Queried again(queried({above(0.05, 30s)}));
    again.at = bed.at;
    ASSERT_TRUE(again.judge.restore(bed.judge.save(), bed.at));
    again.ratio(100, 0.5);
    EXPECT_TRUE(again.rule().holds);
}

}  // namespace
}  // namespace revertd
