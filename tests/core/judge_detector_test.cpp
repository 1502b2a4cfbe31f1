// SPDX-License-Identifier: Apache-2.0
// What a detector is told by the Judge, and what becomes of its answers.
#include <gtest/gtest.h>

#include "core/detector.h"
#include "tests/core/judge_bed.h"

namespace revertd {
namespace {

/// What the fake below was told, and what it answers.
struct Told {
    std::vector<DetectorSlot> slots;
    std::vector<std::vector<double>> cells;
    std::uint64_t missed = 0;
    int begins = 0;
    Finding answer{Verdict::Ok, 0, 1, kNaN, true};
};

thread_local Told* told = nullptr;

class Fake final : public Detector {
  public:
    Finding judge(const DetectorSlot& slot) override {
        told->slots.push_back(slot);
        told->cells.emplace_back(slot.now.cells.begin(), slot.now.cells.end());
        return told->answer;
    }

    void miss(std::uint64_t slots) override { told->missed += slots; }

    void begin() override { ++told->begins; }

    [[nodiscard]] std::string words() const override { return "said so"; }

    void save(ByteWriter& out) const override { out.put(std::uint32_t{42}); }

    bool load(ByteReader& in) override {
        std::uint32_t value = 0;
        return in.get(value) && (value == 42 || in.fail());
    }
};

const DetectorKind kFake{"fake", "fakes", "never", nullptr,
                         [](const DetectorSetup&) -> std::unique_ptr<Detector> { return std::make_unique<Fake>(); }};

struct JudgeDetector : testing::Test {
    JudgeDetector() { told = &seen; }

    static ServiceSettings with_fake(std::size_t targets = 1) {
        Rule rule;
        rule.kind = Rule::Kind::Detector;
        rule.detector = &kFake;
        rule.text = "errors fakes";
        return service({rule}, targets);
    }

    Told seen;
    JudgeBed bed{with_fake()};
};

TEST_F(JudgeDetector, is_given_the_differences_of_each_slot) {
    bed.bake();
    bed.slot(100, 0), bed.slot(90, 10), bed.slot(80, 20);
    ASSERT_EQ(seen.slots.size(), 2U);  // the first sample has no difference
    EXPECT_EQ(seen.cells.back(), (std::vector<double>{100, 20}));
    EXPECT_DOUBLE_EQ(seen.slots.back().now.value, 0.2);
    EXPECT_DOUBLE_EQ(seen.slots.back().now.requests, 100);
}

TEST_F(JudgeDetector, learns_under_a_good_version_and_counts_after_the_warm_up) {
    for (int i = 0; i < 70; ++i) bed.slot(100, 1);
    EXPECT_TRUE(seen.slots.back().learns);
    ASSERT_FALSE(seen.slots.back().baseline.cells.empty());
    EXPECT_NEAR(seen.slots.back().baseline.value, 1.0 / 101, 1e-9);
    bed.judge.freeze_baseline(bed.at);
    bed.bake(20s);
    bed.slot(100, 1);
    EXPECT_FALSE(seen.slots.back().learns);
    EXPECT_FALSE(seen.slots.back().counts);
    EXPECT_EQ(bed.verdict(), Verdict::Insufficient);
    EXPECT_EQ(bed.words(), "errors: does not count during warm-up");
    for (int i = 0; i < 6; ++i) bed.slot(100, 1);
    EXPECT_TRUE(seen.slots.back().counts);
    EXPECT_EQ(bed.verdict(), Verdict::Ok);
    EXPECT_EQ(bed.words(), "errors said so");
    EXPECT_EQ(seen.begins, 1);
}

TEST_F(JudgeDetector, is_told_how_many_instances_began_anew) {
    JudgeBed two{with_fake(2)};
    const auto restarted = [&](int slots) {
        for (int i = 0; i < slots; ++i) two.serve(100, 1), two.serve(100, 1, 1), two.slot();
        return seen.slots.back().restarted;
    };
    const auto restart = [&](std::size_t target) {
        for (auto& series : two.targets[target].series) series.value = 0;
    };
    two.judge.set_phase({JudgePhase::Kind::Good, two.at, two.at});
    restarted(5), restart(0);
    EXPECT_EQ(restarted(1), 0) << "no deploy is watched";
    two.bake();
    EXPECT_EQ(restarted(5), 0);
    restart(1);
    EXPECT_EQ(restarted(1), 0.5);
    EXPECT_EQ(restarted(5), 0);
    restart(0), restart(1);
    two.targets[0].failure = JudgeBed::Failure{Verdict::Error, "refused"};
    const std::size_t asked = seen.slots.size();
    restarted(1);
    ASSERT_EQ(seen.slots.size(), asked);
    two.targets[0].failure.reset();
    EXPECT_EQ(restarted(1), 1) << "one was seen when the other was not";
    restarted(5), restart(1);
    EXPECT_EQ(restarted(1), 0.5);
    restarted(5), restart(1);
    EXPECT_EQ(restarted(1), 0) << "one that begins anew again and again is no better for it";
}

TEST_F(JudgeDetector, is_told_what_a_server_has_seen_begin_anew) {
    ServiceSettings settings = with_fake(0);
    settings.signals[0].source = Signal::Source::Prometheus;
    Judge judge(std::make_shared<const ServiceSettings>(settings));
    Time at{1h};
    const std::vector<QueryCell> cells = {{100, false, 0}, {1, true, 0}};
    const auto slot = [&](double restarted) {
        at += settings.interval;
        judge.query(0, {.values = cells, .span = 2 * settings.interval, .reason = {}, .restarted = restarted}, at);
        judge.close_slot(at);
        return seen.slots.back().restarted;
    };
    EXPECT_EQ(slot(1), 0) << "no deploy is watched";
    judge.set_phase({JudgePhase::Kind::Baking, at, at});
    for (const double restarted : {0.25, 0.25, 0.0, 1.0, 1.0, 1.0, 1.0}) EXPECT_EQ(slot(restarted), restarted);
    slot(0.5), slot(0.5);
    EXPECT_EQ(slot(1), 1) << "two slots tell of the same start: this is the third of all of them";
    EXPECT_EQ(slot(1), 0) << "enough of it";
}

TEST_F(JudgeDetector, is_never_asked_about_what_nobody_saw) {
    bed.bake();
    bed.slot(100, 0), bed.slot(100, 0);
    seen.answer.verdict = Verdict::Breach;
    const std::size_t asked = seen.slots.size();
    bed.blind_slot();
    EXPECT_EQ(seen.slots.size(), asked);
    EXPECT_EQ(seen.missed, 1U);
    EXPECT_EQ(bed.verdict(), Verdict::Error);
    EXPECT_FALSE(bed.holds());
    bed.at += 20s;  // four slots that nobody judged
    bed.blind_slot();
    EXPECT_EQ(seen.missed, 6U);
}

TEST_F(JudgeDetector, a_breach_without_a_number_is_ambiguous) {
    bed.bake();
    bed.slot(100, 0);
    seen.answer = {Verdict::Breach, kNaN, 1, kNaN, false};
    bed.slot(100, 0);
    EXPECT_EQ(bed.verdict(), Verdict::Ambiguous);
    EXPECT_FALSE(bed.holds());
}

TEST_F(JudgeDetector, says_itself_when_a_breach_is_over) {
    bed.bake();
    bed.slot(100, 0);
    seen.answer = {Verdict::Breach, 2, 1, kNaN, false};
    bed.slot(100, 0);
    EXPECT_TRUE(bed.holds());
    seen.answer = {Verdict::Ok, 0.9, 1, kNaN, false};
    bed.slot(100, 0);
    EXPECT_TRUE(bed.holds());
    seen.answer.clears = true;
    bed.slot(100, 0);
    EXPECT_FALSE(bed.holds());
}

TEST_F(JudgeDetector, is_part_of_the_flight_record) {
    bed.bake();
    bed.slot(100, 0), bed.slot(100, 0);
    const std::string record = bed.judge.save();
    Judge again(std::make_shared<const ServiceSettings>(bed.settings()));
    EXPECT_TRUE(again.restore(record, bed.at));
    Judge other(std::make_shared<const ServiceSettings>(service({above(0.1)})));
    EXPECT_FALSE(other.restore(record, bed.at));
}

/// A limit of 5 % for 10 s that the fake confirms.
struct JudgeConfirmed : testing::Test {
    JudgeConfirmed() {
        told = &seen;
        bed.bake();
        bed.slot(100, 0);
    }

    static ServiceSettings confirmed() {
        ServiceSettings settings = JudgeDetector::with_fake();
        Rule limit = above(0.05, 10s);
        limit.confirmed_by = 1;
        settings.rules.insert(settings.rules.begin(), limit);
        return settings;
    }

    void slots(int n, double bad) {
        for (int i = 0; i < n; ++i) bed.slot(100 - bad, bad);
    }

    Told seen;
    JudgeBed bed{confirmed()};
};

TEST_F(JudgeConfirmed, a_limit_is_not_breached_while_the_test_finds_it_no_worse) {
    slots(10, 20);
    EXPECT_EQ(bed.verdict(), Verdict::Ok);
    EXPECT_FALSE(bed.holds());
    EXPECT_NE(bed.words().find("errors 20 %"), std::string::npos) << bed.words();
    EXPECT_NE(bed.words().find("; not confirmed: said so"), std::string::npos) << bed.words();
    seen.answer.verdict = Verdict::Breach;
    slots(1, 20);
    EXPECT_TRUE(bed.holds()) << "its own time has passed already";
}

TEST_F(JudgeConfirmed, where_the_test_cannot_say_the_limit_decides_alone) {
    seen.answer.verdict = Verdict::Insufficient;
    slots(2, 20);
    EXPECT_EQ(bed.verdict(), Verdict::Breach);
    EXPECT_FALSE(bed.holds());
    slots(1, 20);
    EXPECT_TRUE(bed.holds());
}

TEST_F(JudgeConfirmed, once_it_holds_the_limit_alone_says_when_it_is_over) {
    seen.answer.verdict = Verdict::Breach;
    slots(3, 20);
    ASSERT_TRUE(bed.holds());
    seen.answer.verdict = Verdict::Ok;
    slots(3, 20);
    EXPECT_TRUE(bed.holds());
    EXPECT_EQ(bed.verdict(), Verdict::Breach);
    slots(3, 1);
    EXPECT_FALSE(bed.holds());
}

TEST_F(JudgeConfirmed, what_cannot_be_seen_is_not_fine) {
    slots(3, 20);
    bed.blind_slot();
    EXPECT_EQ(bed.verdict(), Verdict::Error);
}

}  // namespace
}  // namespace revertd
