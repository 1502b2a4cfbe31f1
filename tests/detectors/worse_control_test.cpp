// SPDX-License-Identifier: Apache-2.0
// `errors worse than baseline` beside a control group.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/detectors/detector_bed.h"

namespace revertd {
namespace {

/// Target 0 is the canary, target 1 the control group's.
class Bed : public JudgeBed {
  public:
    Bed() : JudgeBed(settings_of()) { judge.set_phase({JudgePhase::Kind::Good, at, at}); }

    /// Slots of 1,000 requests of the canary and 4,000 of the control group, of which such shares fail, more or less.
    void slots(int n, double canary, double control) {
        for (int i = 0; i < n; ++i) {
            const double noise = 1 + 0.2 * std::sin(2.4 * ++count_);
            serve_group(0, 0, 1000, canary * noise);
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

    static ServiceSettings settings_of() {
        Rule rule;
        rule.kind = Rule::Kind::Detector;
        rule.arguments = {0.001, 0, 0};
        rule.text = "errors worse";
        rule.detector = *std::ranges::find(detectors::all(), std::string_view("worse"), &DetectorKind::name);
        ServiceSettings made = service({rule}, 2);
        made.control_from = 1;
        made.signals = {ratio_signal(), ratio_signal("errors (control group)")};
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
