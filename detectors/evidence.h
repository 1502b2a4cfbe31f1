// SPDX-License-Identifier: Apache-2.0
// Evidence that stays valid however often one looks.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

namespace revertd::detect {

/// A bank of likelihood ratios against one null hypothesis, one for each alternative, each mixed over the moment when
/// the change began; its weighted mean is the evidence.
///
/// Source: Shiryaev (1963) and Roberts (1966) for the recursion S <- LR (S + w); Shin, Ramdas, Rinaldo, "E-detectors"
/// (2023) for its use as an e-process. A third of the prior weight lies on the deploy, the rest is spread over the
/// bake, as 1/(t + 2 min): most of what a deploy breaks shows within minutes, and hours later is hardly less likely
/// than one. A late change costs the logarithm of that weight and no more. Assumes that exp(llr) has a conditional mean
/// of at most 1 under the null, whatever was seen before. Guarantee (Ville's inequality): P(ever value() >= 1/alpha
/// within the bake) <= alpha for a healthy deploy. Clipping from above keeps it; an alternative is clipped so that it
/// needs `least` seconds from its onset to a verdict.
class OnsetMixture {
  public:
    static constexpr double kAtDeploy = 1.0 / 3, kScale = 120;  ///< weight of the deploy; seconds

    /// `weights` of the alternatives, summing to 1. `bake` and `least` in seconds; `log_limit` = log(1/alpha).
    OnsetMixture(std::vector<double> weights, double bake, double log_limit, double least);

    /// Before the first step: multiplies the weight of each alternative, by nothing that the evidence is about.
    void reweigh(std::span<const double> factors);

    /// One tick of `dt` seconds with the log-likelihood ratios of the alternatives against the null.
    void step(std::span<const double> llr, double dt);
    /// A tick that says nothing: time passes.
    void skip(double dt);

    /// The evidence: its inverse is the odds against a healthy deploy.
    [[nodiscard]] double value() const { return value_; }

    /// From now on each tick's end is remembered, the last `ticks` of them.
    void remember(std::size_t ticks);
    /// The tick that ended at `at` is complete.
    void mark(double at);
    /// What was counted after `since` does not count: the null that it was counted against did not hold.
    void back_to(double since);

    [[nodiscard]] std::span<const double> parts() const { return sums_; }

    /// The alternative with the largest share of the evidence.
    [[nodiscard]] std::size_t strongest() const;

  private:
    void add_up();
    /// The prior weight of an onset within the next `dt` seconds, which pass.
    double onset(double dt);

    std::vector<double> weights_, log_weights_, sums_;
    std::vector<double> marks_, marked_;  // ring: when, and the sums then
    std::size_t mark_count_ = 0;
    double bake_, log_limit_, least_, elapsed_ = 0;
    double value_ = kAtDeploy;
};

/// The predictive density of a null hypothesis that is itself a family: a prior over its points (host differences,
/// warm-up curves), updated by the data.
///
/// Source: Bayes factors with a composite null, as in Lindon, Sanden, Shirikian (KDD 2022). An alternative's likelihood
/// divided by this predictive is an e-process under the null mixed over its prior; with little data it behaves as the
/// prior's centre, with much as the whole range.
class NullMixture {
  public:
    /// `drift`: share of the prior that is mixed back every tick, so that no point is ever ruled out.
    explicit NullMixture(std::vector<double> log_prior, double drift = 0);

    /// `likelihood`: log-likelihood of the tick under every point. Returns the log predictive; the points learn.
    double predict(std::span<const double> likelihood);
    /// The same in two steps: what the points learn counts as `share` of a tick.
    [[nodiscard]] double ask(std::span<const double> likelihood) const;
    void learn(std::span<const double> likelihood, double share);

    [[nodiscard]] std::size_t size() const { return weights_.size(); }

    void restart();

  private:
    std::vector<double> prior_, weights_;
    double drift_;
};

/// Blips that were seen before the deploy, in so many seconds.
struct PastBlips {
    double count = 0, seconds = 0;
};

/// What is taken for granted of the course of a blip.
struct BlipCourse {
    double keeps = 0.5;       ///< of its ticks, its strength
    bool any_length = false;  ///< up to the longest, at no cost: else most are shorter
    bool under_way = false;   ///< one that began before the first tick may go on
};

/// Blips: a healthy deploy is bad for some seconds now and then, in any strength, and then it is over. As a part of a
/// null hypothesis: a tick is calm, or within a blip that lasts a few ticks at most; how likely either is follows from
/// the ticks before it (a semi-Markov filter). A blip costs the null what it is rare, whatever its strength; badness
/// that stays longer than a blip can costs it everything. A blip has a strength, which it keeps from one tick to the
/// next with some probability: its first and last tick are bad only in part.
class Blips {
  public:
    /// None.
    Blips() = default;
    /// One every half an hour, until more or fewer are seen; `seconds` long at most, seen through ticks of `interval`.
    /// How often they come is learned as in the estimator of Krichevsky and Trofimov (1981), so that a deploy without
    /// any pays little for their being possible; but more than two that were not usual `before` are no longer so.
    Blips(double seconds, double interval, std::size_t strengths = 1, const PastBlips& before = {},
          const BlipCourse& course = {});

    /// The log predictive of a tick with these log-likelihoods if it is calm, or within a blip of each strength.
    /// `likelier`: times as often as usual.
    double predict(double calm, std::span<const double> within, double dt, double likelier = 1);

    /// How surely the last tick was calm: as far as that one may learn from it.
    [[nodiscard]] double calm() const { return calm_; }

  private:
    void grow_older(double scale);
    /// The probability that a blip begins within the next `dt` seconds.
    [[nodiscard]] double begins(double dt, double likelier) const;

    std::size_t strengths_ = 1;
    double stays_ = 0, keeps_ = 0;  // probability that a blip goes on for another tick, and that it is as strong then
    std::vector<double> ages_;  // probability of being in the nth tick of a blip of each strength, for the tick to come
    std::vector<double> likelihood_;
    double calm_ = 1, elapsed_ = 0, usual_ = 0.5, seen_ = 0;
};

/// Spells in which the reference is ill or better than usual, or the new group better than healthy differences make it,
/// which last for minutes: a hidden Markov chain of being calm, or within a spell of each strength. A part of a null
/// hypothesis, as Blips are: nothing is learned of what is healthy meanwhile, so that the end of a spell does not look
/// like a change.
class Spells {
  public:
    /// How often they come, and how long one lasts in the mean; seconds.
    struct Course {
        double every = 14400, lasts = 300;
    };

    /// Of a new group that is as before, whatever the control group does: the control group's share, its neighbours and
    /// what it is asked for change more often, and for longer.
    static constexpr Course kAsBefore = {3600, 900};

    Spells(std::size_t strengths, const Course& course) : course_(course), within_(strengths, 0.0) {}

    /// The log predictive of a tick with these log-likelihoods if it is calm, or within a spell of each strength.
    double predict(double calm, std::span<const double> within, double dt);

    /// How surely the last tick was calm.
    [[nodiscard]] double calm() const { return calm_; }

  private:
    Course course_;
    std::vector<double> within_;
    double calm_ = 1;
};

/// What comes and goes: an alternative that is on for half a minute and off for a minute and a half, on average,
/// and while it is off looks as healthy as any. A hidden Markov chain of two states; the probability of being on
/// follows from the ticks before.
class Flapping {
  public:
    explicit Flapping(double ratio) : ratio_(ratio) {}

    [[nodiscard]] double ratio() const { return ratio_; }

    /// The log predictive of a tick with these log-likelihoods while it is on, or off.
    double predict(double on, double off, double dt);

  private:
    double ratio_, on_ = 0.25;
};

/// Over how many ticks a blip of these seconds may be seen.
[[nodiscard]] std::size_t ticks_of_a_blip(double seconds, double interval);

/// How often ticks that are clearly bad follow each other, and no more than `longest` of them.
[[nodiscard]] double count_blips(const std::vector<bool>& bad, std::size_t longest);

/// Over-dispersion by the method of moments: E[(x - mean)^2] = v + extra v2. Starts from a prior that counts as
/// `strength` ticks; a tick counts for as much as its variance would be the extra one if the prior were right, so that
/// few quiet ticks do not outweigh it.
class ExtraVariance {
  public:
    ExtraVariance(double prior, double strength)
        : prior_(prior), numerator_(prior * strength), denominator_(strength) {}

    void add(double squared_residual, double v, double v2);

    [[nodiscard]] double value() const { return numerator_ > 0 ? numerator_ / denominator_ : 0; }

  private:
    double prior_, numerator_, denominator_;
};

}  // namespace revertd::detect
