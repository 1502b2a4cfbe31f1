// SPDX-License-Identifier: Apache-2.0
// What the test of a deploy makes of what is not the deploy's: traffic, incidents, the minute in which it warms up.
#include "detectors/deploy_test.h"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <utility>
#include <vector>

namespace revertd::detect {
namespace {

class Bed {
  public:
    explicit Bed(bool control, double alpha = 0.001) : test_(shape_of(control, alpha)), control_(control) {}

    /// Ticks before the deploy, of 1,000 requests.
    void before(int ticks, double share) { before_.insert(before_.end(), static_cast<std::size_t>(ticks), share); }

    void begin() {
        double at = -10.0 * static_cast<double>(before_.size());
        for (const double share : before_) test_.before(tick(at += 10, 1000, share));
        test_.begin();
    }

    std::optional<Finding> deploy(int ticks, double requests, double share, double beside = 1000,
                                  double share_beside = 0.003) {
        for (int i = 0; i < ticks; ++i) {
            const GroupTick fresh = tick(at_ += 10, requests, share), reference = tick(at_, beside, share_beside);
            if (auto found = test_.tick(fresh, control_ ? &reference : nullptr)) return found;
        }
        return std::nullopt;
    }

    /// Scrapes are lost: the next one tells of all these seconds.
    std::optional<Finding> lost(double seconds, double requests, double share) {
        GroupTick fresh = tick(at_ += seconds, requests * seconds / 10, share), reference = fresh;
        fresh.dt = reference.dt = seconds;
        return test_.tick(fresh, control_ ? &reference : nullptr);
    }

    void watch(int ticks, double requests, double beside) {
        for (int i = 0; i < ticks; ++i) {
            const GroupTick fresh = tick(at_ += 10, requests, 0.5), reference = tick(at_, beside, 0.003);
            test_.watch(fresh, control_ ? &reference : nullptr);
        }
    }

    [[nodiscard]] bool saw_enough() const { return test_.saw_enough(); }

  private:
    static DeployShape shape_of(bool control, double alpha) {
        DeployShape shape;
        shape.control = control;
        shape.alpha = alpha;
        return shape;
    }

    GroupTick tick(double at, double requests, double share) {
        GroupTick tick;
        tick.at = at;
        tick.dt = 10;
        tick.all = {requests, std::round(requests * share * (1 + 0.3 * std::sin(2.4 * ++count_)))};
        return tick;
    }

    DeployTest test_;
    bool control_;
    std::vector<double> before_;
    double at_ = 0;
    int count_ = 0;
};

TEST(DeployTest, a_few_requests_are_no_share_that_a_canary_could_fall_silent_of) {
    Bed bed(true);
    bed.before(60, 0.003);
    bed.begin();
    // Three of ten, and then none where a tenth was usual.
    EXPECT_FALSE(bed.deploy(1, 3, 0, 7));
    EXPECT_FALSE(bed.deploy(10, 0, 0, 40));
}

TEST(DeployTest, a_canary_that_falls_silent_is_found) {
    Bed bed(true);
    bed.before(60, 0.003);
    bed.begin();
    EXPECT_FALSE(bed.deploy(10, 100, 0.003));
    const auto found = bed.deploy(6, 0, 0);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->kind, Finding::Kind::TrafficLost);
}

TEST(DeployTest, a_quiet_canary_that_falls_silent_is_found_when_enough_requests_are_missing) {
    Bed bed(true);
    bed.before(60, 0.003);
    bed.begin();
    EXPECT_FALSE(bed.deploy(30, 4, 0));
    EXPECT_FALSE(bed.deploy(6, 0, 0));
    const auto found = bed.deploy(10, 0, 0);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->kind, Finding::Kind::TrafficLost);
}

TEST(DeployTest, a_share_of_the_traffic_that_becomes_much_smaller_is_no_silence_and_the_last_twentieth_is) {
    for (const double left : {170.0, 90.0}) {
        Bed bed(true);
        bed.before(60, 0.003);
        bed.begin();
        EXPECT_FALSE(bed.deploy(20, 1000, 0.003));
        EXPECT_EQ(bed.deploy(20, left, 0.003, 2000 - left).has_value(), left < 100) << left;
    }
}

TEST(DeployTest, a_control_group_that_comes_back_makes_nobody_silent) {
    Bed bed(true);
    bed.before(60, 0.003);
    bed.begin();
    EXPECT_FALSE(bed.deploy(1, 200, 0.003));
    EXPECT_FALSE(bed.deploy(18, 200, 0.003, 0));
    EXPECT_FALSE(bed.deploy(20, 200, 0.003));
    EXPECT_TRUE(bed.deploy(6, 0, 0)) << "silence can be found";
}

TEST(DeployTest, nothing_is_found_in_what_is_only_watched_and_its_traffic_is_known) {
    Bed bed(true);
    bed.before(60, 0.003);
    bed.begin();
    bed.watch(6, 100, 1000);  // half of them fail
    EXPECT_FALSE(bed.deploy(1, 100, 0.003));
    const auto found = bed.deploy(5, 0, 0);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->kind, Finding::Kind::TrafficLost);
}

TEST(DeployTest, most_of_the_requests_failing_is_a_hard_failure_unless_they_often_do) {
    for (const double usual : {0.003, 0.13}) {
        Bed bed(false);
        bed.before(60, usual);
        bed.begin();
        (void)bed.deploy(6, 1000, usual);
        const auto found = bed.deploy(2, 1000, 0.65);
        const bool hard = found && found->kind == Finding::Kind::HardFailure;
        EXPECT_EQ(hard, usual < 0.01) << usual;
    }
}

TEST(DeployTest, nearly_all_failing_is_found_within_a_minute_however_many_fail_usually) {
    for (const bool control : {false, true})
        for (const double usual : {0.05, 0.13, 0.25}) {
            Bed bed(control);
            bed.before(100, usual);
            bed.begin();
            EXPECT_FALSE(bed.deploy(6, 1000, usual, 1000, usual));
            EXPECT_TRUE(bed.deploy(6, 1000, 0.75, 1000, usual)) << usual << control;
        }
}

TEST(DeployTest, an_incident_that_goes_on_is_not_the_deploys_and_what_comes_on_top_is) {
    Bed bed(false);
    bed.before(300, 0.003);
    bed.before(20, 0.03);
    bed.begin();
    EXPECT_FALSE(bed.deploy(60, 1000, 0.03));
    EXPECT_TRUE(bed.deploy(20, 1000, 0.12));
}

TEST(DeployTest, without_an_incident_the_same_errors_are_the_deploys) {
    Bed bed(false);
    bed.before(320, 0.003);
    bed.begin();
    EXPECT_TRUE(bed.deploy(20, 1000, 0.03));
}

TEST(DeployTest, an_incident_that_ends_leaves_nothing_behind) {
    Bed bed(false);
    bed.before(300, 0.003);
    bed.before(20, 0.03);
    bed.begin();
    EXPECT_FALSE(bed.deploy(20, 1000, 0.03));
    EXPECT_FALSE(bed.deploy(30, 1000, 0.003));
    EXPECT_TRUE(bed.deploy(20, 1000, 0.1));
}

constexpr double kNeeded = 1000;  // 1/alpha

/// The evidence for twice as many errors as in a control group of which this share fails.
double evidence_beside(double share_beside) {
    Bed bed(true);
    bed.before(120, 0.003);
    bed.begin();
    const auto found = bed.deploy(80, 1000, 2 * share_beside, 1000, share_beside);
    const bool incident = share_beside > 0.006;
    EXPECT_TRUE(!found || found->doubt.why == (incident ? Doubt::Why::SharedIncident : Doubt::Why::None));
    EXPECT_TRUE(!found || found->doubt.times == (incident ? 10 : 1));
    return found ? found->evidence : 0;
}

TEST(DeployTest, an_incident_of_both_groups_wants_ten_times_the_evidence) {
    EXPECT_GE(evidence_beside(0.006), kNeeded);
    EXPECT_LT(evidence_beside(0.006), 10 * kNeeded);
    EXPECT_GE(evidence_beside(0.03), 10 * kNeeded);
}

TEST(DeployTest, more_load_wants_ten_times_the_evidence_of_errors) {
    for (const double more : {1, 2}) {
        Bed bed(true);
        bed.before(120, 0.003);
        bed.begin();
        EXPECT_FALSE(bed.deploy(15, 1000, 0.003));
        const auto found = bed.deploy(18, more * 1000, 0.006, more * 1000);
        ASSERT_TRUE(found) << more;
        EXPECT_EQ(found->evidence >= 10 * kNeeded, more > 1) << found->at << ' ' << found->evidence;
        EXPECT_EQ(found->doubt.why, more > 1 ? Doubt::Why::MoreLoad : Doubt::Why::None);
    }
}

TEST(DeployTest, a_scrape_after_lost_ones_is_no_more_load) {
    for (const double seconds : {20.0, 50.0, 120.0}) {
        Bed bed(false);
        bed.before(120, 0.003);
        bed.begin();
        EXPECT_FALSE(bed.deploy(25, 1000, 0.003));
        EXPECT_FALSE(bed.lost(seconds, 1000, 0.003));
        const auto found = bed.deploy(17, 1000, 0.012);
        ASSERT_TRUE(found) << seconds;
        EXPECT_EQ(found->doubt.why, Doubt::Why::None) << seconds;
    }
}

TEST(DeployTest, an_incident_before_wants_ten_times_the_evidence) {
    const auto evidence = [](double share_before) {
        Bed bed(false);
        bed.before(300, 0.003);
        bed.before(20, share_before);
        bed.begin();
        const auto found = bed.deploy(50, 1000, 3 * share_before);
        EXPECT_TRUE(found &&
                    found->doubt.why == (share_before > 0.003 ? Doubt::Why::EarlierIncident : Doubt::Why::None));
        return found ? found->evidence : 0;
    };
    EXPECT_GE(evidence(0.03), 10 * kNeeded);
    EXPECT_GE(evidence(0.003), kNeeded);
}

TEST(DeployTest, enough_was_seen_when_a_version_of_which_half_fails_would_have_been_found) {
    for (const bool control : {false, true}) {
        for (const int every : {1, 3, 6}) {  // ticks from one request to the next
            Bed bed(control);
            bed.before(60, 0.003);
            bed.begin();
            bool found = false;
            for (int seen = 0; !found && !bed.saw_enough(); ++seen) {
                ASSERT_LT(seen, 60);
                found = bed.deploy(every - 1, 0, 0) || bed.deploy(1, 1, seen % 2 == 0 ? 1 : 0, 20, 0);
            }
            EXPECT_TRUE(found) << "control group " << control << ", every " << every;
        }
    }
}

TEST(DeployTest, a_smaller_alpha_wants_more_requests_that_do_not_fail) {
    for (const auto& [alpha, requests] : {std::pair(0.001, 10), std::pair(1e-6, 20)}) {
        Bed bed(true, alpha);
        bed.before(60, 0.003);
        bed.begin();
        EXPECT_FALSE(bed.deploy(50, 0, 0));
        EXPECT_FALSE(bed.deploy(requests - 1, 1, 0));
        EXPECT_FALSE(bed.saw_enough());
        EXPECT_FALSE(bed.deploy(1, 1, 0));
        EXPECT_TRUE(bed.saw_enough());
    }
}

/// How many ticks of `seconds` it takes until enough of a bake of 900 s, scraped every 10 s, was seen.
int ticks_until_enough(double seconds) {
    DeployShape shape;
    shape.bake = 900, shape.interval = 10;
    DeployTest test(shape);
    test.begin();
    for (int i = 1; i <= 90; ++i) {
        GroupTick tick;
        tick.at = seconds * i, tick.dt = seconds, tick.all = {1000, 0};
        (void)test.tick(tick, nullptr);
        if (test.saw_enough()) return i;
    }
    return 0;
}

TEST(DeployTest, counters_tell_of_what_was_between_two_scrapes_but_not_of_minutes) {
    EXPECT_EQ(ticks_until_enough(10), 27);
    EXPECT_EQ(ticks_until_enough(45), 6);
    EXPECT_EQ(ticks_until_enough(300), 6);  // 50 s each
}

/// Memory that grows from a half to 0.85 of its limit within `seconds` of a bake of 900 s.
std::optional<Finding> memory_grows_for(double seconds) {
    DeployShape shape;
    shape.bake = 900, shape.interval = 10;
    DeployTest test(shape);
    test.begin();
    for (double at = 10; at <= 900; at += 10) {
        test.memory(true, at, 0.5 + 0.35 * std::min(1.0, at / seconds));
        GroupTick tick;
        tick.at = at, tick.dt = 10, tick.all = {1000, 0};
        if (auto found = test.tick(tick, nullptr)) return found;
    }
    return std::nullopt;
}

TEST(DeployTest, memory_that_fills_up_and_rests_is_no_leak_and_what_grows_on_is) {
    EXPECT_FALSE(memory_grows_for(450));
    const auto found = memory_grows_for(900);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->kind, Finding::Kind::Memory);
}

}  // namespace
}  // namespace revertd::detect
