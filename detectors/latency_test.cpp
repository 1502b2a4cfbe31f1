// SPDX-License-Identifier: Apache-2.0
#include "detectors/latency_test.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

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
constexpr double kRemembered = 600;                       // seconds that evidence can be taken back for
constexpr double kHardlyWarm = 0.05;                      // of the log factor: a warm-up that is as good as over
constexpr double kSettled = 300;                          // seconds after which nobody is cold any more
constexpr double kGrowing = 20;                           // times as many transients while the share grows
constexpr double kUnseenMisfit = 0.3;  // relative error of a warm-up of what is below the lowest edge
constexpr double kQuiet = 3;           // evidence below which the jitter is learned

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
    healthy_ = HealthyLatency(shape, model_);
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

void LatencyTest::restart(double since) {
    if (!evidence_) return;
    healthy_.restart();
    evidence_->back_to(since);
    warm_from_ = since;
}

void LatencyTest::restart_beside(double since) {
    if (!evidence_) return;
    // The new group may still be cold as well.
    if (since - warm_from_ < kSettled || healthy_.warmth() > kHardlyWarm) return restart(since);
    healthy_.restart_beside();
    warm_from_ = since;
}

void LatencyTest::restarted(double at) {
    if (!evidence_) return;
    healthy_.restart_some();
    warm_from_ = at;
}

void LatencyTest::skip(double at, double dt) {
    if (!evidence_) return;
    evidence_->skip(dt);
    evidence_->mark(at);
}

void LatencyTest::forget(double since) {
    if (evidence_) evidence_->back_to(since);
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
    healthy_.at(age);
    const double warm = healthy_.warmth();
    const double misfit = (tuning().warm_misfit + kUnseenMisfit * model_.unseen()) * warm;
    const double information = (shape_.control ? n * m / (n + m) : n) * model_.information();
    const double variance = std::clamp(jitter_.value(), 1e-5, most_jitter_) + misfit * misfit;
    const double design = 1 + information * variance;
    const double odds = shape_.control ? n / m : 0;
    if (!shape_.control) expected_ = model_.expected(at);
    prepare(fresh, reference, odds, design);
    healthy_.ask_cold_tails([&](std::size_t from, double times) { return more_above(from, times, odds) / design; });
    double calm = faster(healthy_.ask(expected_, table_.data()), dt);
    if (shape_.control) calm = as_before(calm, fresh, reference, odds, design, dt);
    const std::span steady = std::span(llr_).first(steady_);
    const double null = blips_.predict(transient(calm, steady.first(kSlight), dt), steady, dt);
    for (std::size_t k = 0; k < flapping_.size(); ++k)
        llr_[steady_ + k] = flapping_[k].predict(llr_[steady_ + k], calm, dt);
    const double learns = blips_.calm() * transients_.calm() * faster_.calm() * as_before_.calm();
    healthy_.learn(learns);
    for (double& x : llr_) x -= null;
    if (counts) {
        evidence_->step(llr_, dt);
        evidence_->mark(at);
    }
    healthy_.pass(dt);
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
