// SPDX-License-Identifier: Apache-2.0
// `errors worse than baseline` beside a control group.
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "tests/detectors/detector_bed.h"

namespace revertd {
namespace {

/// Target 0 is the canary, target 1 the control group's.
class Bed : public JudgeBed {
  public:
    explicit Bed(Signal::Kind kind = Signal::Kind::Ratio) : JudgeBed(settings_of(kind)) {
        judge.set_phase({JudgePhase::Kind::Good, at, at});
    }

    /// Slots of 1,000 requests of the canary and 4,000 of the control group, of which such shares fail, more or less.
    void slots(int n, double canary, double control, double requests = 1000) {
        for (int i = 0; i < n; ++i) {
            const double noise = 1 + 0.2 * std::sin(2.4 * ++count_);
            serve_group(0, 0, requests, canary * noise);
            serve_group(1, 1, 4000, control * noise);
            slot();
        }
    }

    void deploy() {
        judge.freeze_baseline(at);
        bake();
    }

    int until_breach(double canary, double control) {
        for (int i = 1; i <= 150; ++i) {
            slots(1, canary, control);
            if (verdict() == Verdict::Breach) return i;
        }
        return 1000;
    }

  private:
    void serve_group(std::size_t target, std::uint32_t signal, double requests, double share) {
        const double bad = std::round(requests * share);
        *series(target, 200, {.signal = signal}) += requests - bad;
        *series(target, 500, {.signal = signal}) += bad;
        *series(target, 500, {.signal = signal, .bad = true}) += bad;
    }

    static ServiceSettings settings_of(Signal::Kind kind) {
        Rule rule;
        rule.kind = Rule::Kind::Detector;
        rule.arguments = {0.001, 0, 0};
        rule.text = "errors worse";
        rule.detector = *std::ranges::find(detectors::all(), std::string_view("worse"), &DetectorKind::name);
        ServiceSettings made = service({rule}, 2);
        made.control_from = 1;
        made.signals.clear();
        const bool ratio = kind == Signal::Kind::Ratio;
        for (const char* name : {"errors", "errors (control group)"})
            made.signals.push_back(ratio ? ratio_signal(name) : signal_of(kind, name, Unit::Seconds));
        made.signals[0].control = 1;
        made.signals[1].is_control = true;
        return made;
    }

    int count_ = 0;
};

TEST(WorseBeside, an_incident_of_both_groups_is_no_breach_and_one_of_the_canary_is) {
    Bed bed;
    bed.slots(60, 0.003, 0.003);
    bed.deploy();
    bed.slots(20, 0.003, 0.003);
    EXPECT_EQ(bed.verdict(), Verdict::Ok) << bed.words();
    EXPECT_EQ(bed.until_breach(0.04, 0.04), 1000) << bed.words();
    EXPECT_LE(bed.until_breach(0.09, 0.04), 20) << bed.words();
    EXPECT_NE(bed.words().find(" of the control group; odds against a healthy deploy "), std::string::npos)
        << bed.words();
}

TEST(WorseBeside, a_verdict_in_an_incident_of_both_groups_says_what_it_needed_and_why) {
    const std::string why = "ten times the usual evidence is needed, because errors rose in the control group as well";
    for (const bool incident : {false, true}) {
        Bed bed;
        bed.slots(60, 0.003, 0.003);
        bed.deploy();
        bed.slots(20, 0.003, 0.003);
        bed.slots(20, incident ? 0.04 : 0.003, incident ? 0.04 : 0.003);
        const double limit = bed.rule().limit;
        EXPECT_EQ(limit, 1000) << "nothing is withheld";
        EXPECT_LE(incident ? bed.until_breach(0.09, 0.04) : bed.until_breach(0.012, 0.003), 40) << bed.words();
        EXPECT_EQ(bed.rule().limit, incident ? 10000 : 1000);
        EXPECT_GE(bed.rule().value, bed.rule().limit);
        EXPECT_EQ(bed.rule().limit_why, incident ? why : "");
        EXPECT_EQ(bed.words().ends_with(", where " + why), incident) << bed.words();
    }
}

TEST(WorseBeside, what_withholds_a_verdict_is_said_while_it_does) {
    Bed bed;
    bed.slots(60, 0.003, 0.003);
    bed.deploy();
    bed.slots(20, 0.003, 0.003);
    bed.slots(20, 0.03, 0.03);
    int withheld = 0;
    for (int i = 0; i < 200 && bed.verdict() != Verdict::Breach; ++i) {
        bed.slots(1, 0.046, 0.03);
        if (bed.verdict() != Verdict::Ok || bed.rule().limit_why.empty()) continue;
        ++withheld;
        EXPECT_EQ(bed.rule().limit, 10000);
        EXPECT_NE(bed.words().find("; ten times the usual evidence is needed, because errors rose in the control"),
                  std::string::npos)
            << bed.words();
    }
    EXPECT_GT(withheld, 0);
    EXPECT_EQ(bed.verdict(), Verdict::Breach) << bed.words();
}

TEST(WorseBeside, what_withheld_a_verdict_is_said_no_longer_when_there_is_none) {
    Bed bed;
    bed.slots(60, 0.003, 0.003);
    bed.deploy();
    bed.slots(20, 0.003, 0.003);
    bed.slots(20, 0.03, 0.03);
    for (int i = 0; i < 200 && bed.rule().limit_why.empty(); ++i) bed.slots(1, 0.046, 0.03);
    ASSERT_FALSE(bed.rule().limit_why.empty());
    ASSERT_EQ(bed.verdict(), Verdict::Ok);
    bed.slots(20, 0.01, 0.03);
    EXPECT_EQ(bed.rule().limit, 1000);
    EXPECT_EQ(bed.rule().limit_why, "");
    EXPECT_EQ(bed.words().find("evidence"), std::string::npos) << bed.words();
}

TEST(WorseBeside, a_canary_that_stood_idle_before_the_deploy_is_compared) {
    Bed bed;
    bed.slots(60, 0, 0.003, 0);
    bed.deploy();
    bed.slots(20, 0.003, 0.003);
    EXPECT_EQ(bed.verdict(), Verdict::Ok) << bed.words();
    EXPECT_LE(bed.until_breach(0.03, 0.003), 20) << bed.words();
}

TEST(WorseBeside, while_the_control_group_cannot_be_seen_nothing_is_said) {
    Bed bed;
    bed.slots(60, 0.003, 0.003);
    bed.deploy();
    bed.slots(20, 0.003, 0.003);
    bed.targets[1].failure = JudgeBed::Failure{Verdict::Error, "timeout"};
    bed.slots(1, 0.003, 0.003);
    EXPECT_EQ(bed.verdict(), Verdict::Ok) << "a lost scrape";
    bed.slots(1, 0.003, 0.003);
    for (int i = 0; i < 40; ++i) {
        bed.slots(1, 0.003, 0.003);
        EXPECT_EQ(bed.verdict(), Verdict::NoData) << "neither for nor against, and no pass";
    }
    EXPECT_EQ(bed.words(), "errors cannot be compared: the control group cannot be seen");
    bed.targets[1].failure.reset();
    for (int i = 0; i < 40; ++i) {
        bed.slots(1, 0.003, 0.003);
        EXPECT_NE(bed.verdict(), Verdict::Breach) << bed.words();  // its traffic is what both showed at once
    }
    EXPECT_EQ(bed.verdict(), Verdict::Ok) << bed.words();
    EXPECT_LE(bed.until_breach(0.03, 0.003), 20) << bed.words();
}

TEST(WorseBeside, a_control_group_whose_first_scrape_is_lost_is_still_one) {
    Bed bed;
    bed.slots(60, 0.003, 0.003);
    bed.deploy();
    bed.targets[1].failure = JudgeBed::Failure{Verdict::Error, "timeout"};
    bed.slots(1, 0.003, 0.003);
    bed.targets[1].failure.reset();
    bed.slots(20, 0.003, 0.003);
    EXPECT_EQ(bed.verdict(), Verdict::Ok) << bed.words();
    EXPECT_EQ(bed.until_breach(0.06, 0.06), 1000) << bed.words();
}

TEST(WorseBeside, a_canary_whose_every_other_scrape_is_lost_is_no_silence_and_no_jump) {
    Bed bed;
    bed.slots(60, 0.003, 0.003);
    bed.deploy();
    for (int i = 0; i < 60; ++i) {
        bed.targets[0].failure.reset();
        if (i % 2 == 1) bed.targets[0].failure = JudgeBed::Failure{Verdict::Error, "timeout"};
        bed.slots(1, 0.003, 0.003);
        EXPECT_NE(bed.verdict(), Verdict::Breach) << bed.words();
    }
    bed.targets[0].failure.reset();
    bed.slots(1, 0.003, 0.003);
    EXPECT_EQ(bed.verdict(), Verdict::Ok) << bed.words();
    EXPECT_LE(bed.until_breach(0.03, 0.003), 20) << bed.words();
}

TEST(WorseBeside, a_canary_that_was_not_there_is_compared_with_what_the_control_group_was) {
    Bed bed;
    bed.targets[0].silent = true;
    bed.slots(60, 0, 0.003);
    bed.deploy();
    bed.targets[0].silent = false;
    bed.slots(20, 0.003, 0.003);
    EXPECT_EQ(bed.verdict(), Verdict::Ok) << bed.words();
    EXPECT_LE(bed.until_breach(0.02, 0.003), 20) << bed.words();
}

TEST(WorseBeside, what_would_be_found_waits_for_the_share_of_the_traffic) {
    Bed bed;
    bed.targets[0].silent = true;
    bed.slots(60, 0, 0.003);
    bed.deploy();
    EXPECT_FALSE(bed.judge.knows_power());
    EXPECT_TRUE(bed.judge.power().empty());
    bed.targets[0].silent = false;
    bed.slots(10, 0.003, 0.003);
    EXPECT_TRUE(bed.judge.knows_power());
    const auto studies = bed.judge.power();
    ASSERT_EQ(studies.size(), 1U);
    const std::string said = studies.front()->run();
    EXPECT_NE(said.find(" times the errors of the control group would be found within "), std::string::npos) << said;
}

TEST(WorseBeside, what_is_excluded_is_relative_to_the_control_group) {
    Bed bed;
    bed.slots(60, 0.003, 0.003);
    bed.deploy();
    bed.slots(100, 0.003, 0.003);
    bed.slots(100, 0.009, 0.009);  // of both
    const std::string said = bed.judge.summarise().at(0).excluded;
    EXPECT_NE(said.find(" times the errors of the control group: excluded at 99.9 %"), std::string::npos) << said;
    EXPECT_LT(std::stod(said.substr(said.find_first_of("0123456789"))), 2) << said;
}

/// The same groups by their latency: a mode of 50 ms.
class LatencyBed : public Bed {
  public:
    LatencyBed() : Bed(Signal::Kind::Quantile) {}

    void slow_slots(int n, double canary, double control) {
        for (int i = 0; i < n; ++i) {
            serve(0, 1000, canary);
            serve(1, 4000, control);
            slot();
        }
    }

    int until_slow(double canary, double control) {
        for (int i = 1; i <= 150; ++i) {
            slow_slots(1, canary, control);
            if (verdict() == Verdict::Breach) return i;
        }
        return 1000;
    }

  private:
    void serve(std::uint32_t group, double requests, double factor) {
        // The groups tell their buckets in different orders.
        constexpr std::array kEdges{0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5};
        for (std::size_t i = 0; i < kEdges.size(); ++i) {
            const double edge = kEdges[group == 0 ? i : kEdges.size() - 1 - i];
            const double z = std::log(edge / (0.05 * factor)) / 0.5;
            histogram(group, edge, std::round(requests * 0.5 * std::erfc(-z / std::sqrt(2))), group);
        }
        histogram(group, kInf, requests, group);
    }
};

TEST(WorseBeside, what_slows_both_groups_is_no_breach_and_what_slows_the_canary_is) {
    LatencyBed bed;
    bed.slow_slots(60, 1, 1);
    bed.deploy();
    bed.slow_slots(20, 1, 1);
    EXPECT_EQ(bed.verdict(), Verdict::Ok) << bed.words();
    EXPECT_EQ(bed.until_slow(1.6, 1.6), 1000) << bed.words();
    EXPECT_LE(bed.until_slow(2.6, 1.6), 40) << bed.words();
}

TEST(WorseBeside, a_restart_changes_no_verdict) {
    Bed bed;
    bed.slots(60, 0.003, 0.003);
    bed.deploy();
    bed.slots(20, 0.003, 0.003);
    ASSERT_LE(bed.until_breach(0.02, 0.003), 20);
    const std::string record = bed.judge.save();
    bed.judge = Judge(std::make_shared<const ServiceSettings>(bed.settings()));
    ASSERT_TRUE(bed.judge.restore(record, bed.at));
    bed.slots(1, 0.02, 0.003);
    EXPECT_EQ(bed.verdict(), Verdict::Breach) << bed.words();
}

}  // namespace
}  // namespace revertd
