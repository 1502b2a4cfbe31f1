// SPDX-License-Identifier: Apache-2.0
// `<signal> worse than baseline` of a gauge or a rate in a Judge, with and without a control group.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/detectors/detector_bed.h"

namespace revertd {
namespace {

/// Target 0 is the service, or the new version; target 1, if there is one, the control group.
class Bed : public JudgeBed {
  public:
    explicit Bed(Signal::Kind kind, bool control = false)
        : JudgeBed(settings_of(kind, control)), rate_(kind == Signal::Kind::Rate) {
        judge.set_phase({JudgePhase::Kind::Good, at, at});
    }

    /// Slots with these values, a little more or less. Of a rate: per second.
    void slots(int n, double value, double control = 0) {
        for (int i = 0; i < n; ++i) {
            const double noise = 1 + 0.05 * std::sin(2.4 * ++count_);
            set(0, 0, value * noise);
            if (targets.size() > 1) set(1, 1, control * (2 - noise));
            slot();
        }
    }

    void deploy() {
        judge.freeze_baseline(at);
        bake();
    }

    /// Slots until the rule is breached; 1,000 if it never is.
    int until_breach(double value, double control = 0) {
        for (int i = 1; i <= 150; ++i) {
            slots(1, value, control);
            if (verdict() == Verdict::Breach) return i;
        }
        return 1000;
    }

  private:
    void set(std::size_t target, std::uint32_t signal, double value) {
        auto& kept = *series(target, 7, {.signal = signal});
        kept = rate_ ? kept + 5 * value : value;
    }

    static ServiceSettings settings_of(Signal::Kind kind, bool control) {
        Rule rule;
        rule.kind = Rule::Kind::Detector;
        rule.arguments = {0.001, 0, 0};
        rule.text = "queue worse";
        rule.detector = *std::ranges::find(detectors::all(), std::string_view("worse"), &DetectorKind::name);
        ServiceSettings made = service({rule}, control ? 2 : 1);
        made.signals = {signal_of(kind, "queue")};
        if (!control) return made;
        made.control_from = 1;
        made.signals.push_back(signal_of(kind, "queue (control group)"));
        made.signals[0].control = 1;
        made.signals[1].is_control = true;
        return made;
    }

    bool rate_;
    int count_ = 0;
};

TEST(WorseLevel, a_gauge_that_rises_is_found_and_said) {
    Bed bed(Signal::Kind::Gauge);
    bed.slots(60, 200);
    bed.deploy();
    bed.slots(30, 200);
    EXPECT_EQ(bed.verdict(), Verdict::Ok) << bed.words();
    EXPECT_LE(bed.until_breach(300), 20);
    EXPECT_NE(bed.words().find(" was usual before; odds against a healthy deploy 1 : "), std::string::npos)
        << bed.words();
}

TEST(WorseLevel, a_healthy_difference_is_no_breach_and_lower_is_none_either) {
    for (const double factor : {1.06, 0.5}) {
        Bed bed(Signal::Kind::Gauge);
        bed.slots(60, 200);
        bed.deploy();
        EXPECT_EQ(bed.until_breach(factor * 200), 1000) << factor;
        EXPECT_EQ(bed.verdict(), Verdict::Ok);
    }
}

TEST(WorseLevel, a_blip_is_no_breach) {
    Bed bed(Signal::Kind::Gauge);
    bed.slots(60, 200);
    bed.deploy();
    bed.slots(30, 200);
    for (int blip = 0; blip < 2; ++blip) {
        EXPECT_EQ((bed.slots(4, 2000), bed.verdict()), Verdict::Ok) << bed.words();
        bed.slots(30, 200);
        EXPECT_EQ(bed.verdict(), Verdict::Ok) << bed.words();
    }
}

TEST(WorseLevel, what_moves_the_control_group_as_well_is_no_breach) {
    Bed bed(Signal::Kind::Gauge, true);
    bed.slots(60, 200, 150);
    bed.deploy();
    bed.slots(20, 200, 150);
    EXPECT_EQ(bed.until_breach(500, 375), 1000) << bed.words();
    EXPECT_LE(bed.until_breach(800, 375), 20) << bed.words();
}

TEST(WorseLevel, a_rate_that_falls_silent_beside_its_control_group_is_found) {
    Bed bed(Signal::Kind::Rate, true);
    bed.slots(60, 40, 160);
    bed.deploy();
    bed.slots(20, 40, 160);
    EXPECT_EQ(bed.until_breach(0, 0), 1000) << bed.words();
    Bed alone(Signal::Kind::Rate, true);
    alone.slots(60, 40, 160);
    alone.deploy();
    alone.slots(20, 40, 160);
    EXPECT_LE(alone.until_breach(0, 160), 8) << alone.words();
    EXPECT_NE(alone.words().find("has fallen silent, the control group's has not"), std::string::npos) << alone.words();
}

TEST(WorseLevel, without_history_it_judges_nothing) {
    Bed bed(Signal::Kind::Gauge);
    bed.slots(10, 200);
    bed.deploy();
    EXPECT_EQ(bed.until_breach(5000), 1000);
    EXPECT_EQ(bed.verdict(), Verdict::Insufficient);
}

TEST(WorseLevel, a_restart_changes_no_verdict) {
    Bed bed(Signal::Kind::Gauge, true);
    bed.slots(60, 200, 150);
    bed.deploy();
    bed.slots(20, 200, 150);
    ASSERT_LE(bed.until_breach(400, 150), 20);
    const std::string record = bed.judge.save();
    bed.judge = Judge(std::make_shared<const ServiceSettings>(bed.settings()));
    ASSERT_TRUE(bed.judge.restore(record, bed.at));
    bed.slots(1, 400, 150);
    EXPECT_EQ(bed.verdict(), Verdict::Breach) << bed.words();
    for (std::size_t cut = 0; cut < record.size(); cut += 97) {
        Judge fresh(std::make_shared<const ServiceSettings>(bed.settings()));
        EXPECT_FALSE(fresh.restore(std::string_view(record).substr(0, cut), bed.at)) << cut;
    }
}

}  // namespace
}  // namespace revertd
