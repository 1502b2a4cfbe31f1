// SPDX-License-Identifier: Apache-2.0
#include "detectors/power.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include "core/clock.h"
#include "core/words.h"
#include "detectors/deploy_test.h"
#include "detectors/error_test.h"
#include "detectors/evidence.h"
#include "detectors/history.h"
#include "detectors/latency_model.h"
#include "detectors/tail_curve.h"
#include "detectors/tuning.h"

namespace revertd::detect {
namespace {

constexpr std::array kErrorEffects = {1.2, 1.3, 1.4, 1.5,  1.6,  1.8,  2.0,  2.5,  3.0,
                                      4.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0};
constexpr std::array kLatencyEffects = {1.05, 1.1, 1.15, 1.2, 1.3, 1.4, 1.5, 1.7, 2.0, 2.5, 3.0, 4.0, 5.0};
constexpr int kRough = 48;  // deploys to place an effect on the ladder
constexpr int kFine = 400;  // deploys to announce one: a share of 90 % is known to 1.5 %
constexpr double kRoughTicks = 20'000, kFineTicks = 100'000;  // and fewer deploys when each is long: a second or two
constexpr double kMostTicks = 1440;    // of a deploy that are tried out: two hours of the shortest ticks
constexpr double kMostRequests = 1e9;  // of a tick: a counter may leap by any number
constexpr double kFound = 0.9;         // of the deploys
constexpr double kRare = 0.1;
constexpr std::size_t kFewestTicks = 12;
constexpr double kSameInstant = 1e-6;
// Standard deviation of the logarithm of what differs between two healthy versions: what is usual. The test takes more
// for granted (detectors/tuning.h), so that it is seldom wrong; of what is announced as many should come late as early.
constexpr double kHealthyErrors = 0.08, kHealthyGroup = 0.05, kHealthyLatency = 0.02;
constexpr double kLatest = 1.0 / 3;  // of the bake: what begins later may not be found before it ends
constexpr double kCold = 0.5, kLeastCold = 0.1, kMostCold = 0.3, kFastest = 15,
                 kSlowest = 60;   // of starts, and seconds
constexpr double kRound = 30;     // seconds: nobody plans by less
constexpr double kStretch = 300;  // seconds of the time before that are drawn in one piece: load comes in bursts

/// One service's deploys, made from what was learnt of it.
class Deploys {
  public:
    Deploys(const PowerTicks& before, std::uint64_t seed)
        : before_(before),
          random_(seed),
          history_(before.latency ? before.shape.edges.size() + 1 : 0, 0),
          learned_(before.shape) {
        for (std::size_t i = 0; i < before.all.size(); ++i) {
            GroupTick tick;
            tick.at = before.at[i], tick.dt = before.shape.interval, tick.all = before.all[i];
            if (before.latency) tick.buckets = before.buckets[i];
            history_.add(tick);
            learned_.before(tick);
        }
        learned_.begin();
        if (before.latency) {
            model_.emplace(before.shape, history_);
            curve_.emplace(before.shape.edges, history_.all_buckets());
        }
        const bool control = before.shape.control;
        errors_.emplace(history_, control, before.shape.interval);
        const auto differs = [](double taken, double cautious, double usual) {
            return std::sqrt(std::max(0.0, taken * taken - cautious * cautious) + usual * usual);
        };
        if (control)
            spread_ = std::sqrt(2.0) * (model_ ? kHealthyLatency : kHealthyGroup);  // each group has its own
        else if (model_)
            spread_ = differs(model_->spread(), tuning().latency_sd_alone, kHealthyLatency);
        else
            spread_ = differs(errors_->spread, tuning().error_sd_alone, kHealthyErrors);
    }

    /// How many ticks of a deploy are tried out, and whether that is its whole bake.
    [[nodiscard]] double ticks() const { return std::min(before_.shape.bake / before_.shape.interval, kMostTicks); }

    [[nodiscard]] bool whole() const { return before_.shape.bake <= kMostTicks * before_.shape.interval; }

    /// So many deploys are as exact as the time allows.
    [[nodiscard]] int count(double most_ticks, int least, int most) const {
        return std::clamp(static_cast<int>(most_ticks / std::max(ticks(), 1.0)), least, most);
    }

    [[nodiscard]] bool beside() const { return before_.shape.control; }

    [[nodiscard]] bool of_latency() const { return before_.latency; }

    /// The last one that was tried out was bad from its first tick on.
    [[nodiscard]] bool at_once() const { return drawn_.begins <= 0; }

    [[nodiscard]] bool can_say() const { return !model_ || !model_->empty(); }

    /// How long a deploy has this effect before it is found, in seconds; infinity: not within its bake.
    double found(double effect) {
        DeployTest test = learned_;
        draw();
        const double interval = before_.shape.interval;
        for (double at = interval; at <= (ticks() + 0.5) * interval; at += interval) {
            const double requests = load();
            if (at - interval < before_.from - kSameInstant) continue;
            const auto ticks = both(at, requests, at - interval < drawn_.begins ? 1 : effect);
            if (test.tick(ticks.fresh, ticks.reference ? &*ticks.reference : nullptr))
                return std::max(at - drawn_.begins, interval);
        }
        return INFINITY;
    }

  private:
    /// What the time before cannot tell of a deploy.
    struct Drawn {
        double begins = 0;             ///< seconds after the deploy
        double differs = 1;            ///< the factor of a healthy version
        double cold = 0, settles = 1;  ///< of an instance that starts: so many times slower than it will be, less one
        double noise = 0;              ///< relative variance from tick to tick: clumps of errors, jitter
        double own = 1;                ///< of the noise, what the groups do not share
        double usual = 1;              ///< the factor of the rate of both groups
    };

    /// Beside a control group nobody knows how much of the noise a group has for itself, and all of it is a variance
    /// that is known from so many ticks; the rate is known as far as there were errors. Without one, what is not known
    /// of the level is part of the spread, and rules.
    void draw() {
        const bool latency = before_.latency;
        drawn_ = {};
        drawn_.begins = onset();
        if (latency && uniform(0, 1) < kCold)
            drawn_.cold = uniform(kLeastCold, kMostCold), drawn_.settles = uniform(kFastest, kSlowest);
        drawn_.differs = std::exp(spread_ * normal());
        drawn_.noise = latency ? model_->jitter() : errors_->extra;
        like_ = any();
        if (!before_.shape.control) return;
        drawn_.noise /= gamma(static_cast<double>(before_.all.size()) / 2);
        drawn_.own = uniform(0, 1);
        if (!latency) drawn_.usual = gamma(std::max(errors_->known - 0.5, 0.5));
    }

    double uniform(double from, double to) { return std::uniform_real_distribution<>(from, to)(random_); }

    double normal() { return std::normal_distribution<>()(random_); }

    /// With the mean 1.
    double gamma(double shape) { return std::gamma_distribution<>(shape, 1 / shape)(random_); }

    std::size_t any() { return std::uniform_int_distribution<std::size_t>(0, before_.all.size() - 1)(random_); }

    /// Seconds after the deploy, at the beginning of a tick. The later a change begins the less the test has to ask
    /// whether it is the start that it sees.
    double onset() {
        if (uniform(0, 1) < OnsetMixture::kAtDeploy) return 0;
        const double interval = before_.shape.interval;
        return std::floor(uniform(0, kLatest * ticks() * interval) / interval) * interval;
    }

    /// Requests of the next tick, as they were in some stretch of the time before.
    double load() {
        const bool goes_on = uniform(0, 1) >= before_.shape.interval / kStretch;
        like_ = goes_on ? (like_ + 1) % before_.all.size() : any();
        return std::clamp(before_.all[like_].requests, 0.0, kMostRequests);
    }

    /// Of these requests, those that a group with this share has.
    double part(double requests, double share) {
        if (share >= 1) return std::min(std::round(requests * share), kMostRequests);
        return std::binomial_distribution<int>(static_cast<int>(requests), std::max(share, 0.0))(random_);
    }

    struct Ticks {
        GroupTick fresh;
        std::optional<GroupTick> reference;
    };

    Ticks both(double at, double requests, double effect) {
        const double warm = 1 + drawn_.cold * std::exp(-(at - before_.shape.interval / 2) / drawn_.settles);
        const double common = drawn_.usual * noise(1 - drawn_.own);
        Ticks ticks;
        ticks.fresh = group(at, part(requests, before_.fresh_share), common * effect * drawn_.differs * warm, buckets_);
        if (!before_.shape.control) return ticks;
        const bool cold = before_.shape.control_kind == ControlKind::Fresh;
        ticks.reference =
            group(at, part(requests, before_.control_share), cold ? common * warm : common, control_buckets_);
        return ticks;
    }

    GroupTick group(double at, double requests, double factor, std::vector<double>& buckets) {
        GroupTick tick;
        tick.at = at, tick.dt = before_.shape.interval;
        tick.all.requests = requests;
        if (before_.latency)
            fill(tick, factor * noise(drawn_.own), buckets);
        else
            tick.all.errors = errors(requests, factor * noise(drawn_.own));
        return tick;
    }

    /// The factor of one tick, of this share of the noise.
    double noise(double share) {
        const double variance = share * drawn_.noise;
        if (variance <= 1e-6) return 1;
        return before_.latency ? std::exp(std::sqrt(variance) * normal()) : gamma(1 / variance);
    }

    double errors(double requests, double factor) {
        const double mean = requests * errors_->rate * factor;
        if (!(mean > 0)) return 0;
        return std::min<double>(requests, std::poisson_distribution<int>(std::min(mean, 1e8))(random_));
    }

    void fill(GroupTick& tick, double factor, std::vector<double>& buckets) {
        const double shift = std::log(factor) + model_->expected(tick.at);
        auto left = static_cast<int>(tick.all.requests);
        double above = 1;
        buckets.assign(before_.shape.edges.size() + 1, 0.0);
        for (std::size_t b = 0; b < before_.shape.edges.size() && left > 0; ++b) {
            // The test takes it for straight between two edges, and no guess at what it really is fits quite.
            const double slower = curve_->smooth_above(std::log(before_.shape.edges[b]) - shift);
            const double share = above > 0 ? std::clamp(1 - slower / above, 0.0, 1.0) : 1;
            const int n = std::binomial_distribution<int>(left, share)(random_);
            buckets[b] = n, left -= n, above = slower;
        }
        buckets.back() = left;
        tick.buckets = buckets;
    }

    const PowerTicks& before_;
    std::mt19937_64 random_;
    History history_;
    DeployTest learned_;
    std::optional<LatencyModel> model_;
    std::optional<TailCurve> curve_;
    std::optional<ErrorHistory> errors_;
    std::vector<double> buckets_, control_buckets_;
    double spread_ = 0;  ///< standard deviation of the log ratio of a healthy deploy
    Drawn drawn_;
    std::size_t like_ = 0;  ///< the tick before the deploy whose load is drawn
};

double share_found(Deploys& deploys, double effect) {
    const int count = deploys.count(kRoughTicks, kRough / 3, kRough);
    int found = 0;
    for (int i = 0; i < count; ++i) found += std::isfinite(deploys.found(effect)) ? 1 : 0;
    return static_cast<double>(found) / count;
}

/// The first effect of the ladder that at least `wanted` of the deploys find: the share grows with the effect.
std::size_t first_found(Deploys& deploys, std::span<const double> effects, double wanted) {
    std::size_t low = 0, high = effects.size();
    while (low < high) {
        const std::size_t middle = (low + high) / 2;
        if (share_found(deploys, effects[middle]) >= wanted)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/// The time within which nine of ten of these are found, in whole half minutes; infinity: not within the bake.
double nine_of_ten(std::vector<double> times, bool beside) {
    std::ranges::sort(times);
    const auto count = static_cast<double>(times.size());
    // Beside a control group one standard error more: the effect is the first one that looked good enough, and chance
    // helped it to. Alone, what is not known of the level is drawn so wide that this is in it.
    const double luck = beside ? std::sqrt(kFound * (1 - kFound) * count) : 0;
    const auto enough = static_cast<std::size_t>(kFound * count + luck);
    return times.empty() ? INFINITY : std::ceil(times[std::min(enough, times.size() - 1)] / kRound) * kRound;
}

/// Nothing: nine of ten are not found within the bake. Slowness has to be found as often when it begins with the
/// deploy, where it looks like a start for minutes.
std::optional<Power> announce(Deploys& deploys, double effect) {
    std::vector<double> times(static_cast<std::size_t>(deploys.count(kFineTicks, kFine / 4, kFine))), at_once, later;
    for (double& time : times) {
        time = deploys.found(effect);
        (deploys.at_once() ? at_once : later).push_back(time);
    }
    Power power;
    power.effect = effect;
    power.within = power.from_start = power.later = nine_of_ten(times, deploys.beside());
    if (deploys.of_latency()) {
        power.from_start = nine_of_ten(std::move(at_once), deploys.beside());
        power.later = nine_of_ten(std::move(later), deploys.beside());
    }
    if (!std::isfinite(power.within + power.from_start + power.later)) return std::nullopt;
    const auto in_time = std::ranges::count_if(times, [&](double time) { return time <= power.within; });
    power.share = static_cast<double>(in_time) / static_cast<double>(times.size());
    return power;
}

}  // namespace

std::optional<Power> power_of(const PowerTicks& before, std::uint64_t seed) {
    double requests = 0;
    for (const Events& tick : before.all) requests += tick.requests;
    if (before.all.size() < kFewestTicks || requests <= 0) return std::nullopt;
    Deploys deploys(before, seed);
    if (!deploys.can_say()) return std::nullopt;
    const std::span<const double> effects =
        before.latency ? std::span<const double>(kLatencyEffects) : std::span<const double>(kErrorEffects);
    std::optional<Power> power;
    for (std::size_t i = first_found(deploys, effects, kFound); i < effects.size() && !power; ++i)
        power = announce(deploys, effects[i]);
    if (!power) return std::nullopt;
    const std::size_t rare = first_found(deploys, effects, kRare);
    if (rare > 0 && deploys.whole()) power->hopeless = std::min(effects[rare], power->effect);
    return power;
}

std::vector<double> times_to_find(const PowerTicks& before, std::uint64_t seed, double effect, std::size_t deploys) {
    Deploys simulated(before, seed);
    std::vector<double> times(deploys);
    std::ranges::generate(times, [&] { return simulated.found(effect); });
    return times;
}

std::string words(const std::optional<Power>& power, const std::string& what) {
    if (!power) return "no change of " + what + " is sure to be found within this bake";
    const auto times = [](double effect) { return value_words(effect, Unit::None) + " times"; };
    const auto time = [](double seconds) { return to_words(std::chrono::seconds(std::lround(seconds))); };
    const auto share = [](double of_deploys) { return value_words(std::floor(of_deploys * 100) / 100, Unit::Ratio); };
    std::string out = times(power->effect) + " the " + what + " would be found within ";
    if (power->from_start > power->later)
        out += time(power->later) + " with " + share(kFound) + ", within " + time(power->from_start) +
               " if it begins with the deploy";
    else
        out += time(power->within) + " with " + share(power->share);
    if (power->hopeless > 0) out += "; less than " + times(power->hopeless) + " not within this bake";
    return out;
}

}  // namespace revertd::detect
