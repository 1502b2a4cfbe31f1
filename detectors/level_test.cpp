// SPDX-License-Identifier: Apache-2.0
#include "detectors/level_test.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "detectors/ratio_comparison.h"
#include "detectors/statistics.h"
#include "detectors/tuning.h"

namespace revertd::detect {
namespace {

constexpr std::array kShifts = {3.5, 5.0, 8.0, 14.0, 30.0};  // in healthy standard deviations
constexpr double kHealthy = 0.05;                            // relative: hosts differ
constexpr double kDegrees = 4;                               // of Student's t
constexpr double kNormalMad = 1.4826;  // standard deviation of a normal one / its median deviation
constexpr double kMostPersistence = 0.95;
constexpr double kBlockSeconds = 300, kRecentSeconds = 40;
constexpr double kDriftSeconds = 3600;
constexpr double kLeastNoise = 0.002;
constexpr double kBlipSigmas = 4;  // beyond them a value before the deploy was one of a blip
// How long the next one is, up to the longest, is up to it: were most taken to be shorter, those of 20 s every ten
// minutes would be found in a quarter of the bakes with ticks of 5 s, at alpha 0.05.
constexpr BlipCourse kBlipCourse = {.keeps = 0.9, .any_length = true, .under_way = true};
// Of healthy shifts, in their standard deviations. A hair above a fifth: they are 15 on either side, and rounding does
// not make them 16 for one service and 15 for the next.
constexpr double kLeastStep = 0.2 * (1 + 1e-9);

double median(std::vector<double> x) {
    if (x.empty()) return 0;
    const auto middle = x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2);
    std::nth_element(x.begin(), middle, x.end());
    return *middle;
}

double deviation(const std::vector<double>& x, double around) {
    std::vector<double> away;
    away.reserve(x.size());
    for (const double v : x) away.push_back(std::abs(v - around));
    return kNormalMad * median(std::move(away));
}

/// Of a value to the one before it.
double correlation(const std::vector<double>& x, double around, double noise) {
    double sum = 0;
    for (std::size_t i = 1; i < x.size(); ++i) {
        const auto bounded = [&](double v) { return std::clamp(v - around, -3 * noise, 3 * noise); };
        sum += bounded(x[i]) * bounded(x[i - 1]);
    }
    return std::clamp(sum / static_cast<double>(x.size()) / (noise * noise), 0.0, kMostPersistence);
}

/// How far the level moves within `most` blocks of so many ticks.
double wandered(const std::vector<double>& x, std::size_t ticks, std::size_t most) {
    std::vector<double> level;
    for (std::size_t from = 0; from + ticks <= x.size(); from += ticks)
        level.push_back(median(
            {x.begin() + static_cast<std::ptrdiff_t>(from), x.begin() + static_cast<std::ptrdiff_t>(from + ticks)}));
    double furthest = 0;
    for (std::size_t apart = 1; apart <= std::min(most, level.size() / 2); ++apart) {
        double squares = 0;
        for (std::size_t i = 0; i + apart < level.size(); ++i) squares += std::pow(level[i + apart] - level[i], 2);
        furthest = std::max(furthest, squares / static_cast<double>(level.size() - apart));
    }
    return std::sqrt(furthest);
}

}  // namespace

LevelTest::LevelTest(const DeployShape& shape, std::span<const Level> before, double looks_back)
    : limit_(1 / shape.alpha),
      evidence_(std::vector<double>(kShifts.size(), 1.0 / kShifts.size()), shape.bake, std::log(1 / shape.alpha),
                tuning().least),
      last_(static_cast<std::size_t>(std::max(3.0, std::ceil(kRecentSeconds / shape.interval))), 0.0) {
    known_ = before.size() >= kFewest;
    if (!known_) return;
    learn(shape, before, looks_back);
    blips_ = blips(shape, before, looks_back);
    const BenignRatios healthy(spread_, std::max(0.5 * noise_, kLeastStep * spread_));
    benign_ = healthy.log_ratio;
    null_ = NullMixture(healthy.log_prior, std::min(0.1, shape.interval / kDriftSeconds));
    likelihood_.resize(benign_.size());
    for (const double shift : kShifts) shifts_.push_back(shift * spread_);
    llr_.resize(shifts_.size());
}

void LevelTest::learn(const DeployShape& shape, std::span<const Level> before, double looks_back) {
    logarithm_ = std::all_of(before.begin(), before.end(), [](const Level& l) { return l.value > 0; });
    std::vector<double> own, reference;
    for (const auto& level : before) {
        own.push_back(scaled(level.value));
        if (!std::isnan(scaled(level.reference))) reference.push_back(scaled(level.reference));
    }
    middle_ = median(own);
    reference_middle_ = reference.size() >= kFewest ? median(reference) : middle_;
    const double unit = logarithm_ ? 1 : std::max(std::abs(middle_), deviation(own, middle_));
    noise_ = std::max(deviation(own, middle_), kLeastNoise * (unit > 0 ? unit : 1));
    const double correlated = correlation(own, middle_, noise_);
    // Of a moving average the sum of all correlations is the number of its values.
    persistence_ = std::max((1 + correlated) / (1 - correlated), looks_back / shape.interval);
    const auto block = static_cast<std::size_t>(std::max(1.0, kBlockSeconds / shape.interval));
    const auto most = static_cast<std::size_t>(shape.bake / kBlockSeconds) + 1;
    spread_ = std::hypot(kHealthy * unit, wandered(own, block, most), noise_ / 4);
    if (!(spread_ > 0)) spread_ = 1;
    if (shape.control) noise_ *= std::sqrt(2.0);
}

/// What came before the deploy tells how often they come.
Blips LevelTest::blips(const DeployShape& shape, std::span<const Level> before, double looks_back) const {
    const double seconds = tuning().blip + std::max(0.0, looks_back - shape.interval);
    std::vector<bool> bad;
    for (const auto& level : before) bad.push_back(scaled(level.value) > middle_ + kBlipSigmas * noise_);
    const double count = count_blips(bad, ticks_of_a_blip(seconds, shape.interval));
    const PastBlips past = {count, static_cast<double>(before.size()) * shape.interval};
    return {seconds, shape.interval, kShifts.size(), past, kBlipCourse};
}

double LevelTest::scaled(double value) const {
    if (!logarithm_) return value;
    return value > 0 ? std::log(value) : std::nan("");
}

double LevelTest::plain(double scaled_value) const {
    return logarithm_ ? std::exp(scaled_value) : scaled_value;
}

double LevelTest::likelihood(double shift) const {
    const double z = (now_ - shift) / noise_;
    return -(kDegrees + 1) / 2 * std::log1p(z * z / kDegrees) / persistence_;
}

void LevelTest::step(const Level& now, double dt) {
    if (!known_) return;
    const double value = scaled(now.value), reference = scaled(now.reference);
    if (!std::isfinite(value)) return evidence_.skip(dt);
    now_ = value - middle_ - (std::isfinite(reference) ? reference - reference_middle_ : 0);
    last_[ticks_++ % last_.size()] = now_;
    for (std::size_t i = 0; i < benign_.size(); ++i) likelihood_[i] = likelihood(benign_[i]);
    for (std::size_t k = 0; k < shifts_.size(); ++k) llr_[k] = likelihood(shifts_[k]);
    const double healthy = blips_.predict(null_.ask(likelihood_), llr_, dt);
    null_.learn(likelihood_, blips_.calm());
    for (double& x : llr_) x -= healthy;
    evidence_.step(llr_, dt);
}

bool LevelTest::worse() const {
    if (!known_ || evidence_.value() < limit_) return false;
    double sum = 0;
    for (const double shift : last_) sum += shift;
    return sum / static_cast<double>(last_.size()) > 2 * spread_;
}

double LevelTest::usual() const {
    return plain(middle_);
}

double LevelTest::recent() const {
    double sum = 0;
    const std::size_t seen = std::min(ticks_, last_.size());
    for (std::size_t i = 0; i < seen; ++i) sum += last_[i];
    return plain(middle_ + (seen > 0 ? sum / static_cast<double>(seen) : 0));
}

}  // namespace revertd::detect
