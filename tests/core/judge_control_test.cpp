// SPDX-License-Identifier: Apache-2.0
// S44: the control group.
#include <gtest/gtest.h>

#include "tests/core/judge_bed.h"

namespace revertd {
namespace {

/// Target 0 is the canary, target 1 the control group's; signal 1 is the twin of signal 0.
ServiceSettings compared(std::vector<Rule> rules) {
    ServiceSettings settings = service(std::move(rules), 2);
    settings.control_from = 1;
    settings.signals = {ratio_signal(), ratio_signal("errors (control group)")};
    settings.signals[0].control = 1;
    settings.signals[1].is_control = true;
    return settings;
}

class Compared : public JudgeBed {
  public:
    explicit Compared(std::vector<Rule> rules) : JudgeBed(compared(std::move(rules))) {}

    JudgeReport slot_of(double canary, double control) {
        serve_group(0, 0, canary);
        serve_group(1, 1, control);
        return slot();
    }

  private:
    void serve_group(std::size_t target, std::uint32_t signal, double share) {
        *series(target, 200, {.signal = signal}) += 1000;
        *series(target, 500, {.signal = signal, .bad = true}) += 1000 * share;
    }
};

TEST(JudgeControl, an_absolute_rule_is_breached_only_while_the_canary_is_worse_by_half) {
    Compared bed({above(0.05)});
    bed.slot_of(0, 0);
    bed.slot_of(0.2, 0.19);
    EXPECT_EQ(bed.verdict(), Verdict::Insufficient);
    EXPECT_EQ(bed.words(), "errors: 20 % is beyond 5 %, but the control group has 19 %, not 1.5 times worse");
    bed.slot_of(0.2, 0.1);
    EXPECT_EQ(bed.verdict(), Verdict::Breach);
    EXPECT_FALSE(bed.rule().control_blind);
    bed.slot_of(0.03, 0);
    EXPECT_EQ(bed.verdict(), Verdict::Ok);
}

TEST(JudgeControl, a_blind_control_group_is_told_and_hides_no_breach) {
    Compared bed({above(0.05)});
    bed.slot_of(0, 0);
    bed.targets[1].failure = JudgeBed::Failure{Verdict::Error, "refused"};
    bed.slot_of(0.2, 0);
    EXPECT_EQ(bed.verdict(), Verdict::Breach);
    EXPECT_TRUE(bed.rule().control_blind);
    EXPECT_NE(bed.words().find("control group cannot be seen"), std::string::npos) << bed.words();
    bed.targets[1].failure.reset();
    bed.slot_of(0.2, 0);
    bed.slot_of(0.2, 0);
    EXPECT_FALSE(bed.rule().control_blind);
}

TEST(JudgeControl, the_flag_alone_is_a_change) {
    Compared bed({above(0.05)});
    for (int i = 0; i < 3; ++i) bed.slot_of(0.2, 0);
    bed.targets[1].failure = JudgeBed::Failure{Verdict::Error, "refused"};
    const JudgeReport report = bed.slot_of(0.2, 0);
    ASSERT_EQ(report.changes.size(), 1U);
    EXPECT_TRUE(report.changes[0].control_blind);
}

TEST(JudgeControl, a_rule_may_be_relative_to_the_control_group) {
    Rule rule = above(2);
    rule.relative = Rule::Relative::TimesBaseline;
    rule.reference = Rule::Reference::Control;
    Compared bed({rule});
    bed.slot_of(0, 0);
    bed.slot_of(0.05, 0.02);
    EXPECT_EQ(bed.verdict(), Verdict::Breach);
    EXPECT_DOUBLE_EQ(bed.rule().limit, 0.04);
    EXPECT_NE(bed.words().find("of the control group"), std::string::npos) << bed.words();
    bed.slot_of(0.03, 0.02);
    EXPECT_EQ(bed.verdict(), Verdict::Ok);
    bed.targets[1].failure = JudgeBed::Failure{Verdict::Error, "refused"};
    bed.slot_of(0.5, 0);
    EXPECT_TRUE(is_blind(bed.verdict()));
    EXPECT_FALSE(bed.holds());
}

TEST(JudgeControl, the_control_group_is_no_target_of_the_service) {
    Compared bed({above(0.05)});
    bed.targets[1].failure = JudgeBed::Failure{Verdict::Error, "refused"};
    bed.slot_of(0, 0);
    bed.slot_of(0.01, 0);
    EXPECT_EQ(bed.verdict(), Verdict::Ok);
    EXPECT_EQ(bed.judge.view().signals.size(), 1U);
}

}  // namespace
}  // namespace revertd
