// SPDX-License-Identifier: Apache-2.0
#include "detectors/worse_level.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "core/words.h"
#include "detectors/evidence_words.h"
#include "detectors/level_test.h"

namespace revertd::detectors {
namespace {

using detect::Level;

constexpr double kDefaultAlpha = 0.001;
constexpr double kShortestTick = 5;                   // seconds
constexpr std::size_t kMostReach = 100'000;           // slots
constexpr std::size_t kMostRows = 720;                // of the time before, and of the bake as it is kept for a restart
constexpr double kClear = 1;                          // evidence at which a breach that held ends
constexpr double kSilent = 0.1, kSilentSeconds = 30;  // of what is expected; for so long

double in_seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

class WorseLevel final : public Detector {
  public:
    explicit WorseLevel(const DetectorSetup& setup)
        : rate_(setup.signal.kind == Signal::Kind::Rate),
          unit_(setup.signal.unit),
          interval_(in_seconds(setup.settings.interval)),
          bake_(in_seconds(setup.settings.bake)),
          alpha_(setup.rule.arguments[0] > 0 ? setup.rule.arguments[0] : kDefaultAlpha) {
        const double tick =
            std::max(kShortestTick, in_seconds(setup.settings.baseline) / static_cast<double>(kMostRows));
        slots_a_tick_ = std::max<std::uint32_t>(1, static_cast<std::uint32_t>(std::lround(tick / interval_)));
    }

    Finding judge(const DetectorSlot& slot) override {
        look_back(slot.reach);
        if (!take(slot)) return {};
        if (slot.learns) {
            if (full()) keep(history_);
            state_ = Say::Learning;
            return {};
        }
        if (!slot.counts) {
            clear_tick();
            return {};
        }
        if (full()) {
            keep(bake_rows_);
            step(bake_rows_.back());
        }
        return said();
    }

    void miss(std::uint64_t) override { clear_tick(); }

    void begin() override {
        bake_rows_.clear();
        clear_tick();
        test_.reset();
        silent_ = 0;
        state_ = Say::Learning;
    }

    [[nodiscard]] std::string words() const override;
    void save(ByteWriter& out) const override;
    bool load(ByteReader& in) override;

  private:
    enum class Say { Learning, TooLittle, Fine, Worse, Silent };

    void look_back(std::size_t reach);
    bool take(const DetectorSlot& slot);

    [[nodiscard]] bool full() const { return slots_ >= slots_a_tick_; }

    void clear_tick();
    void keep(std::vector<Level>& rows);
    void step(const Level& row);
    [[nodiscard]] bool silent(const Level& row);
    [[nodiscard]] double usual_share() const;
    [[nodiscard]] Finding said() const;

    bool rate_;
    Unit unit_;
    double interval_, bake_, alpha_;
    std::uint32_t slots_a_tick_ = 1, slots_ = 0;
    std::uint32_t reach_ = 1;                                                 // slots that a value looks back over
    double sum_ = 0, weight_ = 0, reference_sum_ = 0, reference_weight_ = 0;  // of the tick that is being filled
    std::vector<Level> history_, bake_rows_;
    std::optional<detect::LevelTest> test_;
    double silent_ = 0;       // seconds
    double usual_share_ = 1;  // of the control group's rate
    Say state_ = Say::Learning;
};

/// Values of another reach have another noise: what was learnt says nothing of it.
void WorseLevel::look_back(std::size_t reach) {
    const auto slots = static_cast<std::uint32_t>(std::min(reach, kMostReach));
    if (slots == reach_) return;
    reach_ = slots;
    history_.clear();
    bake_rows_.clear();
    clear_tick();
    test_.reset();
    state_ = Say::Learning;
}

/// Cells of a gauge are {sum of its values, slots}, of a rate {increase, seconds}.
bool WorseLevel::take(const DetectorSlot& slot) {
    if (slot.now.cells.size() < 2 || !std::isfinite(slot.now.cells[0])) return false;
    sum_ += slot.now.cells[0];
    weight_ += slot.now.cells[1];
    if (slot.control.cells.size() >= 2 && std::isfinite(slot.control.cells[0])) {
        reference_sum_ += slot.control.cells[0];
        reference_weight_ += slot.control.cells[1];
    }
    ++slots_;
    return true;
}

void WorseLevel::clear_tick() {
    slots_ = 0;
    sum_ = weight_ = reference_sum_ = reference_weight_ = 0;
}

void WorseLevel::keep(std::vector<Level>& rows) {
    if (rows.size() >= kMostRows) {  // the oldest row's memory becomes the newest's
        std::rotate(rows.begin(), rows.begin() + 1, rows.end());
        rows.pop_back();
    }
    rows.push_back({weight_ > 0 ? sum_ / weight_ : std::nan(""),
                    reference_weight_ > 0 ? reference_sum_ / reference_weight_ : std::nan("")});
    clear_tick();
}

void WorseLevel::step(const Level& row) {
    if (!test_) {
        detect::DeployShape shape;
        shape.bake = bake_;
        shape.interval = interval_ * slots_a_tick_;
        shape.alpha = alpha_;
        shape.control = std::isfinite(row.reference);
        test_.emplace(shape, history_, reach_ > 1 ? reach_ * interval_ : 0);
        usual_share_ = usual_share();
    }
    if (!test_->known()) {
        state_ = Say::TooLittle;
        return;
    }
    test_->step(row, interval_ * slots_a_tick_);
    state_ = silent(row) ? Say::Silent : test_->worse() ? Say::Worse : Say::Fine;
}

double WorseLevel::usual_share() const {
    double own = 0, reference = 0;
    for (const Level& level : history_) {
        if (!std::isfinite(level.reference)) continue;
        own += level.value;
        reference += level.reference;
    }
    return reference > 0 ? own / reference : 1;
}

/// Of a rate only, and only beside a control group: alone nobody can tell it from a quiet hour.
bool WorseLevel::silent(const Level& row) {
    if (!rate_ || !std::isfinite(row.reference)) return false;
    const double expected = row.reference * usual_share_;
    const bool now = expected * interval_ * slots_a_tick_ >= 10 && row.value < kSilent * expected;
    silent_ = now ? silent_ + interval_ * slots_a_tick_ : 0;
    return silent_ >= kSilentSeconds;
}

Finding WorseLevel::said() const {
    Finding finding;
    if (!test_ || state_ == Say::TooLittle || state_ == Say::Learning) return finding;
    const bool bad = state_ == Say::Worse || state_ == Say::Silent;
    finding.verdict = bad ? Verdict::Breach : Verdict::Ok;
    finding.limit = 1 / alpha_;
    finding.value = bad ? std::max(test_->evidence(), finding.limit) : test_->evidence();
    finding.clears = finding.value < kClear / alpha_;
    return finding;
}

std::string WorseLevel::words() const {
    switch (state_) {
        case Say::Worse:
            return "is " + value_words(test_->recent(), unit_) + " where " + value_words(test_->usual(), unit_) +
                   " was usual before; odds against a healthy deploy " + detect::odds_words(test_->evidence());
        case Say::Silent:
            return "has fallen silent, the control group's has not";
        case Say::Fine:
            return "no worse than before the deploy";
        case Say::TooLittle:
            return "has too little history to be compared with";
        case Say::Learning:
            break;
    }
    return "is being learned";
}

void WorseLevel::save(ByteWriter& out) const {
    out.put(reach_);
    for (const auto* rows : {&history_, &bake_rows_}) {
        out.put(static_cast<std::uint32_t>(rows->size()));
        for (const Level& row : *rows) {
            out.put(row.value);
            out.put(row.reference);
        }
    }
}

bool WorseLevel::load(ByteReader& in) {
    if (!in.get(reach_) || reach_ == 0 || reach_ > kMostReach) return in.fail();
    for (auto* rows : {&history_, &bake_rows_}) {
        std::uint32_t size = 0;
        if (!in.get(size) || size > kMostRows) return in.fail();
        rows->assign(size, {});
        for (Level& row : *rows) {
            if (!in.get_or_nan(row.value) || !in.get_or_nan(row.reference)) return false;
            if (std::isinf(row.value) || std::isinf(row.reference)) return in.fail();
        }
    }
    clear_tick();
    test_.reset();
    silent_ = 0;
    state_ = Say::Learning;
    for (const Level& row : bake_rows_) step(row);
    return true;
}

}  // namespace

std::unique_ptr<Detector> make_worse_level(const DetectorSetup& setup) {
    return std::make_unique<WorseLevel>(setup);
}

}  // namespace revertd::detectors
