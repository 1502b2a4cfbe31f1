// SPDX-License-Identifier: Apache-2.0
// What the detectors of rules say slot by slot: gauges that stall, grow or fill up, restarts that repeat, levels that
// are worse than before, rates that fall silent; blind slots, and phases that begin.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "detectors/registry.h"
#include "tests/detectors/oracle/rows.h"

namespace revertd::detect::oracle {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

enum Step { Judges, Learns, Misses, Begins };

/// A detector as the Judge asks it, and all that it was asked.
class Asked {
  public:
    Asked(const char* detector, Signal::Kind kind, std::array<double, 3> arguments, double interval, double bake,
          double baseline)
        : name_(detector) {
        settings_.interval = in(interval), settings_.bake = in(bake), settings_.baseline = in(baseline);
        rule_.arguments = arguments;
        signal_.kind = kind;
        detector_ = (*std::ranges::find(detectors::all(), name_, &DetectorKind::name))
                        ->make({.settings = settings_, .rule = rule_, .signal = signal_});
        shape_ = {interval, bake, baseline, arguments[0], arguments[1], kind == Signal::Kind::Rate ? 1.0 : 0};
    }

    /// `now`: the value of a gauge, or what a rate has increased by; NaN as `beside`: there is no control group.
    void slot(Step step, double now, double beside, std::size_t reach = 1) {
        steps_.push_back({static_cast<double>(step), now, beside, static_cast<double>(reach)});
        const double seconds = signal_.kind == Signal::Kind::Rate ? shape_[0] : 1;
        const std::array own = {now, seconds}, other = {beside, seconds};
        DetectorSlot slot;
        slot.learns = step == Learns, slot.counts = step == Judges, slot.reach = reach;
        slot.now.cells = own, slot.now.value = now / seconds;
        if (!std::isnan(beside)) slot.control.cells = other, slot.control.value = beside / seconds;
        const Finding found = detector_->judge(slot);
        said_.push_back({static_cast<double>(found.verdict), found.value, found.limit, found.baseline,
                         found.clears ? 1.0 : 0, detector_->words().find("silent") != std::string::npos ? 1.0 : 0});
    }

    void miss(double slots) {
        steps_.push_back({Misses, slots, 0, 1});
        said_.emplace_back();
        detector_->miss(static_cast<std::uint64_t>(slots));
    }

    void begin() {
        steps_.push_back({Begins, 0, 0, 1});
        said_.emplace_back();
        detector_->begin();
    }

    void print() const { Row(name_).put("shape", shape_).put("steps", steps_).put("said", said_); }

  private:
    static Duration in(double seconds) {
        return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
    }

    const char* name_;
    ServiceSettings settings_;
    Rule rule_;
    Signal signal_;
    std::unique_ptr<Detector> detector_;
    std::vector<double> shape_;
    std::vector<std::vector<double>> steps_, said_;
};

double any(Numbers& numbers, const std::vector<double>& of) {
    return of[static_cast<std::size_t>(numbers.whole(0, static_cast<double>(of.size())))];
}

/// An offset that moves, stands still for a while, and is not seen now and then.
void stalls(Numbers& numbers) {
    const double interval = any(numbers, {1, 5, 7}), over = numbers.whole(10, 120);
    Asked asked("stalls", Signal::Kind::Gauge, {over}, interval, 900, 3600);
    double offset = 100, still = 0;
    for (int t = 0; t < 150; ++t) {
        if (still-- <= 0) ++offset, still = numbers.chance(0.1) ? numbers.whole(0, 2 * over / interval) : 0;
        if (numbers.chance(0.06)) asked.miss(numbers.whole(1, 0.4 * over / interval + 2));
        if (numbers.chance(0.005)) asked.begin();
        asked.slot(numbers.chance(0.05) ? Learns : Judges, numbers.chance(0.03) ? kNone : offset, kNone);
    }
    asked.print();
}

/// Saw teeth on a slope; of some windows a point is more than a slot.
void grows(Numbers& numbers) {
    const double interval = any(numbers, {1, 5}), over = numbers.chance(0.3) ? 482 * interval : numbers.whole(20, 200);
    Asked asked("grows", Signal::Kind::Gauge, {numbers.next(0.05, 0.3), over}, interval, 900, 3600);
    const double slope = numbers.next(-0.1, 0.4) / over, teeth = numbers.next(0, 0.1);
    for (int t = 0; t < (over > 480 ? 700 : 120); ++t) {
        if (numbers.chance(0.02)) asked.miss(numbers.whole(1, 0.4 * over / interval));
        const double value = 1 + slope * t * interval + teeth * (t % 13) / 13 - (t % 97 == 50 ? 1.5 : 0);
        asked.slot(Judges, numbers.chance(0.03) ? kNone : value, kNone);
    }
    asked.print();
}

/// A disk beside another one, which may fill up as well.
void fills(Numbers& numbers) {
    const double interval = any(numbers, {1, 5, 20}), bake = interval * numbers.whole(60, 200);
    Asked asked("fills", Signal::Kind::Gauge, {}, interval, bake, 3600);
    const double slope = numbers.next(0.2, 0.9) / bake, common = numbers.chance(0.3) ? slope * numbers.next(0, 1) : 0;
    for (int t = 0; t < 20; ++t) asked.slot(Learns, 0.2, kNone);
    asked.begin();
    for (int t = 0; t * interval < bake; ++t) {
        if (numbers.chance(0.02)) asked.miss(numbers.whole(1, 5));
        const double now = t * interval;
        asked.slot(Judges, numbers.chance(0.03) ? kNone : 0.3 + slope * now + 0.002 * (t % 5),
                   numbers.chance(0.5) ? kNone : 0.2 + common * now);
    }
    asked.print();
}

/// A sum over pods that come and go, or what a server has counted and extrapolated.
void repeats(Numbers& numbers, bool rate) {
    const double interval = any(numbers, {5, 10, 20});
    Asked asked("repeat", rate ? Signal::Kind::Rate : Signal::Kind::Gauge, {numbers.chance(0.5) ? 0.01 : 0}, interval,
                numbers.whole(300, 1800), numbers.whole(200, 2000));
    const double usual = numbers.next(0, 0.02), often = numbers.next(0, 0.3),
                 both = numbers.chance(0.3) ? often : usual;
    double own = 12, beside = 3;
    const auto more = [&](double share) { return numbers.chance(share) ? numbers.next(0.3, 1.4) : 0; };
    const auto slot = [&](Step step, double share, double other) {
        const double gained = rate ? more(share) : numbers.chance(share) ? numbers.whole(1, 4) : 0;
        const double other_gained = rate ? more(other) : numbers.chance(other) ? 1 : 0;
        own += gained, beside += other_gained;
        if (numbers.chance(0.03)) own -= std::min(own, numbers.whole(1, 6));  // a pod is gone
        if (numbers.chance(0.03)) own += numbers.whole(3, 8);                 // and others come
        const bool alone = numbers.chance(0.3);
        if (numbers.chance(0.04)) asked.miss(numbers.whole(1, 4));
        asked.slot(step,
                   rate                   ? gained
                   : numbers.chance(0.03) ? kNone
                                          : own,
                   alone  ? kNone
                   : rate ? other_gained
                          : beside);
    };
    for (int t = 0; t < 100; ++t) slot(Learns, usual, usual);
    asked.begin();
    for (int t = 0; t < 80; ++t) slot(t < 3 ? Begins : Judges, often, both);
    asked.print();
}

/// A gauge or a rate, whose server may answer with means over longer than a slot; traffic that ends.
void levels_of(Numbers& numbers, bool rate) {
    const double interval = any(numbers, {1, 5, 10});
    Asked asked("worse", rate ? Signal::Kind::Rate : Signal::Kind::Gauge, {numbers.chance(0.5) ? 0.01 : 0}, interval,
                numbers.whole(600, 1800), any(numbers, {600, 3600, 5436, 7200}));
    const auto reach = static_cast<std::size_t>(numbers.chance(0.5) ? 1 : numbers.whole(2, 15));
    const bool control = rate || numbers.chance(0.4);
    const double noise = numbers.next(0.01, 0.2), level = std::exp(numbers.next(1, rate ? 4 : 6));
    const double blip = numbers.chance(0.5) ? numbers.whole(0, 20) : 0;  // slots, before the deploy
    const double worse = numbers.chance(0.5) ? numbers.next(1.3, 6) : 1,
                 gone = numbers.chance(0.7) ? numbers.next(0.02, 0.15) : 1;
    const auto value = [&](double times) { return level * times * std::exp(noise * numbers.normal()); };
    const auto slot = [&](Step step, double times) {
        if (numbers.chance(0.01)) asked.miss(1);
        asked.slot(step, numbers.chance(0.01) ? kNone : value(times),
                   control && !numbers.chance(0.05) ? value(0.5) : kNone, reach);
    };
    for (int t = 0; t < static_cast<int>(numbers.whole(100, 300)); ++t) slot(Learns, t % 60 < blip ? 4 : 1);
    asked.begin();
    for (int t = 0; t < 100; ++t) slot(t < 2 ? Begins : Judges, t > 40 ? gone : t > 10 ? worse : 1);
    asked.print();
}

}  // namespace

void rules() {
    Numbers numbers;
    for (int i = 0; i < 40; ++i) stalls(numbers);
    for (int i = 0; i < 40; ++i) grows(numbers);
    for (int i = 0; i < 40; ++i) fills(numbers);
    for (int i = 0; i < 60; ++i) repeats(numbers, i % 2 == 0);
    for (int i = 0; i < 80; ++i) levels_of(numbers, i % 2 == 0);
}

}  // namespace revertd::detect::oracle
