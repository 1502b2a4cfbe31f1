// SPDX-License-Identifier: Apache-2.0
// `<signal> fills up`: a gauge that is a share of its limit grows steadily since the deploy, and would be full before
// another bake is over. What the control group's grows does not count. detectors/growth.h has the test.
#include <chrono>
#include <cmath>
#include <limits>
#include <optional>

#include "core/detector.h"
#include "core/words.h"
#include "detectors/growth.h"

namespace revertd::detectors {
namespace {

constexpr double kFull = 0.95;

double in_seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

class Fills final : public Detector {
  public:
    explicit Fills(const DetectorSetup& setup)
        : bake_(in_seconds(setup.settings.bake)), interval_(in_seconds(setup.settings.interval)) {}

    Finding judge(const DetectorSlot& slot) override {
        if (slot.learns) return {};
        ++slots_;
        if (!test_) test_.emplace(bake_, interval_);
        const double at = static_cast<double>(slots_) * interval_;
        test_->add(true, at, slot.now.value);
        if (!slot.control.cells.empty()) test_->add(false, at, slot.control.value);
        Finding finding;
        if (!slot.counts || !std::isfinite(slot.now.value)) return finding;
        now_ = slot.now.value;
        found_ = test_->still_grows(at);
        finding.verdict = found_ ? Verdict::Breach : Verdict::Ok;
        finding.value = now_, finding.limit = kFull;
        return finding;
    }

    void miss(std::uint64_t slots) override {
        if (test_) slots_ += slots;
    }

    void begin() override {
        test_.reset();
        found_.reset();
        slots_ = 0;
        now_ = std::numeric_limits<double>::quiet_NaN();
    }

    [[nodiscard]] std::string words() const override {
        const std::string at = "at " + value_words(now_, Unit::Ratio) + " of the limit";
        if (!found_) return std::isfinite(now_) ? at + ", not filling up" : "is being watched";
        return at + ", and it grows by " + value_words(found_->rise, Unit::Ratio) +
               " of it within a third of the bake: full before another bake is over";
    }

    void save(ByteWriter& out) const override {
        out.put(slots_);
        out.put(now_);
        out.put(test_.has_value());
        if (test_) test_->save(out);
    }

    bool load(ByteReader& in) override {
        bool watching = false;
        begin();
        if (!in.get(slots_) || !in.get_or_nan(now_) || !in.get(watching)) return in.fail();
        if (!watching) return slots_ == 0 || in.fail();
        test_.emplace(bake_, interval_);
        if (std::isinf(now_) || !test_->load(in)) return in.fail();
        if (std::isfinite(now_)) found_ = test_->still_grows(static_cast<double>(slots_) * interval_);
        return true;
    }

  private:
    double bake_, interval_;
    std::uint64_t slots_ = 0;  ///< of the phase
    double now_ = std::numeric_limits<double>::quiet_NaN();
    std::optional<detect::GrowthTest> test_;
    std::optional<detect::GrowthTest::Growth> found_;
};

std::string refuse(const Signal& signal, std::span<const double>) {
    if (signal.kind == Signal::Kind::Gauge) return "";
    return "only a gauge fills up, as a share of its limit between 0 and 1";
}

std::unique_ptr<Detector> make(const DetectorSetup& setup) {
    return std::make_unique<Fills>(setup);
}

}  // namespace

extern const DetectorKind fills;
const DetectorKind fills{"fills", "fills up",
                         "a share of a limit grows steadily and would be full before another bake is over", refuse,
                         make};

}  // namespace revertd::detectors
