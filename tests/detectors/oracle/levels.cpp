// SPDX-License-Identifier: Apache-2.0
// Gauges and rates of many made-up services, the shares of their traffic, restarts, and evidence
// as such.
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "detectors/growth.h"
#include "detectors/level_test.h"
#include "detectors/restart_test.h"
#include "detectors/share_watch.h"
#include "tests/detectors/oracle/rows.h"

namespace revertd::detect::oracle {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// A number that wanders, with noise that lasts and leaps.
class Gauge {
  public:
    Gauge(Numbers& numbers, bool negative)
        : numbers_(numbers),
          middle_(negative ? numbers.next(-2, 3) : std::exp(numbers.next(-3, 9))),
          noise_(numbers.next(0.005, 0.3)),
          lasts_(numbers.next(0, 0.9)),
          negative_(negative) {}

    double next(double shift) {
        wandered_ += 0.1 * noise_ * numbers_.normal();
        last_ = lasts_ * last_ + noise_ * numbers_.normal() * (numbers_.chance(0.03) ? 8 : 1);
        const double away = wandered_ + last_ + shift;
        return negative_ ? middle_ + away : middle_ * std::exp(away);
    }

  private:
    Numbers& numbers_;
    double middle_, noise_, lasts_, wandered_ = 0, last_ = 0;
    bool negative_;
};

void gauge(Numbers& numbers, int kind) {
    DeployShape shape;
    shape.interval = std::vector<double>{5, 10, 30, 60}[static_cast<std::size_t>(numbers.whole(0, 4))];
    shape.bake = numbers.whole(300, 3600);
    shape.control = kind % 2 == 1;
    Gauge own(numbers, kind % 5 == 2), beside(numbers, kind % 5 == 2);
    std::vector<Level> before;
    std::vector<std::vector<double>> learned, ticks, said;
    const auto reference = [&](double shift) {
        return shape.control && !numbers.chance(0.1) ? beside.next(shift) : kNone;
    };
    for (int t = static_cast<int>(numbers.whole(LevelTest::kFewest, 240)); t > 0; --t) {
        before.push_back({kind % 7 == 3 ? 4.0 : own.next(0), reference(0)});
        learned.push_back({before.back().value, before.back().reference});
    }
    LevelTest test(shape, before);
    const double shift = numbers.chance(0.6) ? numbers.next(0.2, 2.5) : 0, common = numbers.chance(0.2) ? 0.5 : 0;
    for (int t = 0; t < 40; ++t) {
        const double dt = t % 11 == 6 ? 2 * shape.interval : shape.interval;
        const Level now{numbers.chance(0.05) ? kNone : own.next(common + (t > 6 ? shift : 0)), reference(common)};
        test.step(now, dt);
        ticks.push_back({dt, now.value, now.reference});
        said.push_back({test.evidence(), test.worse() ? 1.0 : 0, test.usual(), test.recent()});
    }
    Row("gauge").put(shape).put("before", learned).put("ticks", ticks).put("said", said);
}

/// The share of the traffic of one group: steady, noisy, and larger in steps.
void share(Numbers& numbers) {
    ShareWatch watch;
    const double dt = std::vector<double>{5, 10, 30}[static_cast<std::size_t>(numbers.whole(0, 3))];
    const double requests = std::exp(numbers.next(2, numbers.chance(0.3) ? 13 : 7)), noise = numbers.next(0, 0.15);
    double now = numbers.next(0.02, 0.5), steady = numbers.chance(0.3) ? numbers.next(1, 1.02) : 1;
    std::vector<std::vector<double>> ticks, said;
    for (int t = 1; t <= 80; ++t) {
        if (numbers.chance(0.05)) now *= numbers.next(1.1, 2);
        if (numbers.chance(0.03)) now /= 2;
        now *= steady;
        const double all = std::floor(requests * numbers.next(0.8, 1.2));
        const double wanted = std::min(0.95, now * std::exp(noise * numbers.normal()));
        const double fresh = all * wanted < 500 ? numbers.hits(all, wanted) : std::floor(all * wanted);
        const auto since = watch.add(dt * t, dt, fresh, all - fresh);
        ticks.push_back({dt * t, dt, fresh, all - fresh});
        said.push_back({since.value_or(kNone), watch.suspicious() ? 1.0 : 0, watch.grows() ? 1.0 : 0});
    }
    Row("share").put("ticks", ticks).put("said", said);
}

/// A share of a limit that grows, is emptied, or grows in the control group as well; asked at every tick.
void fill(Numbers& numbers) {
    const double bake = numbers.whole(300, 3000), dt = bake / std::exp(numbers.next(2.7, 6));
    GrowthTest test(bake, dt);
    const double slope = numbers.next(0.1, 1.2), common = numbers.chance(0.3) ? numbers.next(0, 0.5) : 0;
    const double stops = numbers.next(0.4, 1.6), noise = numbers.next(0, 0.03), from = numbers.next(0.05, 0.6);
    std::vector<std::vector<double>> ticks, said;
    for (double at = dt; at < 1.1 * bake; at += dt) {
        const double own = from + slope * std::min(at / bake, stops) + noise * numbers.normal();
        const double other = numbers.chance(0.1) ? kNone : from + common * at / bake + noise * numbers.normal();
        test.add(true, at, own);
        test.add(false, at, other);
        const auto now = test.grows(at), still = test.still_grows(at);
        ticks.push_back({at, own, other});
        said.push_back({now ? now->now : kNone, now ? now->rise : kNone, still ? 1.0 : 0});
    }
    Row("fill").put("bake", bake).put("ticks", ticks).put("said", said);
}

/// Restarts before a deploy, half of it forgotten, and after it; some have a control group in some of their slots.
void restarts(Numbers& numbers, int kind) {
    const double bake = numbers.whole(200, 3600);
    RestartTest test(bake, 0.001);
    const double usual = kind % 4 == 0 ? 0 : numbers.next(0.001, 0.02), often = numbers.next(0, 0.2);
    const double forgets = numbers.next(300, 3000);
    std::vector<std::vector<double>> before, ticks;
    std::vector<double> evidence;
    for (int t = static_cast<int>(numbers.whole(0, 200)); t > 0; --t) {
        before.push_back({numbers.chance(usual) ? 1.0 : 0, numbers.next(1, 30)});
        test.learn(before.back()[0] > 0, before.back()[1]);
        test.forget(forgets);
    }
    test.begin();
    for (int t = 0; t < 60; ++t) {
        const bool own = numbers.chance(often), beside = numbers.chance(kind % 3 == 1 ? often : usual);
        const bool control = kind % 2 == 1 && !numbers.chance(0.1);
        const double dt = numbers.next(1, 40);
        test.step(own, control ? std::optional(beside) : std::nullopt, dt);
        ticks.push_back({own ? 1.0 : 0, control ? (beside ? 1.0 : 0) : kNone, dt});
        evidence.push_back(test.evidence());
    }
    Row("restarts")
        .put("bake", bake)
        .put("forgets", forgets)
        .put("before", before)
        .put("ticks", ticks)
        .put("evidence", evidence);
}

/// Evidence of three alternatives that is taken back now and then, further than is remembered, too.
void onsets(Numbers& numbers, int kind) {
    const std::vector<double> weights = {0.5, 0.3, 0.2}, factors = {0.1, 1, numbers.next(0.1, 1)};
    const double bake = numbers.whole(100, 900), limit = numbers.next(2, 12), least = numbers.next(2, 30);
    const auto remembered = static_cast<std::size_t>(numbers.whole(1, 20));
    OnsetMixture mixture(weights, bake, limit, least);
    mixture.remember(remembered);
    if (kind % 2 == 0) mixture.reweigh(factors);
    std::vector<std::vector<double>> ticks;
    double at = 0;
    for (int t = 0; t < 50; ++t) {
        const double dt = numbers.next(1, 30), since = numbers.chance(0.2) ? at - numbers.next(0, 300) : kNone;
        if (!std::isnan(since)) mixture.back_to(since);
        std::vector<double> llr = {numbers.next(-2, 2.2), numbers.next(-5, 5), numbers.next(-1, 1)};
        at += dt;
        const bool skips = numbers.chance(0.1);
        if (skips)
            mixture.skip(dt);
        else
            mixture.step(llr, dt);
        mixture.mark(at);
        ticks.push_back({at, dt, since, skips ? 1.0 : 0, mixture.value(), static_cast<double>(mixture.strongest())});
        ticks.back().insert(ticks.back().end(), llr.begin(), llr.end());
    }
    Row row("onsets");
    row.put("weights", weights)
        .put("factors", kind % 2 == 0 ? factors : std::vector<double>{1, 1, 1})
        .put("bake", bake);
    row.put("limit", limit).put("least", least).put("remembered", static_cast<double>(remembered)).put("ticks", ticks);
}

}  // namespace

void levels() {
    Numbers numbers;
    for (int i = 0; i < 200; ++i) gauge(numbers, i);
    for (int i = 0; i < 200; ++i) share(numbers);
    for (int i = 0; i < 60; ++i) fill(numbers);
    for (int i = 0; i < 120; ++i) restarts(numbers, i);
    for (int i = 0; i < 60; ++i) onsets(numbers, i);
}

}  // namespace revertd::detect::oracle
