// SPDX-License-Identifier: Apache-2.0
// The guarantee of LevelTest, by simulation.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "detectors/level_test.h"
#include "tests/detectors/alarm_share.h"

namespace revertd::detect {
namespace {

constexpr int kBake = 90;

/// A healthy number around 100: a factor that comes with the deploy, and noise that stays from tick to tick.
struct Healthy {
    double noise = 0.05, stays = 0;
    double degrees = 0;  ///< of Student's t; 0: normal
    double saw = 0;      ///< amplitude of a garbage collector's saw-tooth
    double blips = 0;    ///< times as much for two ticks, on average every ten minutes
    bool control = false;
    int before = 120;  ///< ticks before the deploy

    double most(std::uint64_t seed) const {
        std::mt19937_64 random(seed);
        std::normal_distribution<> normal;
        std::student_t_distribution<> heavy(degrees > 0 ? degrees : 5);
        double state = normal(random), beside = normal(random);
        std::uniform_int_distribution<> pause(30, 90);
        int left = pause(random);
        const auto next = [&](double& kept, double at) {
            const double fresh = degrees > 0 ? heavy(random) : normal(random);
            kept = stays * kept + std::sqrt(1 - stays * stays) * fresh;
            if (--left < 0) left = pause(random);
            const double blip = blips > 0 && left < 2 ? blips : 1;
            return blip * 100 * std::exp(noise * kept) + saw * std::fmod(at / 24, 1.0);
        };
        DeployShape shape;
        shape.bake = kBake * 10;
        shape.control = control;
        std::vector<Level> seen;
        for (int i = 0; i < before; ++i) seen.push_back({next(state, i), control ? next(beside, i + 7) : std::nan("")});
        LevelTest test(shape, seen);
        const double factor = std::exp(0.05 * normal(random));
        double most = 0;
        for (int i = before; i < before + kBake; ++i) {
            test.step({factor * next(state, i), control ? next(beside, i + 7) : std::nan("")}, 10);
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
    never({.blips = 2, .before = 360});
}

}  // namespace
}  // namespace revertd::detect
