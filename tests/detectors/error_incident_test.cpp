// SPDX-License-Identifier: Apache-2.0
// What both groups have more of, or the control group alone has less of, is no evidence against the new one.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>

#include "detectors/error_test.h"

namespace revertd::detect {
namespace {

constexpr double kTick = 5, kRequests = 1000, kShare = 0.3;
constexpr int kBefore = 240, kBake = 360, kDeploys = 60;

using Course = std::function<double(double)>;  ///< times the usual errors, by the seconds since the deploy

struct Group {
    std::mt19937_64& random;

    Events tick(double errors) const {
        std::gamma_distribution<> clumps(20, 1.0 / 20);
        return {kRequests, static_cast<double>(std::poisson_distribution<int>(errors * clumps(random))(random))};
    }
};

double as_usual(double) {
    return 1;
}

/// The strongest evidence of a bake with `usual` errors a tick in each group.
double strongest(double usual, const Course& both, const Course& own, const Course& beside, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    const Group group{random};
    std::gamma_distribution<> shared(12, 1.0 / 12);
    DeployShape shape;
    shape.bake = kBake * kTick, shape.interval = kTick, shape.control = true;
    History history(0, 0);
    for (int i = 0; i < kBefore; ++i) {
        GroupTick tick;
        tick.at = (i - kBefore) * kTick, tick.dt = kTick;
        tick.all = group.tick(usual * shared(random));
        history.add(tick);
    }
    const ErrorHistory before(history, true, kTick);
    OwnNoise noise(before.extra);
    ErrorTest test(shape, before, kShare);
    double most = 0;
    for (int i = 1; i <= kBake; ++i) {
        const double level = usual * shared(random) * both(i * kTick);
        const Events fresh = group.tick(level * own(i * kTick)), reference = group.tick(level * beside(i * kTick));
        test.step(fresh, reference, noise.value(), kTick);
        if (test.evidence() < 3) noise.add(fresh, reference);
        most = std::max(most, test.evidence());
    }
    return most;
}

/// Of sixty deploys so many would be called bad.
int called_bad(double usual, const Course& both, const Course& own = as_usual, const Course& beside = as_usual) {
    int bad = 0;
    for (std::uint64_t i = 0; i < kDeploys; ++i)
        bad += strongest(usual, both, own, beside, 1000 + i) * 0.001 * kShare >= 1;
    return bad;
}

TEST(ErrorIncident, twice_or_three_times_the_errors_in_both_groups_are_no_evidence) {
    for (const double usual : {0.4, 2.0})
        for (const double times : {2.0, 3.0})
            EXPECT_LE(called_bad(usual, [=](double at) { return at < 200 ? 1 : times; }), 2) << usual << " " << times;
}

TEST(ErrorIncident, errors_that_become_more_in_both_groups_are_no_evidence) {
    for (const double usual : {0.4, 2.0})
        EXPECT_LE(called_bad(usual, [](double at) { return 1 + 3 * std::min(1.0, at / 1200); }), 2) << usual;
}

TEST(ErrorIncident, a_control_group_that_fails_less_for_minutes_is_no_evidence) {
    for (const double times : {0.5, 0.3, 0.1})
        EXPECT_EQ(called_bad(8, as_usual, as_usual, [=](double at) { return at > 300 && at < 700 ? times : 1; }), 0)
            << times;
}

TEST(ErrorIncident, what_fails_more_than_usual_while_the_control_group_fails_less_is_found) {
    const Course less = [](double at) { return at > 300 && at < 700 ? 0.3 : 1; };
    EXPECT_EQ(called_bad(
                  8, as_usual, [](double at) { return at < 400 ? 1 : 2.5; }, less),
              kDeploys);
}

TEST(ErrorIncident, what_only_the_new_group_has_more_of_is_found_in_an_incident_too) {
    const Course incident = [](double at) { return at < 200 ? 1 : 2.5; };
    EXPECT_EQ(called_bad(2, incident, [](double at) { return at < 400 ? 1 : 4; }), kDeploys);
}

}  // namespace
}  // namespace revertd::detect
