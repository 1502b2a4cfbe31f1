// SPDX-License-Identifier: Apache-2.0
// The guarantee of LevelTest, by simulation.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "detectors/level_test.h"
#include "tests/detectors/alarm_share.h"

namespace revertd::detect {
namespace {

constexpr double kBake = 900;  // seconds

/// A healthy number around 100: a factor that comes with the deploy, and noise that stays from tick to tick.
struct Healthy {
    double noise = 0.05, stays = 0;
    double degrees = 0;                ///< of Student's t; 0: normal
    double saw = 0;                    ///< amplitude of a garbage collector's saw-tooth
    double blips = 0;                  ///< times as much for a while,
    double seconds = 20, every = 600;  ///< so long, on average so often
    bool control = false;
    double tick = 10, before = 1200;  ///< seconds; of the time before the deploy

    double most(std::uint64_t seed) const {
        std::mt19937_64 random(seed);
        std::normal_distribution<> normal;
        std::student_t_distribution<> heavy(degrees > 0 ? degrees : 5);
        const auto ticks = [&](double length) { return static_cast<int>(std::lround(length / tick)); };

        struct Group {
            double noise;
            int calm;  ///< ticks until the blip that comes next is over
        };

        std::uniform_int_distribution<> pause(ticks(every / 2), ticks(1.5 * every));
        Group own{normal(random), pause(random)}, beside{normal(random), pause(random)};
        const auto next = [&](Group& group, double at) {
            const double fresh = degrees > 0 ? heavy(random) : normal(random);
            group.noise = stays * group.noise + std::sqrt(1 - stays * stays) * fresh;
            if (--group.calm < 0) group.calm = pause(random);
            const double blip = blips > 0 && group.calm < ticks(seconds) ? blips : 1;
            return blip * 100 * std::exp(noise * group.noise) + saw * std::fmod(at / 24, 1.0);
        };
        const auto both = [&](double factor, int at) {
            const double value = factor * next(own, at);
            return Level{value, control ? next(beside, at + 7) : std::nan("")};
        };
        DeployShape shape;
        shape.bake = kBake, shape.interval = tick;
        shape.control = control;
        std::vector<Level> seen;
        for (int i = 0; i < ticks(before); ++i) seen.push_back(both(1, i));
        LevelTest test(shape, seen);
        const double factor = std::exp(0.05 * normal(random));
        double most = 0;
        for (int i = ticks(before); i < ticks(before + kBake); ++i) {
            test.step(both(factor, i), tick);
            most = std::max(most, test.evidence());
        }
        return most;
    }
};

void never(const Healthy& healthy) {
    never_more_than_alpha([&](std::uint64_t seed) { return healthy.most(seed); });
}

TEST(LevelNull, normal) {
    never({});
}

TEST(LevelNull, normal_beside_a_control_group) {
    never({.control = true});
}

TEST(LevelNull, persistent) {
    never({.noise = 0.1, .stays = 0.8});
}

TEST(LevelNull, heavy_tail) {
    never({.noise = 0.05, .degrees = 2.5});
}

TEST(LevelNull, saw_tooth) {
    never({.noise = 0.01, .saw = 20});
}

TEST(LevelNull, blips) {
    never({.blips = 2, .before = 3600});
}

TEST(LevelNull, blips_of_which_little_is_known) {
    never({.blips = 2});
    never({.blips = 2, .tick = 5});
    never({.blips = 2, .tick = 5, .before = 2400});
}

TEST(LevelNull, blips_beside_a_control_group) {
    never({.blips = 2, .control = true, .tick = 5});
    never({.blips = 5, .control = true, .tick = 5, .before = 2400});
}

TEST(LevelNull, blips_of_any_length_and_strength) {
    never({.blips = 1.3, .tick = 5});
    never({.blips = 5, .tick = 5});
    never({.blips = 1.5, .seconds = 10, .tick = 5});
    never({.blips = 5, .seconds = 5, .tick = 5});
}

TEST(LevelNull, blips_that_come_more_or_less_often) {
    never({.blips = 2, .every = 240, .tick = 5});
    never({.blips = 2, .every = 1800, .tick = 5});
}

}  // namespace
}  // namespace revertd::detect
