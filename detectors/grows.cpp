// SPDX-License-Identifier: Apache-2.0
// `<signal> grows by 20% over 10m`: a straight line through the values of the last `over` (least squares, as PromQL's
// deriv() fits it) ends that much above its beginning. Catches a leak long before a bound does, and sees through the
// saw teeth of a garbage collector.
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/detector.h"
#include "core/slot_grid.h"
#include "core/words.h"

namespace revertd::detectors {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kMostPoints = 240;  // of a line: more make it no better, and a window may have 20,000 slots

class Grows final : public Detector {
  public:
    explicit Grows(const DetectorSetup& setup)
        : share_(setup.rule.arguments[0]),
          over_(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(setup.rule.arguments[1]))),
          unit_(setup.signal.unit) {
        const std::size_t slots = std::max<std::size_t>(slots_in(over_, setup.settings.interval), 2);
        slots_a_point_ = (slots + kMostPoints - 1) / kMostPoints;
        points_.assign((slots + slots_a_point_ - 1) / slots_a_point_, kUnknown);
    }

    Finding judge(const DetectorSlot& slot) override {
        if (!slot.counts) return {};
        add(slot.now.value);
        fit();
        Finding finding;
        finding.value = to_, finding.limit = from_ * (1 + share_), finding.baseline = from_;
        if (filled_ < points_.size() || !seen_enough() || !(from_ > 0)) return finding;
        finding.verdict = to_ > finding.limit ? Verdict::Breach : Verdict::Ok;
        finding.clears = to_ <= from_ * (1 + 0.8 * share_);  // S25
        return finding;
    }

    void miss(std::uint64_t slots) override {
        const std::uint64_t most = points_.size() * slots_a_point_;
        for (std::uint64_t i = std::min(slots, most); i > 0; --i) add(kUnknown);
    }

    void begin() override {
        std::ranges::fill(points_, kUnknown);
        filled_ = in_point_ = seen_in_point_ = 0;
        sum_ = 0;
        from_ = to_ = kUnknown;
    }

    [[nodiscard]] std::string words() const override {
        if (filled_ < points_.size()) return "has not been watched for " + to_words(over_) + " yet";
        if (!seen_enough()) return "was blind for more than a fifth of " + to_words(over_);
        if (!(from_ > 0)) return "was not above 0 at the beginning of " + to_words(over_);
        return "from " + value_words(from_, unit_) + " to " + value_words(to_, unit_) + " within " + to_words(over_) +
               ", " + value_words(to_ / from_ - 1, Unit::Ratio) + " more; limit " + value_words(share_, Unit::Ratio);
    }

    void save(ByteWriter& out) const override {
        for (const double point : points_) out.put(point);
        for (const std::size_t number : {filled_, in_point_, seen_in_point_}) out.put(std::uint64_t{number});
        out.put(sum_);
    }

    bool load(ByteReader& in) override {
        for (double& point : points_)
            if (!in.get_or_nan(point) || std::isinf(point)) return in.fail();
        for (std::size_t* number : {&filled_, &in_point_, &seen_in_point_}) {
            std::uint64_t value = 0;
            if (!in.get(value) || value > std::max(points_.size(), slots_a_point_)) return in.fail();
            *number = value;
        }
        if (filled_ > points_.size() || in_point_ >= slots_a_point_ || seen_in_point_ > in_point_) return in.fail();
        return in.get(sum_) && (std::isfinite(sum_) || in.fail());
    }

  private:
    /// Slots become points of equal length; a point is the mean of what was seen of it.
    void add(double value) {
        ++in_point_;
        if (std::isfinite(value)) ++seen_in_point_, sum_ += value;
        if (in_point_ < slots_a_point_) return;
        std::shift_left(points_.begin(), points_.end(), 1);
        points_.back() = seen_in_point_ > 0 ? sum_ / static_cast<double>(seen_in_point_) : kUnknown;
        filled_ = std::min(filled_ + 1, points_.size());
        in_point_ = seen_in_point_ = 0;
        sum_ = 0;
    }

    [[nodiscard]] std::size_t seen() const {
        return static_cast<std::size_t>(std::ranges::count_if(points_, [](double p) { return std::isfinite(p); }));
    }

    /// S22's share: at most a fifth may be blind.
    [[nodiscard]] bool seen_enough() const { return std::size_t{5} * seen() >= std::size_t{4} * points_.size(); }

    /// Least squares over the points that were seen: `from_` and `to_` are the line's ends.
    void fit() {
        double n = 0, x_sum = 0, y_sum = 0, xx = 0, xy = 0;
        for (std::size_t i = 0; i < points_.size(); ++i) {
            if (!std::isfinite(points_[i])) continue;
            const auto x = static_cast<double>(i);
            n += 1, x_sum += x, y_sum += points_[i], xx += x * x, xy += x * points_[i];
        }
        const double spread = n * xx - x_sum * x_sum;
        from_ = to_ = kUnknown;
        if (!(spread > 0)) return;
        const double slope = (n * xy - x_sum * y_sum) / spread;
        from_ = (y_sum - slope * x_sum) / n;
        to_ = from_ + slope * static_cast<double>(points_.size() - 1);
    }

    double share_;
    Duration over_;
    Unit unit_;
    std::size_t slots_a_point_ = 1;
    std::vector<double> points_;  ///< oldest first; NaN: blind
    std::size_t filled_ = 0, in_point_ = 0, seen_in_point_ = 0;
    double sum_ = 0;
    double from_ = kUnknown, to_ = kUnknown;
};

std::string refuse(const Signal&, std::span<const double> arguments) {
    return arguments[0] > 0 ? "" : "a growth is more than 0%";
}

std::unique_ptr<Detector> make(const DetectorSetup& setup) {
    return std::make_unique<Grows>(setup);
}

}  // namespace

extern const DetectorKind grows;
const DetectorKind grows{"grows", "grows by SHARE over DURATION",
                         "a straight line through that time ends this much above its beginning: a leak", refuse, make};

}  // namespace revertd::detectors
