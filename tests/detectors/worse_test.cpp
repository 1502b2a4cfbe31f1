// SPDX-License-Identifier: Apache-2.0
// `<signal> worse than baseline` in a Judge.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/detectors/detector_bed.h"

namespace revertd {
namespace {

class Worse : public ::testing::Test {
  protected:
    explicit Worse(const Signal& signal = ratio_signal()) : bed("worse", {0.001, 0, 0}, signal) {
        bed.judge.set_phase({JudgePhase::Kind::Good, bed.at, bed.at});
    }

    /// Slots with 1,000 requests each, of which so many fail, a little more or less.
    void slots(int n, double bad) {
        for (int i = 0; i < n; ++i) {
            const double noise = 1 + 0.2 * std::sin(i * 2.4);
            bed.serve(1000 - bad * noise, bad * noise);
            bed.JudgeBed::slot();
        }
    }

    /// Slots until the rule is breached; 1,000 if it never is.
    int until_breach(double bad) {
        for (int i = 1; i <= 200; ++i) {
            slots(1, bad);
            if (bed.verdict() == Verdict::Breach) return i;
        }
        return 1000;
    }

    void deploy() {
        bed.judge.freeze_baseline(bed.at);
        bed.bake();
    }

    DetectorBed bed;
};

TEST_F(Worse, more_errors_are_found_and_said_with_their_odds) {
    slots(60, 3);
    deploy();
    slots(30, 3);
    EXPECT_EQ(bed.verdict(), Verdict::Ok) << bed.words();
    EXPECT_LE(until_breach(12), 20);
    EXPECT_NE(bed.words().find("requests failed"), std::string::npos) << bed.words();
    EXPECT_NE(bed.words().find("odds against a healthy deploy 1 : "), std::string::npos) << bed.words();
}

TEST_F(Worse, the_same_as_before_is_never_a_breach) {
    slots(60, 3);
    deploy();
    for (int i = 0; i < 170; ++i) {
        slots(1, 3);
        EXPECT_NE(bed.verdict(), Verdict::Breach) << bed.words();
    }
    EXPECT_EQ(bed.verdict(), Verdict::Ok);
}

TEST_F(Worse, without_history_it_says_so_and_judges_nothing) {
    slots(5, 3);
    deploy();
    EXPECT_EQ(until_breach(500), 1000);
    EXPECT_EQ(bed.verdict(), Verdict::Insufficient);
    EXPECT_NE(bed.words().find("too little history"), std::string::npos) << bed.words();
}

TEST_F(Worse, a_restart_changes_no_verdict) {
    slots(60, 3);
    deploy();
    slots(40, 3);
    (void)until_breach(12);
    const auto words = bed.words();
    bed.restart();
    slots(1, 12);
    EXPECT_EQ(bed.verdict(), Verdict::Breach) << words << " / " << bed.words();
}

TEST_F(Worse, a_record_that_is_cut_or_changed_is_refused) {
    slots(60, 3);
    deploy();
    slots(20, 3);
    const std::string record = bed.judge.save();
    for (std::size_t at = 0; at < record.size(); at += 97) {
        Judge fresh(std::make_shared<const ServiceSettings>(bed.settings()));
        EXPECT_FALSE(fresh.restore(std::string_view(record).substr(0, at), bed.at)) << at;
    }
}

TEST_F(Worse, a_rollback_that_helped_is_seen_to_have_helped) {
    slots(60, 3);
    deploy();
    (void)until_breach(12);
    bed.judge.set_phase({JudgePhase::Kind::Verifying, bed.at, bed.at});
    slots(20, 3);
    EXPECT_EQ(bed.verdict(), Verdict::Ok) << bed.words();
}

TEST_F(Worse, a_pass_says_what_is_excluded) {
    slots(60, 3);
    deploy();
    EXPECT_EQ(bed.judge.summarise().at(0).excluded, "");
    slots(170, 3);
    const std::string said = bed.judge.summarise().at(0).excluded;
    EXPECT_EQ(said.find("more than "), 0U) << said;
    EXPECT_NE(said.find(" times the errors: excluded at 99.9 %"), std::string::npos) << said;
}

TEST_F(Worse, what_it_would_find_is_said_from_what_it_learnt) {
    slots(5, 3);
    EXPECT_TRUE(bed.judge.power().empty());
    slots(60, 3);
    auto studies = bed.judge.power();
    ASSERT_EQ(studies.size(), 1U);
    const std::string said = studies.front()->run();
    EXPECT_NE(said.find(" times the errors would be found within "), std::string::npos) << said;
}

class WorseLatency : public Worse {
  protected:
    WorseLatency() : Worse(signal_of(Signal::Kind::Quantile, "p95", Unit::Seconds)) {}

    /// Slots with log-normal latencies around `median` seconds.
    void slots(int n, double median,
               std::initializer_list<double> edges = {0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, kInf}) {
        for (int i = 0; i < n; ++i) {
            const double now = median * (1 + 0.02 * std::sin(i * 2.4));
            for (const double le : edges) {
                const double share = std::isinf(le) ? 1 : 0.5 * std::erfc(-std::log(le / now) / 0.6 / std::sqrt(2.0));
                bed.histogram(0, le, std::floor(1000 * share));
            }
            bed.JudgeBed::slot();
        }
    }
};

TEST_F(WorseLatency, other_buckets_than_before_are_said) {
    slots(60, 0.05);
    deploy();
    bed.JudgeBed::restart();
    slots(1, 0.05, {0.02, 0.04, 0.08, 0.16, 0.32, kInf});
    bed.bake();  // what rolled out is seen
    slots(40, 0.05, {0.02, 0.04, 0.08, 0.16, 0.32, kInf});
    EXPECT_EQ(bed.verdict(), Verdict::Insufficient);
    EXPECT_NE(bed.words().find("has other buckets than before the deploy"), std::string::npos) << bed.words();
}

TEST_F(WorseLatency, an_instance_that_is_moved_is_cold_for_a_while) {
    slots(60, 0.05);
    deploy();
    slots(40, 0.05);
    for (auto& series : bed.targets[0].series) series.value = 0;
    for (int i = 0; i < 40; ++i) {
        slots(1, 0.05 * (1 + std::exp(-i / 8.0)));
        ASSERT_EQ(bed.verdict(), Verdict::Ok) << i << bed.words();
    }
}

/// Of a large fleet one instance begins anew in each slot: together they are as cold as few.
TEST(WorseFleet, instances_of_less_than_a_percent_add_up) {
    const Signal signal = signal_of(Signal::Kind::Quantile, "p95", Unit::Seconds);
    Rule rule;
    rule.kind = Rule::Kind::Detector;
    rule.arguments = {0.001, 0, 0};
    const auto kind = std::ranges::find(detectors::all(), std::string_view("worse"), &DetectorKind::name);
    const ServiceSettings settings = service({});
    const auto detector = (*kind)->make({.settings = settings, .rule = rule, .signal = signal});
    const std::array edges = {0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, kInf};
    const auto slot = [&](bool learns, double factor, double restarted) {
        std::array<double, edges.size()> cells{};
        for (std::size_t i = 0; i < edges.size(); ++i)
            cells[i] =
                std::floor(1000 * (std::isinf(edges[i])
                                       ? 1
                                       : 0.5 * std::erfc(-std::log(edges[i] / 0.05 / factor) / 0.6 / std::sqrt(2.0))));
        DetectorSlot seen;
        seen.learns = learns, seen.counts = !learns, seen.restarted = restarted;
        seen.bounds = edges, seen.now = {cells, 0.1, 1000, edges};
        return detector->judge(seen).verdict;
    };
    for (int i = 0; i < 60; ++i) slot(true, 1, 0);
    detector->begin();
    for (int i = 0; i < 40; ++i) slot(false, 1, 0);
    double cold = 0;
    for (int i = 0; i < 100; ++i) {
        cold = cold * std::exp(-5.0 / 60) + 0.004 * 3;
        ASSERT_EQ(slot(false, 1 + cold, 0.004), Verdict::Ok) << i;
    }
}

TEST_F(WorseLatency, what_is_slower_since_it_was_moved_is_found) {
    slots(60, 0.05);
    deploy();
    slots(40, 0.05);
    for (auto& series : bed.targets[0].series) series.value = 0;
    slots(60, 0.075);
    EXPECT_EQ(bed.verdict(), Verdict::Breach) << bed.words();
}

TEST_F(WorseLatency, slower_requests_are_found_and_said) {
    slots(60, 0.05);
    deploy();
    slots(40, 0.05);
    EXPECT_EQ(bed.verdict(), Verdict::Ok) << bed.words();
    slots(25, 0.07);
    EXPECT_EQ(bed.verdict(), Verdict::Breach) << bed.words();
    EXPECT_NE(bed.words().find(" is worse: "), std::string::npos) << bed.words();
    EXPECT_NE(bed.words().find("requests are slower than 0."), std::string::npos) << bed.words();
}

}  // namespace
}  // namespace revertd
