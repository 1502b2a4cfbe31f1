// SPDX-License-Identifier: Apache-2.0
// `<signal> repeat`: processes restart again and again since the deploy, and did not before. The signal is a rate of
// restarts, or a gauge that counts them (the sum of kube_pod_container_status_restarts_total).
#include <chrono>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "core/detector.h"
#include "core/words.h"
#include "detectors/evidence_words.h"
#include "detectors/restart_test.h"

namespace revertd::detectors {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
constexpr double kDefaultAlpha = 0.001;
constexpr double kShare = 0.25;    // of alpha: the tests of requests use less than half of it
constexpr double kOneCause = 15;   // seconds: several instances at once, or one that is started twice, is one restart
constexpr double kOneStart = 0.5;  // of a rate that a server has computed: less is rounding

double in_seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

/// Slots of one group become restarts.
class Counter {
  public:
    explicit Counter(Signal::Kind kind) : counted_(kind == Signal::Kind::Rate) {}

    bool restarted(const SignalRow& row, double dt) {
        since_ += dt;
        double more = 0;
        if (counted_) {
            more = row.cells.empty() ? 0 : row.cells[0];
        } else if (std::isfinite(row.value)) {
            more = gained(row.value);
        }
        kept_ = std::max(0.0, kept_ + (more > 0 ? more : 0));
        if (since_ < kOneCause) return kept_ = 0, false;
        if (kept_ < kOneStart) return false;
        kept_ = since_ = 0;
        return true;
    }

    void save(ByteWriter& out) const { out.put(last_), out.put(lost_), out.put(since_), out.put(kept_); }

    bool load(ByteReader& in) {
        return in.get_or_nan(last_) && in.get(lost_) && in.get(since_) && in.get(kept_) && lost_ >= 0 && kept_ >= 0;
    }

  private:
    /// Pods that are gone take their restarts with them; those that were not seen for a while bring them back.
    double gained(double value) {
        double more = value - std::exchange(last_, value);
        if (more < 0) lost_ -= more;
        if (lost_ > 0 && more >= lost_) more -= std::exchange(lost_, 0);
        return more;
    }

    bool counted_;
    double last_ = kUnknown;
    double lost_ = 0;           ///< of a gauge: what it fell by
    double since_ = kOneCause;  ///< seconds since the last one
    double kept_ = 0;           ///< of a rate: what has not become one yet
};

class Repeat final : public Detector {
  public:
    explicit Repeat(const DetectorSetup& setup)
        : interval_(in_seconds(setup.settings.interval)),
          baseline_(in_seconds(setup.settings.baseline)),
          alpha_(setup.rule.arguments[0] > 0 ? setup.rule.arguments[0] : kDefaultAlpha),
          own_(setup.signal.kind),
          beside_(setup.signal.kind),
          test_(in_seconds(setup.settings.bake), kShare * alpha_) {}

    Finding judge(const DetectorSlot& slot) override {
        const double dt = static_cast<double>(missed_ + 1) * interval_;
        missed_ = 0;
        const bool restarted = own_.restarted(slot.now, dt);
        std::optional<bool> beside;
        if (!slot.control.cells.empty()) beside = beside_.restarted(slot.control, dt);
        if (slot.learns) {
            test_.learn(restarted, dt);
            test_.forget(baseline_);
            return {};
        }
        if (!slot.counts) return {};
        test_.step(restarted, beside, dt);
        watched_ = true;
        Finding finding;
        finding.verdict = test_.found() ? Verdict::Breach : Verdict::Ok;
        finding.limit = 1 / alpha_;
        finding.value = kShare * test_.evidence();
        finding.clears = finding.value * alpha_ < kClear;
        return finding;
    }

    void miss(std::uint64_t slots) override { missed_ += slots; }

    void begin() override {
        test_.begin();
        missed_ = 0;
        watched_ = false;
    }

    [[nodiscard]] std::string words() const override {
        if (!watched_) return "are being watched";
        std::string out = count_words(static_cast<double>(test_.count())) + " in " + words_of(test_.seconds()) + ", " +
                          count_words(std::round(test_.before())) + " in the " + words_of(test_.seconds_before()) +
                          " before";
        if (test_.count_beside() > 0)
            out += ", " + count_words(static_cast<double>(test_.count_beside())) + " in the control group";
        if (test_.found()) out += "; odds against a healthy deploy " + detect::odds_words(kShare * test_.evidence());
        return out;
    }

    void save(ByteWriter& out) const override {
        test_.save(out);
        own_.save(out);
        beside_.save(out);
        out.put(missed_);
        out.put(watched_);
    }

    bool load(ByteReader& in) override {
        return (test_.load(in) && own_.load(in) && beside_.load(in) && in.get(missed_) && in.get(watched_)) ||
               in.fail();
    }

  private:
    static constexpr double kClear = 1;

    [[nodiscard]] static std::string words_of(double seconds) {
        return to_words(std::chrono::duration_cast<Duration>(std::chrono::seconds(std::lround(seconds))));
    }

    double interval_, baseline_, alpha_;
    Counter own_, beside_;
    detect::RestartTest test_;
    std::uint64_t missed_ = 0;  ///< slots since the last one that was seen
    bool watched_ = false;
};

std::string refuse(const Signal& signal, std::span<const double>) {
    if (signal.kind == Signal::Kind::Rate || signal.kind == Signal::Kind::Gauge) return "";
    return "only counted restarts repeat: a rate, or a gauge that counts them";
}

std::unique_ptr<Detector> make(const DetectorSetup& setup) {
    return std::make_unique<Repeat>(setup);
}

}  // namespace

extern const DetectorKind repeat;
const DetectorKind repeat{"repeat", "repeat", "processes restart again and again, and did not before the deploy",
                          refuse, make};

}  // namespace revertd::detectors
