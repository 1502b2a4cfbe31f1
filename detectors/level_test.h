// SPDX-License-Identifier: Apache-2.0
// Is a number (a gauge, a rate) higher than a healthy deploy would make it?
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "detectors/counts.h"
#include "detectors/evidence.h"

namespace revertd::detect {

/// One value of a number, and the control group's at the same time (NaN: none).
struct Level {
    double value = 0, reference = 0;
};

/// Compares a number with the time before the deploy, less what the control group's number has moved since. Numbers
/// that are all above zero are compared by their logarithm.
///
/// Noise, its persistence from tick to tick, and how far the level wanders within a bake are learned before the deploy,
/// robustly (medians). A tick's likelihood is Student's t with 4 degrees of freedom around the level, tempered by the
/// persistence: one wild value proves nothing. Null: a healthy shift, drawn from a normal distribution with the
/// standard deviation that was learned, or 5 % if that is more, which may drift; and blips, as many as came before, of
/// any length up to 20 s, of which one may be under way as the deploy begins. Alternatives: shifts upward of several of
/// these. Assumes that the time before shows how the number behaves; guarantee: see OnsetMixture.
class LevelTest {
  public:
    static constexpr std::size_t kFewest = 24;  ///< ticks before the deploy

    /// `looks_back`: seconds of which each value is made, if that is more than a tick (a mean over a minute, asked
    /// every 5 s). Neighbours then have most of it in common, and a blip is seen for so much longer.
    LevelTest(const DeployShape& shape, std::span<const Level> before, double looks_back = 0);

    /// Enough is known of the time before.
    [[nodiscard]] bool known() const { return known_; }

    void step(const Level& now, double dt);

    [[nodiscard]] double evidence() const { return evidence_.value(); }

    /// The evidence says so, and the last seconds are like that, too.
    [[nodiscard]] bool worse() const;

    /// What was usual, and what is now (the last seconds).
    [[nodiscard]] double usual() const;
    [[nodiscard]] double recent() const;

  private:
    [[nodiscard]] double scaled(double value) const;
    [[nodiscard]] double plain(double scaled_value) const;
    void learn(const DeployShape& shape, std::span<const Level> before, double looks_back);
    [[nodiscard]] Blips blips(const DeployShape& shape, std::span<const Level> before, double looks_back) const;
    [[nodiscard]] double likelihood(double shift) const;

    bool known_ = false, logarithm_ = false;
    double limit_;
    double middle_ = 0, reference_middle_ = 0, noise_ = 1, spread_ = 1, persistence_ = 1;
    double now_ = 0;  ///< of this tick, less the middle and the control group's movement
    std::vector<double> benign_, likelihood_, shifts_, llr_;
    NullMixture null_{{0}};
    Blips blips_;
    OnsetMixture evidence_;
    std::vector<double> last_;  // shifts of the last ticks, a ring
    std::size_t ticks_ = 0;
};

}  // namespace revertd::detect
