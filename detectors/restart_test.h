// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "core/bytes.h"

namespace revertd::detect {

/// Do processes restart again and again since the deploy? Exact for small counts.
///
/// A slot has a restart or it has none; what follows within seconds has the same cause. Healthy: such slots come at a
/// constant rate, which a Gamma distribution describes, learned from the time before the deploy, from the control group
/// and from the bake itself; or, now and then, both groups restart again and again; its prior is worth one restart in
/// an hour, so that few are never proof. Against it: one restart every half a minute, or every one, two or four, from
/// the deploy on or from any later moment.
///
/// Source: the Gamma-Poisson predictive distribution (Gelman et al., "Bayesian Data Analysis", 2.6) for the null, the
/// Shiryaev-Roberts recursion over onsets as in detectors/evidence.h. Assumes that restarts without a common cause come
/// independently. Guarantee (Ville's inequality): P(ever evidence() >= 1/alpha within the bake) <= alpha for healthy
/// deploys whose rate is drawn from what is known of it.
class RestartTest {
  public:
    static constexpr std::uint64_t kFewest = 3;  ///< "again and again": whatever the odds

    RestartTest(double bake, double alpha);

    /// Before the deploy.
    void learn(bool restarted, double dt);
    /// What is older than `seconds` counts for less and less.
    void forget(double seconds);
    /// The deploy happens, or a rollback.
    void begin();
    /// After it. `beside`: in the control group, if there is one.
    void step(bool restarted, std::optional<bool> beside, double dt);

    [[nodiscard]] double evidence() const;

    [[nodiscard]] bool found() const { return count_ >= kFewest && evidence() * alpha_ >= 1; }

    [[nodiscard]] std::uint64_t count() const { return count_; }

    [[nodiscard]] double seconds() const { return elapsed_; }

    [[nodiscard]] std::uint64_t count_beside() const { return count_beside_; }

    [[nodiscard]] double before() const { return before_.events; }

    [[nodiscard]] double seconds_before() const { return before_.seconds; }

    void save(ByteWriter& out) const;
    bool load(ByteReader& in);

  private:
    struct Known {
        double events = 0, seconds = 0;
    };

    static constexpr std::array<double, 4> kEvery{30, 60, 120, 240};  // seconds
    static constexpr double kAtDeploy = 1.0 / 3;                      // of the prior weight of the onset

    /// Of a healthy deploy beside a control group: that both are as before, and that both are as bad, in every way.
    struct Shared {
        double usual = 1;
        std::array<double, 4> both{};
    };

    static constexpr double kBoth = 0.01;  ///< prior weight of what hits both groups

    [[nodiscard]] double healthy(bool restarted, std::optional<bool> beside, double calm, double dt);

    double bake_, alpha_;
    Shared shared_;
    Known before_, since_;
    std::uint64_t count_ = 0, count_beside_ = 0;
    double elapsed_ = 0;
    std::array<double, kEvery.size()> sums_{};
};

}  // namespace revertd::detect
