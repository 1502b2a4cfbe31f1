// SPDX-License-Identifier: Apache-2.0
#include "detectors/latency_test.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "detectors/ratio_comparison.h"
#include "detectors/statistics.h"
#include "detectors/tuning.h"

namespace revertd::detect {
namespace {

constexpr std::array kFactors = {1.15, 1.2, 1.26, 1.33, 1.4, 1.65, 2.0, 3.0};
constexpr std::array kFactorWeights = {0.08, 0.09, 0.10, 0.10, 0.10, 0.12, 0.08, 0.07};
constexpr std::size_t kSlight = 3;  // of them may be a transient: new instances among many are cold for a minute
constexpr std::array kFaster = {0.8, 0.65, 0.5, 0.3};  // times the latency
constexpr auto kUsual = static_cast<std::size_t>(-LatencyModel::kLow / LatencyModel::kStep + 0.5);
constexpr std::array kAsBefore = {kUsual - 1, kUsual, kUsual + 1};  // of the tabulated factors: 0.95, 1 and 1.05
constexpr std::array kLately = {10.0, 60.0};                        // seconds
constexpr double kAsksFrom = 0.05;                                  // evidence
constexpr double kLatelyPrior = 20;                                 // requests as before the deploy
constexpr std::array kSlowModes = {1.5, 2.2, 4.0};                  // times the share above an edge
constexpr double kSlowWeight = 0.25;
constexpr std::array kFlappingFactors = {1.4, 2.0, 3.0};  // of kFactors: blips have no further strengths
constexpr double kFlappingShare = 0.1;                    // of the weight of all alternatives
constexpr double kMostSlow = 0.9;                         // of all requests
constexpr double kMostSlowShare = 0.3;                    // of the cells that a slow mode adds to
constexpr std::array kAmplitudes = {0.25, 0.5, 1.0, 1.7, 2.6, 4.0};
constexpr std::array kTaus = {15.0, 30.0, 55.0, 90.0, 140.0, 210.0, 320.0};
constexpr double kRemembered = 600;   // seconds that evidence can be taken back for
constexpr double kHardlyWarm = 0.05;  // of the log factor: a warm-up that is as good as over
constexpr double kSettled = 300;      // seconds after which nobody is cold any more
constexpr double kColdPrior = 0.4;    // weight of "there is a warm-up"
constexpr std::array kAmplitudesBeside = {0.25, 0.6, 1.2, 2.2};
constexpr std::array kTausBeside = {18.0, 36.0, 72.0, 140.0};
constexpr std::array kAmplitudesBesideStable = {0.35, 0.8, 1.8};
constexpr std::array kTausBesideStable = {20.0, 50.0, 120.0};
constexpr std::array kColdBesidePrior = {0.15, 0.01, 0.5};  // "the control group has one, too", by ControlKind
constexpr double kOver = 0.003;                             // of the log factor: nothing is left of a warm-up
constexpr double kWarmLasts = 1800, kMostEnds = 0.1;        // seconds; of the ticks
constexpr double kHolds = 14400;                            // seconds that a healthy factor holds in the mean
constexpr double kColdTailPrior = 0.1;
constexpr double kMostTail = 0.15;  // of the requests: what more of them do is no tail
constexpr std::array kColdTailAmplitudes = {0.7, 2.0, 8.0};
constexpr std::array kColdTailTaus = {20.0, 50.0, 100.0};
constexpr std::size_t kColdTailEdges = 4;
constexpr double kColdTailDoubt =
    1.5;                             // of its log ratio, how much a cold tail is like a factor that is not well known
constexpr double kGrowing = 20;      // times as many transients while the share grows
constexpr double kRuledOut = 1e-18;  // weight of a warm-up that is not asked any more, or of a ratio with it
constexpr double kWhole = 0.999;     // of a tick, what is learned from it: as good as all
constexpr double kNever = -1e300;    // log-likelihood of what is not asked
constexpr double kMostStep = 0.03, kWander = 0.75;  // of the log factor; standard deviations within a bake
constexpr double kUnseenMisfit = 0.3;               // relative error of a warm-up of what is below the lowest edge
constexpr double kQuiet = 3;                        // evidence below which the jitter is learned

}  // namespace

LatencyTest::LatencyTest(const DeployShape& shape, LatencyModel model, double share)
    : shape_(shape),
      model_(std::move(model)),
      transients_(tuning().transient, shape.interval, kSlight),
      growing_transients_(tuning().transient, shape.interval, kSlight),
      faster_(kFaster.size(), {}),
      as_before_(kLately.size() * kAsBefore.size(), Spells::kAsBefore) {
    if (model_.empty()) return;
    make_alternatives();
    make_curves();
    const BenignRatios benign(model_.spread(), kMostStep);
    const double wandered = kWander * model_.spread() / benign.step;
    wander_ = std::min(0.5, tuning().wander * wandered * wandered * shape.interval / shape.bake);
    null_ = make_null(benign.log_ratio, benign.log_prior);
    evidence_.emplace(weights(), shape.bake, std::log(1 / (shape.alpha * share)), tuning().least);
    evidence_->remember(static_cast<std::size_t>(kRemembered / shape.interval) + 1);
    llr_.resize(alternatives_.size());
    blips_ = Blips(tuning().blip, shape.interval, steady_);
    const double own = shape.control ? tuning().own_jitter : 1.0;
    jitter_ = ExtraVariance(model_.jitter() * own + 1e-5, 8);
    most_jitter_ = 2 * model_.jitter() + 1e-4;
}

std::vector<double> LatencyTest::weights() const {
    std::vector<double> weights(kFactorWeights.begin(), kFactorWeights.end());
    const std::size_t slow = steady_ - kFactors.size();
    for (std::size_t i = 0; i < slow; ++i) weights.push_back(kSlowWeight / static_cast<double>(slow));
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0) / (1 - kFlappingShare);
    for (auto& w : weights) w /= total;
    weights.insert(weights.end(), flapping_.size(), kFlappingShare / static_cast<double>(flapping_.size()));
    return weights;
}

void LatencyTest::make_curves() {
    curves_.emplace_back();
    for (const double a : kAmplitudes) {
        for (const double tau : kTaus) curves_.push_back({.amplitude = a, .tau = tau});
    }
    whole_curves_ = curves_.size();
    cold_tails();
    warm_curves_ = curves_.size();
    if (!shape_.control) return;
    if (shape_.control_kind == ControlKind::Stable) {
        curves_beside(kAmplitudesBesideStable, kTausBesideStable);
    } else {
        curves_beside(kAmplitudesBeside, kTausBeside);
    }
}

/// The control group is cold, alone or beside a cold new group.
void LatencyTest::curves_beside(std::span<const double> amplitudes, std::span<const double> taus) {
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

void LatencyTest::Curve::at(double age) {
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

void LatencyTest::make_alternatives() {
    const auto cells = model_.cells();
    for (const double factor : kFactors) alternatives_.push_back({0, factor});
    for (std::size_t from = 1; from < cells.size(); ++from) {
        double slow = 0;
        for (std::size_t c = from; c < cells.size(); ++c) slow += cells[c].share;
        if (slow > kMostSlowShare) continue;
        for (const double more : kSlowModes) alternatives_.push_back({from, more});
    }
    steady_ = alternatives_.size();
    for (const double factor : kFlappingFactors) {
        alternatives_.push_back({0, factor});
        flapping_.emplace_back(factor);
    }
}

/// A cache that is cold makes few or many requests slow, as far as a few edges tell.
void LatencyTest::cold_tails() {
    const auto cells = model_.cells();
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

LatencyTest::Null LatencyTest::make_null(std::vector<double> benign, std::span<const double> log_prior) const {
    Null null;
    null.benign = std::move(benign);
    const auto among = [](double all, std::size_t from, std::size_t to) {
        return all / static_cast<double>(to - from);
    };
    const double beside = kColdBesidePrior[static_cast<std::size_t>(shape_.control_kind)];
    const double tail = warm_curves_ > whole_curves_ ? std::min(kColdTailPrior, (1 - kColdPrior - beside) / 2) : 0;
    const auto share_of = [&](std::size_t c) {
        if (c == 0) return 1 - kColdPrior - tail - beside;
        if (c < whole_curves_) return among(kColdPrior, 1, whole_curves_);
        if (c < warm_curves_) return among(tail, whole_curves_, warm_curves_);
        return among(beside, warm_curves_, curves_.size());
    };
    for (std::size_t c = 0; c < curves_.size(); ++c) {
        for (const double prior : log_prior) null.prior.push_back(std::exp(prior) * share_of(c));
    }
    const double total = std::accumulate(null.prior.begin(), null.prior.end(), 0.0);
    for (auto& p : null.prior) p /= total;
    null.weights.resize(null.prior.size());
    null.likelihood.resize(null.prior.size());
    null.seen.resize(null.prior.size());
    null.alive.reserve(curves_.size());
    null.restart();
    return null;
}

void LatencyTest::Null::restart() {
    std::copy(prior.begin(), prior.end(), weights.begin());
    alive.resize(prior.size() / benign.size());
    std::iota(alive.begin(), alive.end(), std::size_t{0});
}

void LatencyTest::restart(double since) {
    if (!evidence_) return;
    null_.restart();
    evidence_->back_to(since);
    warm_from_ = since;
}

void LatencyTest::restart_beside(double since) {
    if (!evidence_) return;
    // The new group may still be cold as well.
    if (since - warm_from_ < kSettled || believed_warmup() > kHardlyWarm) return restart(since);
    null_.restart();
    std::erase_if(null_.alive, [&](std::size_t c) { return curves_[c].amplitude > 0; });
    null_.normalise();
    warm_from_ = since;
}

void LatencyTest::forget(double since) {
    if (evidence_) evidence_->back_to(since);
}

double LatencyTest::believed_warmup() const {
    double believed = 0;
    for (const std::size_t c : null_.alive) {
        const auto row = null_.row(c);
        believed += curves_[c].size * std::accumulate(row.begin(), row.end(), 0.0);
    }
    return believed;
}

/// Log-likelihood of the tick for every tabulated factor of the new group, where `expected_` is that of both.
void LatencyTest::tabulate(const Cells& fresh, const Cells& reference, double odds, double design) {
    const auto cells = model_.cells();
    const TablePlace base(expected_);
    table_.fill(0);
    for (std::size_t c = 0; c < cells.size(); ++c) {
        const double n = fresh[c], total = fresh[c] + reference[c];
        if (total <= 0) continue;
        const auto &log_ratio = cells[c].log_ratio, &ratio = cells[c].ratio;
        if (shape_.control) {
            const double usual = base.in(log_ratio.data()), share = odds * std::exp(-usual);
            for (std::size_t s = 0; s < table_.size(); ++s)
                table_[s] += n * (log_ratio[s] - usual) - total * std::log(1 + share * ratio[s]);
        } else {
            for (std::size_t s = 0; s < table_.size(); ++s) table_[s] += n * log_ratio[s];
        }
    }
    for (auto& x : table_) x /= design;
}

/// What lies in the cells from each on, and what is expected there of both groups now.
void LatencyTest::count_above(const Cells& fresh, const Cells& reference) {
    const auto cells = model_.cells();
    const TablePlace base(expected_);
    Above sum;
    for (std::size_t c = cells.size(); c > 0; --c) {
        sum.share += cells[c - 1].share * std::exp(base.in(cells[c - 1].log_ratio.data()));
        sum.fresh += fresh[c - 1];
        sum.both += fresh[c - 1] + reference[c - 1];
        above_[c - 1] = sum;
    }
    for (std::size_t c = 0; c < cells.size(); ++c) above_[c].share /= sum.share;
}

/// The log-likelihood ratio of `times` as many requests of the new group in the cells from `from` on, to as many as
/// usual.
double LatencyTest::more_above(std::size_t from, double times, double odds) const {
    const auto& [slow, n_slow, both_slow] = above_[from];
    const double n = above_[0].fresh, both = above_[0].both;
    const double now = std::min(slow * times, std::max(kMostSlow, 0.5 * (1 + slow)));
    const double above = now / slow, below = (1 - now) / (1 - slow);
    double sum = n_slow * std::log(above) + (n - n_slow) * std::log(below);
    if (shape_.control)
        sum -= both_slow * std::log((1 + odds * above) / (1 + odds)) +
               (both - both_slow) * std::log((1 + odds * below) / (1 + odds));
    return sum;
}

/// The log-likelihood of the tick under each alternative, which is relative to what is expected of both groups now.
void LatencyTest::ask_alternatives(double odds, double design, std::span<double> out) const {
    const double usual = TablePlace(expected_).in(table_.data());
    for (std::size_t k = 0; k < alternatives_.size(); ++k) {
        const auto& [from, times] = alternatives_[k];
        out[k] = from == 0 ? TablePlace(expected_ + std::log(times)).in(table_.data())
                           : usual + more_above(from, times, odds) / design;
    }
}

void LatencyTest::ask_cold_tails(double odds, double design) {
    for (const std::size_t c : null_.alive) {
        if (curves_[c].from == 0) continue;
        curves_[c].more = curves_[c].size < kOver ? 0 : more_above(curves_[c].from, curves_[c].times, odds) / design;
    }
}

bool LatencyTest::still(const Cells& fresh, const Cells& reference) {
    if (!evidence_) return false;
    double n = 0, m = 0;
    for (std::size_t c = 0; c < model_.cells().size(); ++c) {
        n += fresh[c];
        m += reference[c];
    }
    if (n <= 0 || (shape_.control && m <= 0)) return false;
    prepare(fresh, reference, shape_.control ? n / m : 0, 1);
    return llr_[evidence_->strongest()] > TablePlace(expected_ + std::log(tuning().still_slow)).in(table_.data());
}

/// Tabulates what the counts say, and asks the alternatives.
void LatencyTest::prepare(const Cells& fresh, const Cells& reference, double odds, double design) {
    if (shape_.control) {
        Cells both{};
        for (std::size_t c = 0; c < model_.cells().size(); ++c) both[c] = fresh[c] + reference[c];
        expected_ = model_.common(both);
    }
    tabulate(fresh, reference, odds, design);
    count_above(fresh, reference);
    ask_alternatives(odds, design, llr_);
}

/// The null's log predictive of the tabulated tick.
double LatencyTest::Null::ask(std::span<const Curve> curves, double expected, const double* table) {
    top = kNever;
    for (const std::size_t c : alive) {
        const auto known = row(c);
        double* out = &likelihood[c * benign.size()];
        for (std::size_t g = 0; g < known.size(); ++g) {
            out[g] = kNever;
            if (known[g] < kRuledOut) continue;
            out[g] = TablePlace(expected + benign[g] + curves[c].now).in(table) + curves[c].more;
            top = std::max(top, out[g]);
        }
    }
    double total = 0;
    for (const std::size_t c : alive) {
        const auto known = row(c);
        const double* log = &likelihood[c * benign.size()];
        double* out = &seen[c * benign.size()];
        for (std::size_t g = 0; g < known.size(); ++g)
            total += known[g] * (out[g] = log[g] > kNever ? std::exp(log[g] - top) : 0);
    }
    return top + std::log(total);
}

/// The points learn from what was asked last, as from `share` of a tick.
void LatencyTest::Null::learn(double share) {
    for (const std::size_t c : alive) {
        const auto known = row(c);
        const double *log = &likelihood[c * benign.size()], *linear = &seen[c * benign.size()];
        for (std::size_t g = 0; g < known.size(); ++g)
            known[g] *= share > kWhole || linear[g] <= 0 ? linear[g] : std::exp(share * (log[g] - top));
    }
    normalise();
}

void LatencyTest::Null::normalise() {
    double total = 0;
    for (const std::size_t c : alive) {
        const auto known = row(c);
        total += std::accumulate(known.begin(), known.end(), 0.0);
    }
    for (const std::size_t c : alive)
        for (double& w : row(c)) w /= total;
}

/// The log predictive of a tick that is calm, or faster than what is healthy.
double LatencyTest::faster(double calm, double dt) {
    std::array<double, kFaster.size()> within{};
    for (std::size_t k = 0; k < within.size(); ++k)
        within[k] = TablePlace(expected_ + std::log(kFaster[k])).in(table_.data());
    return faster_.predict(calm, within, dt);
}

/// The log predictive of a tick that is calm, or in which the new group is as it was before the deploy, whatever the
/// control group does: its requests are spread over the cells as they lately were.
double LatencyTest::as_before(double calm, const Cells& fresh, const Cells& reference, double odds, double design,
                              double dt) {
    std::array<double, kLately.size() * kAsBefore.size()> within{};
    within.fill(calm);
    for (std::size_t l = 0; l < kLately.size(); ++l) {
        if (evidence_->value() > kAsksFrom)
            ask_as_before(lately_[l], fresh, reference, odds, design, std::span(within).subspan(l * kAsBefore.size()));
        const double fades = std::exp(-dt / kLately[l]);
        for (std::size_t c = 0; c < model_.cells().size(); ++c) lately_[l][c] = fades * lately_[l][c] + reference[c];
    }
    return as_before_.predict(calm, within, dt);
}

/// `lately`: the requests of the control group.
void LatencyTest::ask_as_before(const Cells& lately, const Cells& fresh, const Cells& reference, double odds,
                                double design, std::span<double> out) const {
    const double requests = std::accumulate(lately.begin(), lately.end(), kLatelyPrior);
    std::fill_n(out.begin(), kAsBefore.size(), 0.0);
    for (std::size_t c = 0; c < model_.cells().size(); ++c) {
        const auto& cell = model_.cells()[c];
        const double times = cell.share * requests / (lately[c] + kLatelyPrior * cell.share);
        const double log_times = std::log(times), n = fresh[c], both = fresh[c] + reference[c];
        for (std::size_t k = 0; k < kAsBefore.size(); ++k) {
            const std::size_t s = kAsBefore[k];
            out[k] +=
                (n * (log_times + cell.log_ratio[s]) - both * std::log(1 + odds * times * cell.ratio[s])) / design;
        }
    }
}

/// The log predictive of a tick that is calm or within a transient, which are frequent while the group grows, or not.
double LatencyTest::transient(double calm, std::span<const double> slight, double dt) {
    const std::array<double, 2> predictive = {
        transients_.predict(calm, slight, dt),
        growing_transients_.predict(calm, slight, dt, growing_ ? kGrowing : 1),
    };
    return growth_.predict(predictive);
}

/// The benign factor wanders to its neighbours with probability `p`. A warm-up ends all at once with probability
/// `ends`, and is over when hardly anything is left of it.
void LatencyTest::Null::wander(std::span<const Curve> curves, double p, double ends) {
    const auto warm = row(0);
    std::erase_if(alive, [&](std::size_t c) {
        const auto known = row(c);
        double left = 0;
        if (c > 0) {
            const double over = curves[c].size < kOver ? 1 : ends;
            for (std::size_t g = 0; g < known.size(); ++g) {
                warm[g] += over * known[g];
                left += known[g] *= 1 - over;
            }
        }
        return c > 0 && left < kRuledOut;
    });
    for (const std::size_t c : alive) {
        const auto known = row(c);
        double below = known[0];
        for (std::size_t g = 0; g < known.size(); ++g) {
            const double here = known[g], above = g + 1 == known.size() ? here : known[g + 1];
            known[g] = here * (1 - p) + p / 2 * (below + above);
            below = here;
        }
    }
}

/// The benign factor of who is not cold is drawn anew with this probability: what was learned of a new group that was
/// slightly quicker at first is not what is healthy when that is over.
void LatencyTest::Null::draw_anew(double probability) {
    const auto known = row(0);
    const double drawn = probability * std::accumulate(known.begin(), known.end(), 0.0) /
                         std::accumulate(prior.begin(), prior.begin() + std::ssize(benign), 0.0);
    for (std::size_t g = 0; g < known.size(); ++g) known[g] = (1 - probability) * known[g] + drawn * prior[g];
}

void LatencyTest::step(double at, double dt, const Cells& fresh, const Cells& reference, bool counts) {
    const std::size_t cells = model_.cells().size();
    const double n = std::accumulate(fresh.begin(), fresh.begin() + static_cast<std::ptrdiff_t>(cells), 0.0);
    const double m = std::accumulate(reference.begin(), reference.begin() + static_cast<std::ptrdiff_t>(cells), 0.0);
    if (!evidence_) return;
    if (n <= 0 || (shape_.control && m <= 0)) {
        if (counts) evidence_->skip(dt);
        return;
    }
    const double age = std::max(0.0, at - warm_from_ - 0.5 * std::min(dt, shape_.interval));
    for (const std::size_t c : null_.alive) curves_[c].at(age);
    const double warm = believed_warmup();
    const double misfit = (tuning().warm_misfit + kUnseenMisfit * model_.unseen()) * warm;
    const double information = (shape_.control ? n * m / (n + m) : n) * model_.information();
    const double variance = std::clamp(jitter_.value(), 1e-5, most_jitter_) + misfit * misfit;
    const double design = 1 + information * variance;
    const double odds = shape_.control ? n / m : 0;
    if (!shape_.control) expected_ = model_.expected(at);
    prepare(fresh, reference, odds, design);
    ask_cold_tails(odds, design);
    double calm = faster(null_.ask(curves_, expected_, table_.data()), dt);
    if (shape_.control) calm = as_before(calm, fresh, reference, odds, design, dt);
    const std::span steady = std::span(llr_).first(steady_);
    const double null = blips_.predict(transient(calm, steady.first(kSlight), dt), steady, dt);
    for (std::size_t k = 0; k < flapping_.size(); ++k)
        llr_[steady_ + k] = flapping_[k].predict(llr_[steady_ + k], calm, dt);
    const double learns = blips_.calm() * transients_.calm() * faster_.calm() * as_before_.calm();
    null_.learn(learns);
    for (double& x : llr_) x -= null;
    if (counts) {
        evidence_->step(llr_, dt);
        evidence_->mark(at);
    }
    null_.wander(curves_, wander_, std::min(kMostEnds, dt / kWarmLasts));
    null_.draw_anew(std::min(kMostEnds, dt / kHolds));
    if (evidence_->value() < kQuiet && warm < kHardlyWarm && learns > 0.5) {
        const double shift = model_.shift(fresh) - (shape_.control ? model_.shift(reference) : 0);
        if (mean_weight_ > 0) {
            const double residual = shift - mean_shift_ / mean_weight_;
            jitter_.add(residual * residual, 1 / information + 1 / mean_weight_, 1);
        }
        // The mean forgets: it follows what wanders.
        mean_shift_ = 0.9 * mean_shift_ + shift * information;
        mean_weight_ = 0.9 * mean_weight_ + information;
    }
}

}  // namespace revertd::detect
