// SPDX-License-Identifier: Apache-2.0
#include "detectors/healthy_latency.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "detectors/ratio_comparison.h"
#include "detectors/tuning.h"

namespace revertd::detect {
namespace {

constexpr std::array kAmplitudes = {0.25, 0.5, 1.0, 1.7, 2.6, 4.0};
constexpr std::array kTaus = {15.0, 30.0, 55.0, 90.0, 140.0, 210.0, 320.0};
constexpr std::array kAmplitudesBeside = {0.25, 0.6, 1.2, 2.2};
constexpr std::array kTausBeside = {18.0, 36.0, 72.0, 140.0};
constexpr std::array kAmplitudesBesideStable = {0.35, 0.8, 1.8};
constexpr std::array kTausBesideStable = {20.0, 50.0, 120.0};
constexpr double kColdPrior = 0.4;                          // weight of "there is a warm-up"
constexpr std::array kColdBesidePrior = {0.15, 0.01, 0.5};  // "the control group has one, too", by ControlKind
constexpr double kColdTailPrior = 0.1;
constexpr double kMostTail = 0.15;  // of the requests: what more of them do is no tail
constexpr std::array kColdTailAmplitudes = {0.7, 2.0, 8.0};
constexpr std::array kColdTailTaus = {20.0, 50.0, 100.0};
constexpr std::size_t kColdTailEdges = 4;
// Of its log ratio, how much a cold tail is like a factor that is not well known.
constexpr double kColdTailDoubt = 1.5;
constexpr double kWarmLasts = 1800, kMostEnds = 0.1;  // seconds; of the ticks
constexpr double kHolds = 14400;                      // seconds that a benign factor holds in the mean
constexpr double kOwnWay = 0.5;                       // weight of what is started anew having a warm-up of its own
constexpr double kElsewhere = 0.2;                    // and of its running elsewhere, with another benign factor
constexpr double kMostStep = 0.03, kWander = 0.75;    // of the log factor; standard deviations within a bake
constexpr double kRuledOut = 1e-18;  // weight of a warm-up that is not asked any more, or of a factor with it
constexpr double kWhole = 0.999;     // of a tick, what is learned from it: as good as all
constexpr double kNever = -1e300;    // log-likelihood of what is not asked

}  // namespace

void WarmUp::at(double age) {
    if (from > 0) {
        times = 1 + amplitude * std::exp(-age / tau);
        size = kColdTailDoubt * std::log(times);
        return;
    }
    const double own = amplitude > 0 ? std::log1p(amplitude * std::exp(-age / tau)) : 0;
    const double other = beside > 0 ? std::log1p(beside * std::exp(-age / tau_beside)) : 0;
    now = own - other;
    size = own + other;
}

HealthyLatency::HealthyLatency(const DeployShape& shape, const LatencyModel& model) {
    warm_ups(kAmplitudes, kTaus);
    const std::size_t whole = curves_.size();
    cold_tails(model.cells());
    const std::size_t warm = curves_.size();
    if (shape.control && shape.control_kind == ControlKind::Stable) {
        cold_beside(kAmplitudesBesideStable, kTausBesideStable);
    } else if (shape.control) {
        cold_beside(kAmplitudesBeside, kTausBeside);
    }
    const BenignRatios benign(model.spread(), kMostStep);
    benign_ = benign.log_ratio;
    const double wandered = kWander * model.spread() / benign.step;
    wander_ = std::min(0.5, tuning().wander * wandered * wandered * shape.interval / shape.bake);
    weigh(benign.log_prior, whole, warm, kColdBesidePrior[static_cast<std::size_t>(shape.control_kind)]);
    restart();
}

/// None, and one of all requests.
void HealthyLatency::warm_ups(std::span<const double> amplitudes, std::span<const double> taus) {
    curves_.emplace_back();
    for (const double a : amplitudes)
        for (const double tau : taus) curves_.push_back({.amplitude = a, .tau = tau});
}

/// A cache that is cold makes few or many requests slow, as far as a few edges tell.
void HealthyLatency::cold_tails(std::span<const LatencyModel::Cell> cells) {
    double slow = 0;
    std::size_t edges = 0;
    for (std::size_t from = cells.size() - 1; from > 0 && edges < kColdTailEdges; --from, ++edges) {
        slow += cells[from].share;
        if (slow > kMostTail) break;
        for (const double amplitude : kColdTailAmplitudes)
            for (const double tau : kColdTailTaus)
                curves_.push_back({.amplitude = amplitude, .tau = tau, .from = from});
    }
}

/// The control group is cold, alone or beside a cold new group.
void HealthyLatency::cold_beside(std::span<const double> amplitudes, std::span<const double> taus) {
    for (const double beside : amplitudes) {
        for (const double tau_beside : taus) {
            curves_.push_back({.beside = beside, .tau_beside = tau_beside});
            for (const double a : amplitudes) {
                for (const double tau : taus)
                    if (tau != tau_beside) curves_.push_back({a, tau, beside, tau_beside});
            }
        }
    }
}

/// The curves are listed as none, the `whole` ones of all requests, cold tails up to `warm`, and those of a control
/// group, which have the weight `beside`.
void HealthyLatency::weigh(std::span<const double> log_prior, std::size_t whole, std::size_t warm, double beside) {
    const auto among = [](double all, std::size_t from, std::size_t to) {
        return all / static_cast<double>(to - from);
    };
    const double tail = warm > whole ? std::min(kColdTailPrior, (1 - kColdPrior - beside) / 2) : 0;
    const auto share_of = [&](std::size_t c) {
        if (c == 0) return 1 - kColdPrior - tail - beside;
        if (c < whole) return among(kColdPrior, 1, whole);
        if (c < warm) return among(tail, whole, warm);
        return among(beside, warm, curves_.size());
    };
    for (std::size_t c = 0; c < curves_.size(); ++c) {
        for (const double prior : log_prior) prior_.push_back(std::exp(prior) * share_of(c));
    }
    const double total = std::accumulate(prior_.begin(), prior_.end(), 0.0);
    for (auto& p : prior_) p /= total;
    weights_.resize(prior_.size());
    likelihood_.resize(prior_.size());
    seen_.resize(prior_.size());
    alive_.reserve(curves_.size());
}

void HealthyLatency::restart() {
    std::copy(prior_.begin(), prior_.end(), weights_.begin());
    alive_.resize(curves_.size());
    std::iota(alive_.begin(), alive_.end(), std::size_t{0});
}

void HealthyLatency::restart_beside() {
    restart();
    std::erase_if(alive_, [&](std::size_t c) { return curves_[c].amplitude > 0; });
    normalise();
}

void HealthyLatency::restart_some() {
    const std::span times = std::span(seen_).first(benign_.size());  // of the prior of each benign factor
    std::ranges::fill(times, 0.0);
    for (const std::size_t c : alive_)
        for (std::size_t g = 0; g < times.size(); ++g) times[g] += row(c)[g];
    const double not_cold = std::accumulate(prior_.begin(), prior_.begin() + std::ssize(benign_), 0.0);
    for (std::size_t g = 0; g < times.size(); ++g)
        times[g] = kElsewhere + (1 - kElsewhere) * times[g] * not_cold / prior_[g];
    auto alive = alive_.begin();
    for (std::size_t c = 0; c < curves_.size(); ++c) {
        const bool known = alive != alive_.end() && *alive == c;
        if (known) ++alive;
        for (std::size_t g = 0; g < times.size(); ++g) {
            double& weight = row(c)[g];
            weight = (known ? (1 - kOwnWay) * weight : 0) + kOwnWay * times[g] * prior_[c * benign_.size() + g];
        }
    }
    alive_.resize(curves_.size());
    std::iota(alive_.begin(), alive_.end(), std::size_t{0});
    normalise();
}

void HealthyLatency::at(double age) {
    for (const std::size_t c : alive_) curves_[c].at(age);
}

double HealthyLatency::warmth() const {
    double believed = 0;
    for (const std::size_t c : alive_) {
        const auto known = row(c);
        believed += curves_[c].size * std::accumulate(known.begin(), known.end(), 0.0);
    }
    return believed;
}

double HealthyLatency::ask(double expected, const double* table) {
    top_ = kNever;
    for (const std::size_t c : alive_) {
        const auto known = row(c);
        double* out = &likelihood_[c * benign_.size()];
        for (std::size_t g = 0; g < known.size(); ++g) {
            out[g] = kNever;
            if (known[g] < kRuledOut) continue;
            out[g] = TablePlace(expected + benign_[g] + curves_[c].now).in(table) + curves_[c].more;
            top_ = std::max(top_, out[g]);
        }
    }
    double total = 0;
    for (const std::size_t c : alive_) {
        const auto known = row(c);
        const double* log = &likelihood_[c * benign_.size()];
        double* out = &seen_[c * benign_.size()];
        for (std::size_t g = 0; g < known.size(); ++g)
            total += known[g] * (out[g] = log[g] > kNever ? std::exp(log[g] - top_) : 0);
    }
    return top_ + std::log(total);
}

void HealthyLatency::learn(double share) {
    for (const std::size_t c : alive_) {
        const auto known = row(c);
        const double *log = &likelihood_[c * benign_.size()], *linear = &seen_[c * benign_.size()];
        for (std::size_t g = 0; g < known.size(); ++g)
            known[g] *= share > kWhole || linear[g] <= 0 ? linear[g] : std::exp(share * (log[g] - top_));
    }
    normalise();
}

void HealthyLatency::normalise() {
    double total = 0;
    for (const std::size_t c : alive_) {
        const auto known = row(c);
        total += std::accumulate(known.begin(), known.end(), 0.0);
    }
    for (const std::size_t c : alive_)
        for (double& w : row(c)) w /= total;
}

void HealthyLatency::pass(double dt) {
    end_warm_ups(std::min(kMostEnds, dt / kWarmLasts));
    wander();
    draw_anew(std::min(kMostEnds, dt / kHolds));
}

/// All at once with this probability, and when hardly anything is left of one.
void HealthyLatency::end_warm_ups(double probability) {
    const auto warm = row(0);
    std::erase_if(alive_, [&](std::size_t c) {
        const auto known = row(c);
        double left = 0;
        if (c > 0) {
            const double over = curves_[c].size < kOver ? 1 : probability;
            for (std::size_t g = 0; g < known.size(); ++g) {
                warm[g] += over * known[g];
                left += known[g] *= 1 - over;
            }
        }
        return c > 0 && left < kRuledOut;
    });
}

/// The benign factor goes to one of its neighbours, and at the ends to itself.
void HealthyLatency::wander() {
    const double p = wander_;
    for (const std::size_t c : alive_) {
        const auto known = row(c);
        double below = known[0];
        for (std::size_t g = 0; g < known.size(); ++g) {
            const double here = known[g], above = g + 1 == known.size() ? here : known[g + 1];
            known[g] = here * (1 - p) + p / 2 * (below + above);
            below = here;
        }
    }
}

/// Of who is not cold, with this probability: what was learned of a new group that was slightly quicker at first is not
/// what is healthy when that is over.
void HealthyLatency::draw_anew(double probability) {
    const auto known = row(0);
    const double drawn = probability * std::accumulate(known.begin(), known.end(), 0.0) /
                         std::accumulate(prior_.begin(), prior_.begin() + std::ssize(benign_), 0.0);
    for (std::size_t g = 0; g < known.size(); ++g) known[g] = (1 - probability) * known[g] + drawn * prior_[g];
}

}  // namespace revertd::detect
