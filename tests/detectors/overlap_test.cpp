// SPDX-License-Identifier: Apache-2.0
// A Prometheus answers with rates that look back further than a slot: each request is in several slots, and a blip of
// 20 s is in more of them than it is long. Healthy deploys pass all the same.
#include <gtest/gtest.h>

#include <cstdio>
#include <deque>
#include <random>

#include "detectors/registry.h"
#include "tests/detectors/detector_bed.h"

namespace revertd {
namespace {

constexpr Duration kInterval = 5s;

/// One service whose errors are judged by answers that look back over `window`.
class Overlapping {
  public:
    Overlapping(Duration window, std::uint64_t seed)
        : settings_(made()), judge_(settings_), window_(window), random_(seed) {
        judge_.set_phase({JudgePhase::Kind::Good, at_, at_});
    }

    /// One slot: so many requests, of which this share fails.
    void slot(double requests, double rate) {
        at_ += kInterval;
        const int all = std::poisson_distribution<int>(requests)(random_);
        slots_.push_back(
            {static_cast<double>(all), static_cast<double>(std::binomial_distribution<int>(all, rate)(random_))});
        if (slots_.size() > static_cast<std::size_t>(window_ / kInterval)) slots_.pop_front();
        PlaceCounts sum;
        for (const PlaceCounts& slot : slots_) sum += slot;
        const double length = std::chrono::duration<double>(kInterval).count() * static_cast<double>(slots_.size());
        const std::vector<QueryCell> cells{{sum.requests / length, false, 0}, {sum.bad / length, true, 0}};
        judge_.query(0, {.verdict = Verdict::Ok, .values = cells, .endpoints = {}, .span = window_, .reason = {}}, at_);
        judge_.close_slot(at_);
    }

    void deploy() {
        judge_.freeze_baseline(at_);
        judge_.set_phase({JudgePhase::Kind::Baking, at_, at_});
    }

    [[nodiscard]] RuleChange rule() const { return judge_.view().rules.at(0); }

    std::mt19937_64& random() { return random_; }

  private:
    static std::shared_ptr<const ServiceSettings> made() {
        Rule rule;
        rule.kind = Rule::Kind::Detector;
        rule.arguments = {0.001, 0, 0};
        rule.text = "errors worse than baseline";
        rule.detector = *std::ranges::find(detectors::all(), std::string_view("worse"), &DetectorKind::name);
        ServiceSettings settings = service({rule}, 0);
        settings.interval = kInterval;
        settings.baseline = 1h;
        settings.bake = 10min;
        settings.signals[0].source = Signal::Source::Prometheus;
        return std::make_shared<const ServiceSettings>(std::move(settings));
    }

    std::shared_ptr<const ServiceSettings> settings_;
    Judge judge_;
    Duration window_;
    std::mt19937_64 random_;
    std::deque<PlaceCounts> slots_;
    Time at_{1h};
};

struct Shares {
    int bad = 0;       ///< deploys that were called bad
    double ticks = 0;  ///< until then, in the mean
};

/// Deploys with a blip of up to 20 s every ten minutes; `factor` times the errors after the deploy.
Shares called_bad(Duration window, int deploys, double strength, double factor = 1, double requests = 200) {
    constexpr double kRate = 0.01;
    constexpr int kSlots = 120;
    Shares out;
    for (int i = 0; i < deploys; ++i) {
        Overlapping bed(window, static_cast<std::uint64_t>(i) + 1);
        int blip = 0;
        const auto slot = [&](double rate) {
            if (blip == 0 && std::bernoulli_distribution(1.0 / kSlots)(bed.random())) blip = 4;
            bed.slot(requests, blip > 0 ? std::min(0.9, rate * strength) : rate);
            blip = std::max(0, blip - 1);
        };
        for (int t = 0; t < 3 * kSlots; ++t) slot(kRate);
        bed.deploy();
        for (int t = 1; t <= kSlots; ++t) {
            slot(kRate * factor);
            if (bed.rule().verdict != Verdict::Breach) continue;
            ++out.bad;
            out.ticks += t;
            break;
        }
    }
    if (out.bad > 0) out.ticks /= out.bad;
    return out;
}

TEST(Overlap, a_blip_that_a_window_smears_is_no_longer_than_it_is) {
    constexpr int kDeploys = 100;
    for (const double strength : {5.0, 30.0}) {
        const int direct = called_bad(kInterval, kDeploys, strength).bad;
        for (const auto window : {20s, 60s}) {
            const int through = called_bad(window, kDeploys, strength).bad;
            std::printf("%g times for 20 s: %d through %lld s, %d direct\n", strength, through,
                        static_cast<long long>(window.count()), direct);
            EXPECT_LE(through, std::max(direct, kDeploys / 50)) << strength << " through " << window.count();
        }
    }
}

TEST(Overlap, what_is_bad_is_found_through_a_window) {
    constexpr int kDeploys = 20;
    for (const auto window : {20s, 60s})
        for (const double factor : {3.0, 20.0}) {
            const Shares found = called_bad(window, kDeploys, 1, factor);
            std::printf("%g times: %d of %d through %lld s, after %.0f slots\n", factor, found.bad, kDeploys,
                        static_cast<long long>(window.count()), found.ticks);
            EXPECT_EQ(found.bad, kDeploys);
            EXPECT_LE(found.ticks, factor > 10 ? 60 : 90);
        }
}

}  // namespace
}  // namespace revertd
