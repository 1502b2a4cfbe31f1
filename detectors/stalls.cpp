// SPDX-License-Identifier: Apache-2.0
// `<signal> stalls over 5m`: a gauge that always moves while work is done (an offset, the time of the last job) has
// shown one and the same value for so long. Finds the consumer that is up, answers its health check and does nothing.
#include <cmath>
#include <limits>

#include "core/detector.h"
#include "core/slot_grid.h"
#include "core/words.h"

namespace revertd::detectors {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

class Stalls final : public Detector {
  public:
    explicit Stalls(const DetectorSetup& setup)
        : over_(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(setup.rule.arguments[0]))),
          unit_(setup.signal.unit),
          // n intervals have n + 1 ends
          slots_(std::max<std::uint64_t>(slots_in(over_, setup.settings.interval), 1) + 1) {}

    Finding judge(const DetectorSlot& slot) override {
        if (!slot.counts || !std::isfinite(slot.now.value)) return {};
        moved_ = moved_ || (std::isfinite(value_) && slot.now.value != value_);
        if (slot.now.value != value_) value_ = slot.now.value, still_ = blind_ = 0;
        if (still_ < slots_) ++still_;
        Finding finding;
        finding.value = value_;
        if (still_ >= slots_)
            finding.verdict = Verdict::Breach;
        else if (moved_)
            finding.verdict = Verdict::Ok;
        return finding;
    }

    /// It may have moved and come back unseen: after a fifth of its time (S22's share) the count begins again.
    void miss(std::uint64_t slots) override {
        blind_ = std::min(blind_ + std::min(slots, slots_), slots_);
        if (5 * blind_ > slots_) begin();
    }

    void begin() override {
        value_ = kUnknown;
        still_ = blind_ = 0;
        moved_ = false;
    }

    [[nodiscard]] std::string words() const override {
        if (still_ >= slots_) return "has stood at " + value_words(value_, unit_) + " for " + to_words(over_);
        return moved_ ? "moves" : "has not been watched for " + to_words(over_) + " yet";
    }

    void save(ByteWriter& out) const override {
        out.put(value_);
        for (const std::uint64_t number : {still_, blind_, std::uint64_t{moved_}}) out.put(number);
    }

    bool load(ByteReader& in) override {
        std::uint64_t moved = 0;
        if (!in.get_or_nan(value_) || !in.get(still_) || !in.get(blind_) || !in.get(moved)) return in.fail();
        moved_ = moved == 1;
        const bool seen = std::isfinite(value_);
        const bool possible = !std::isinf(value_) && still_ <= slots_ && 5 * blind_ <= slots_ && moved <= 1;
        return (possible && seen == (still_ > 0) && (seen || !moved_)) || in.fail();
    }

  private:
    Duration over_;
    Unit unit_;
    std::uint64_t slots_;
    double value_ = kUnknown;
    std::uint64_t still_ = 0;  ///< slots seen with this value, at most `slots_`
    std::uint64_t blind_ = 0;  ///< slots not seen since it has this value
    bool moved_ = false;
};

std::string refuse(const Signal& signal, std::span<const double> arguments) {
    if (signal.kind != Signal::Kind::Gauge)
        return "only the value of a gauge stalls; for a rate write `" + signal.name + " <= 0 for 5m`";
    return arguments[0] > 0 ? "" : "it stalls over more than 0s";
}

std::unique_ptr<Detector> make(const DetectorSetup& setup) {
    return std::make_unique<Stalls>(setup);
}

}  // namespace

extern const DetectorKind stalls;
const DetectorKind stalls{"stalls", "stalls over DURATION",
                          "the gauge has had one and the same value for this long: no work is done", refuse, make};

}  // namespace revertd::detectors
