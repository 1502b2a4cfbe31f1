// SPDX-License-Identifier: Apache-2.0
// `<gauge> worse than baseline` of a query that looks back further than a slot (`avg_over_time(x[1m])`): each of its
// answers is made of the same values as the one before. A healthy deploy passes all the same.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <numeric>
#include <random>

#include "detectors/registry.h"
#include "tests/detectors/detector_bed.h"

namespace revertd {
namespace {

constexpr Duration kInterval = 5s;
constexpr int kBefore = 720, kBake = 180;

/// How a gauge around 100 behaves.
struct Noise {
    const char* name;
    double sd = 0.1;
    double stays = 0;    ///< from slot to slot
    double degrees = 0;  ///< of Student's t; 0: normal
    double blips = 0;    ///< in a slot, of 20 s, twice the value
};

/// One service whose gauge is judged by answers that are means over `window`.
class Averaged {
  public:
    Averaged(Duration window, const Noise& noise, std::uint64_t seed)
        : noise_(noise), settings_(made()), judge_(settings_), window_(window), random_(seed) {
        judge_.set_phase({JudgePhase::Kind::Good, at_, at_});
    }

    void slot(double factor) {
        at_ += kInterval;
        values_.push_back(factor * value());
        if (values_.size() > static_cast<std::size_t>(window_ / kInterval)) values_.pop_front();
        const double sum = std::accumulate(values_.begin(), values_.end(), 0.0);
        const std::vector<QueryCell> cells{{sum / static_cast<double>(values_.size()), false, 0}};
        judge_.query(0, {.verdict = Verdict::Ok, .values = cells, .endpoints = {}, .span = window_, .reason = {}}, at_);
        judge_.close_slot(at_);
    }

    void deploy() {
        judge_.freeze_baseline(at_);
        judge_.set_phase({JudgePhase::Kind::Baking, at_, at_});
    }

    [[nodiscard]] Verdict verdict() const { return judge_.view().rules.at(0).verdict; }

    [[nodiscard]] double healthy_factor() { return std::exp(0.03 * std::normal_distribution<>()(random_)); }

  private:
    double value() {
        const double fresh = noise_.degrees > 0 ? std::student_t_distribution<>(noise_.degrees)(random_)
                                                : std::normal_distribution<>()(random_);
        state_ = noise_.stays * state_ + std::sqrt(1 - noise_.stays * noise_.stays) * fresh;
        if (rest_ > 0) --rest_;
        if (blip_ == 0 && rest_ == 0 && std::bernoulli_distribution(noise_.blips)(random_)) blip_ = 4, rest_ = 28;
        const double more = blip_ > 0 ? 2 : 1;
        blip_ = std::max(0, blip_ - 1);
        return 100 * more * std::exp(noise_.sd * state_);
    }

    static std::shared_ptr<const ServiceSettings> made() {
        Rule rule;
        rule.kind = Rule::Kind::Detector;
        rule.arguments = {0.001, 0, 0};
        rule.text = "queue worse than baseline";
        rule.detector = *std::ranges::find(detectors::all(), std::string_view("worse"), &DetectorKind::name);
        ServiceSettings settings = service({rule}, 0);
        settings.interval = kInterval;
        settings.baseline = 1h;
        settings.bake = kInterval * kBake;
        settings.signals = {signal_of(Signal::Kind::Gauge, "queue")};
        settings.signals[0].source = Signal::Source::Prometheus;
        return std::make_shared<const ServiceSettings>(std::move(settings));
    }

    const Noise& noise_;
    std::shared_ptr<const ServiceSettings> settings_;
    Judge judge_;
    Duration window_;
    std::mt19937_64 random_;
    std::deque<double> values_;
    double state_ = 0;
    int blip_ = 0, rest_ = 0;
    Time at_{1h};
};

struct Shares {
    int bad = 0;       ///< deploys that were called bad
    double slots = 0;  ///< until then, in the mean
};

Shares called_bad(Duration window, const Noise& noise, int deploys, double factor = 1) {
    Shares out;
    for (int i = 0; i < deploys; ++i) {
        Averaged bed(window, noise, static_cast<std::uint64_t>(i) + 1);
        for (int t = 0; t < kBefore; ++t) bed.slot(1);
        bed.deploy();
        const double healthy = bed.healthy_factor();
        for (int t = 1; t <= kBake; ++t) {
            bed.slot(healthy * factor);
            if (bed.verdict() != Verdict::Breach) continue;
            ++out.bad;
            out.slots += t;
            break;
        }
    }
    if (out.bad > 0) out.slots /= out.bad;
    return out;
}

constexpr std::array kNoises = {
    Noise{"normal"},
    Noise{.name = "large", .sd = 0.4},
    Noise{.name = "persistent", .sd = 0.2, .stays = 0.8},
    Noise{.name = "heavy tail", .sd = 0.1, .degrees = 2.5},
    Noise{.name = "blips", .sd = 0.05, .blips = 1.0 / 120},
};

/// How many, for a figure: REVERTD_DEPLOYS=5000 detectors_test --gtest_filter='LevelOverlap*'
int deploys(const Noise& noise) {
    const int least = noise.degrees > 0 ? 1000 : 200;
    const char* wanted = std::getenv("REVERTD_DEPLOYS");
    return wanted == nullptr ? least : std::max(least, std::atoi(wanted));
}

TEST(LevelOverlap, a_noisy_gauge_is_healthy_through_any_window) {
    for (const Noise& noise : kNoises)
        for (const auto window : {15s, 60s, 300s}) {
            const int bad = called_bad(window, noise, deploys(noise)).bad;
            std::printf("%-10s through %3llds: %d of %d\n", noise.name, static_cast<long long>(window.count()), bad,
                        deploys(noise));
            // One value far out is in every mean of five minutes: alpha is 0.1 %, this is what it comes to.
            EXPECT_LE(bad, deploys(noise) * 4 / 1000) << noise.name << " through " << window.count();
        }
}

TEST(LevelOverlap, what_is_higher_is_found_through_any_window) {
    for (const auto window : {15s, 60s, 300s}) {
        const Shares found = called_bad(window, kNoises[0], 20, 1.8);
        EXPECT_EQ(found.bad, 20) << window.count();
        EXPECT_LE(found.slots, 15 + 2.5 * static_cast<double>(window / kInterval)) << window.count();
    }
}

}  // namespace
}  // namespace revertd
