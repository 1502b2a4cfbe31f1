// SPDX-License-Identifier: Apache-2.0
// Restarts that repeat: what a deploy brings by itself is none of them, one crash is not enough, a loop is found.
#include <gtest/gtest.h>

#include <random>

#include "detectors/restart_test.h"
#include "tests/detectors/detector_bed.h"

namespace revertd {
namespace {

Signal starts() {
    Signal signal = signal_of(Signal::Kind::Rate, "restarts");
    signal.starts = true;
    return signal;
}

/// Three instances; the start time of each is on its page.
class Repeat : public ::testing::Test {
  protected:
    explicit Repeat(const Signal& signal = starts()) : bed(settings_of(signal)) {
        bed.judge.set_phase({JudgePhase::Kind::Good, bed.at, bed.at});
        for (std::size_t target = 0; target < 3; ++target) restart(target);
    }

    static ServiceSettings settings_of(const Signal& signal) {
        Rule rule;
        rule.kind = Rule::Kind::Detector;
        rule.arguments = {0.001, 0, 0};
        rule.text = signal.name + " repeat";
        rule.detector = *std::ranges::find(detectors::all(), "repeat", &DetectorKind::name);
        ServiceSettings made = service({rule}, 3);
        made.signals = {signal};
        made.baseline = 1h;
        return made;
    }

    void restart(std::size_t target) {
        *bed.series(target, 1, {}) = std::chrono::duration<double>(bed.at.time_since_epoch()).count();
    }

    void slots(int n) {
        for (int i = 0; i < n; ++i) bed.slot();
    }

    void deploy() {
        bed.judge.freeze_baseline(bed.at);
        bed.bake();
    }

    /// A rollout of the three, one after the other.
    void roll_out() {
        for (std::size_t target = 0; target < 3; ++target) {
            slots(6);
            bed.targets[target].failure = JudgeBed::Failure{Verdict::Error, "connection refused"};
            bed.targets[target].health = Health::Down;
            slots(3);
            bed.targets[target].failure.reset();
            bed.targets[target].health = Health::Up;
            restart(target);
            slots(1);
        }
    }

    JudgeBed bed;
};

TEST_F(Repeat, a_rollout_of_three_instances_is_no_restart) {
    slots(200);
    deploy();
    roll_out();
    slots(120);
    EXPECT_EQ(bed.verdict(), Verdict::Ok);
    EXPECT_NE(bed.words().find("0 in "), std::string::npos) << bed.words();
}

TEST_F(Repeat, an_instance_that_is_killed_every_two_minutes_is_found) {
    slots(720);
    deploy();
    roll_out();
    int minutes = 0;
    while (bed.verdict() != Verdict::Breach && minutes < 15) {
        slots(24);
        restart(1);
        bed.slot();
        minutes += 2;
    }
    EXPECT_LT(minutes, 15) << bed.words();
    EXPECT_NE(bed.words().find(" before; odds against a healthy deploy 1 : "), std::string::npos) << bed.words();
}

TEST_F(Repeat, one_crash_is_not_enough) {
    slots(720);
    deploy();
    roll_out();
    restart(2);
    slots(150);
    EXPECT_EQ(bed.verdict(), Verdict::Ok) << bed.words();
    EXPECT_NE(bed.words().find("1 in "), std::string::npos) << bed.words();
}

TEST_F(Repeat, what_restarted_as_often_before_is_no_worse) {
    for (int i = 0; i < 30; ++i) {
        slots(24);
        restart(0);
    }
    deploy();
    for (int i = 0; i < 7; ++i) {
        slots(24);
        restart(0);
        bed.slot();
        EXPECT_NE(bed.verdict(), Verdict::Breach) << bed.words();
    }
}

TEST_F(Repeat, a_node_that_takes_all_instances_with_it_is_one_restart) {
    slots(720);
    deploy();
    roll_out();
    for (int i = 0; i < 2; ++i) {
        slots(30);
        for (std::size_t target = 0; target < 3; ++target) restart(target);
        bed.slot();
    }
    EXPECT_EQ(bed.verdict(), Verdict::Ok) << bed.words();
    EXPECT_NE(bed.words().find("2 in "), std::string::npos) << bed.words();
}

TEST_F(Repeat, instances_that_take_turns_behind_one_address_do_not_restart) {
    slots(100);
    deploy();
    restart(0);
    for (int i = 0; i < 60; ++i) {
        *bed.series(0, 1, {}) = i % 2 == 0 ? 1000 : 5000;
        bed.slot();
    }
    EXPECT_NE(bed.verdict(), Verdict::Breach) << bed.words();
    EXPECT_NE(bed.words().find("0 in "), std::string::npos) << bed.words();
}

TEST_F(Repeat, a_restart_of_the_daemon_forgets_nothing) {
    slots(720);
    deploy();
    roll_out();
    for (int i = 0; i < 3; ++i) {
        slots(8);
        restart(1);
        bed.slot();
    }
    const auto words = bed.words();
    const std::string record = bed.judge.save();
    bed.judge = Judge(std::make_shared<const ServiceSettings>(bed.settings()));
    ASSERT_TRUE(bed.judge.restore(record, bed.at));
    slots(8);
    restart(1);
    bed.slot();
    EXPECT_EQ(bed.words().substr(0, 14), "restarts 4 in ") << words << " / " << bed.words();
}

/// No page tells when its process was started, but each counts requests.
class RepeatByCounters : public ::testing::Test {
  protected:
    RepeatByCounters() : bed(settings()) {
        bed.judge.set_phase({JudgePhase::Kind::Good, bed.at, bed.at});
        slots(720);
    }

    static ServiceSettings settings() {
        Signal signal = starts();
        signal.well_known = true;
        Rule rule;
        rule.kind = Rule::Kind::Detector;
        rule.signal = 1;
        rule.arguments = {0.001, 0, 0};
        rule.text = "restarts repeat";
        rule.detector = *std::ranges::find(detectors::all(), "repeat", &DetectorKind::name);
        ServiceSettings made = service({rule}, 3);
        made.signals = {ratio_signal(), signal};
        made.baseline = 1h;
        return made;
    }

    void slots(int n) {
        for (int i = 0; i < n; ++i) bed.slot(20, 0);
    }

    /// All of its counters are gone.
    void restart(std::size_t target) { bed.restart(target); }

    /// A rollout, slow enough that each instance is seen anew.
    void deploy() {
        bed.judge.freeze_baseline(bed.at);
        bed.bake();
        for (std::size_t target = 0; target < 3; ++target) restart(target), slots(6);
    }

    JudgeBed bed;
};

TEST_F(RepeatByCounters, an_instance_that_is_killed_every_minute_is_found) {
    deploy();
    int minutes = 0;
    while (bed.verdict() != Verdict::Breach && minutes < 15) {
        slots(12);
        restart(1);
        ++minutes;
    }
    EXPECT_LT(minutes, 15) << bed.words();
}

/// Of one instance: the rollout, and three more.
TEST_F(RepeatByCounters, a_rollout_and_some_crashes_are_no_loop) {
    deploy();
    for (int i = 0; i < 3; ++i) slots(20), restart(2);
    slots(100);
    EXPECT_EQ(bed.verdict(), Verdict::Ok) << bed.words();
    EXPECT_NE(bed.words().find("1 in "), std::string::npos) << bed.words();
}

/// An autoscaler takes instances away and brings them back; workers are recycled now and then, all the time.
TEST_F(RepeatByCounters, what_operations_restart_as_often_before_is_no_worse) {
    for (int i = 0; i < 20; ++i) slots(48), restart(static_cast<std::size_t>(i) % 3);
    deploy();
    for (int i = 0; i < 4; ++i) {
        slots(40);
        restart(static_cast<std::size_t>(i) % 3);
        slots(1);
        EXPECT_NE(bed.verdict(), Verdict::Breach) << bed.words();
    }
}

class RepeatOfCounter : public Repeat {
  protected:
    RepeatOfCounter() : Repeat(counter()) {}

    static Signal counter() {
        Signal signal = signal_of(Signal::Kind::Gauge, "restarts");
        signal.aggregate = Signal::Aggregate::Sum;
        return signal;
    }
};

TEST_F(RepeatOfCounter, a_sum_of_restarts_that_climbs_is_found_and_one_that_falls_is_not) {
    const auto set = [&](double value) {
        for (std::size_t target = 0; target < 3; ++target) *bed.series(target, 1, {}) = target == 0 ? value : 0;
    };
    set(40);
    slots(720);
    deploy();
    set(0);  // the pods of before are gone
    slots(12);
    EXPECT_EQ(bed.verdict(), Verdict::Ok) << bed.words();
    for (int i = 1; i <= 6; ++i) {
        set(i);
        slots(18);
    }
    EXPECT_EQ(bed.verdict(), Verdict::Breach) << bed.words();
}

/// A page of three pods that is not seen now and then: their restarts of last month come back with it.
TEST_F(RepeatOfCounter, a_part_of_the_sum_that_is_not_seen_for_a_while_is_no_restart) {
    const auto set = [&](double value) {
        for (std::size_t target = 0; target < 3; ++target) *bed.series(target, 1, {}) = target == 0 ? value : 0;
    };
    set(40);
    slots(720);
    deploy();
    double more = 0;
    for (int i = 0; i < 6; ++i) {
        set(25 + more);
        slots(6);
        if (i == 3) more = 1, set(25 + more), slots(6);  // one that stays is restarted meanwhile
        set(40 + more);
        slots(6);
    }
    EXPECT_EQ(bed.verdict(), Verdict::Ok) << bed.words();
    EXPECT_NE(bed.words().find("restarts 1 in "), std::string::npos) << bed.words();
}

// What the test promises: of healthy deploys no more than alpha are ever called bad, however often one looks.
TEST(RestartTestNull, healthy_restarts_are_called_bad_no_more_often_than_alpha) {
    constexpr double kAlpha = 0.01, kSlot = 5;
    constexpr int kDeploys = 10'000;
    std::mt19937_64 random(7);
    int alarms = 0;
    for (int deploy = 0; deploy < kDeploys; ++deploy) {
        // From once a day to once in ten minutes.
        const double every = std::exp(std::uniform_real_distribution<>(std::log(600), std::log(86400))(random));
        std::bernoulli_distribution restarts(1 - std::exp(-kSlot / every));
        detect::RestartTest test(900, kAlpha);
        for (int i = 0; i < 720; ++i) test.learn(restarts(random), kSlot);
        test.begin();
        bool found = false;
        for (int i = 0; i < 180 && !found; ++i) test.step(restarts(random), std::nullopt, kSlot), found = test.found();
        alarms += found ? 1 : 0;
    }
    EXPECT_LE(alarms, kDeploys * kAlpha);
}

TEST(RestartTestNull, a_control_group_that_restarts_as_often_excuses_it) {
    detect::RestartTest alone(900, 0.0001), beside(900, 0.0001);
    for (auto* test : {&alone, &beside}) {
        test->learn(false, 3600);
        test->begin();
    }
    for (int i = 0; i < 180; ++i) {
        alone.step(i % 18 == 17, false, 5);  // its control group stays up
        beside.step(i % 18 == 17, i % 18 == 9, 5);
    }
    EXPECT_TRUE(alone.found());
    EXPECT_FALSE(beside.found());
}

}  // namespace
}  // namespace revertd
