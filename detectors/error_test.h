// SPDX-License-Identifier: Apache-2.0
// Are there more errors than a healthy deploy would have? In total, in blocks of minutes, and for each part.
#pragma once
#include <cstddef>
#include <vector>

#include "detectors/counts.h"
#include "detectors/evidence.h"
#include "detectors/history.h"
#include "detectors/ratio_comparison.h"
#include "detectors/tuning.h"

namespace revertd::detect {

/// What the time before the deploy says about errors.
struct ErrorHistory {
    Events all;
    std::vector<Events> parts;
    double rate = 1e-3;  ///< errors a request
    double extra = 0.1;  ///< relative variance between ticks, beyond chance
    double known = 1;    ///< as many independent events say so
    /// Times as many errors as `rate` just before the deploy, if clearly so: an incident that may go on. Else 1.
    double incident = 1;
    PastBlips blips;
    double spread = 0.1;  ///< standard deviation of the log ratio of a healthy deploy; without a control group what is
                          ///< not known of the rate is included

    ErrorHistory(const History& history, bool control, double interval);

    [[nodiscard]] double rate_of(std::size_t part) const {
        return parts[part].requests > 0 ? parts[part].errors / parts[part].requests : 0;
    }
};

/// How much two groups differ from tick to tick beyond chance: learned in the bake, where common noise cancels, but
/// never above twice of what the time before the deploy allows, or a flapping regression would hide itself.
class OwnNoise {
  public:
    explicit OwnNoise(double before) : most_(2 * before + 0.02), learned_(before + 0.02, 4) {}

    void add(const Events& fresh, const Events& reference);

    /// Of each group, relative.
    [[nodiscard]] double value() const { return 0.5 * std::min(tuning().noise_margin * learned_.value(), most_); }

  private:
    double most_;
    Events fresh_, reference_;
    ExtraVariance learned_;
};

/// All errors, tick by tick.
class ErrorTest {
  public:
    ErrorTest(const DeployShape& shape, const ErrorHistory& history, double share);

    void step(const Events& fresh, const Events& reference, double extra, double dt);

    [[nodiscard]] double evidence() const { return evidence_.value(); }

  private:
    void weigh(const Events& fresh, double extra, double dt);

    RatioComparison comparison_;
    OnsetMixture evidence_;
    std::vector<double> llr_;
    double remains_, rate_, clumps_, spread_;
    bool weighed_ = false;
};

/// The same in blocks of three minutes: errors that come and go average out to what they do to people.
class ErrorBlockTest {
  public:
    ErrorBlockTest(const DeployShape& shape, const ErrorHistory& history, double share);

    /// True when a block became full and was judged.
    bool step(const Events& fresh, const Events& reference, double extra, double dt);

    [[nodiscard]] double evidence() const { return evidence_.value(); }

  private:
    double interval_, filled_ = 0;
    bool control_;
    Events fresh_, reference_;
    RatioComparison comparison_;
    OnsetMixture evidence_;
    std::vector<double> llr_;
};

/// Each part (endpoint) on its own.
class PartTest {
  public:
    PartTest(const DeployShape& shape, const ErrorHistory& history, double share);

    void step(std::span<const Events> fresh, std::span<const Events> reference, double extra, double dt);

    [[nodiscard]] double evidence() const { return evidence_.value(); }

    [[nodiscard]] std::size_t strongest() const;

  private:
    void weigh(std::span<const Events> fresh, double extra, double dt);

    std::vector<RatioComparison> parts_;
    OnsetMixture evidence_;
    std::vector<double> llr_, rates_;
    double remains_, clumps_;
    bool weighed_ = false;
};

}  // namespace revertd::detect
