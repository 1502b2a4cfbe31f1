// SPDX-License-Identifier: Apache-2.0
// `<signal> worse than baseline`: the sequential test. Ratios and quantiles are judged from their counts against the
// time before the deploy, or against the control group if there is one, as detectors/deploy_test.h describes it, after
// every slot.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <tuple>
#include <utility>

#include "core/detector.h"
#include "core/slot_grid.h"
#include "detectors/certificate.h"
#include "detectors/deploy_rows.h"
#include "detectors/deploy_test.h"
#include "detectors/evidence_words.h"
#include "detectors/power.h"
#include "detectors/worse_level.h"
#include "detectors/worse_words.h"

namespace revertd::detectors {
namespace {

constexpr double kDefaultAlpha = 0.001;
// Of alpha is used: nobody has seen all that healthy deploys do, least of all with their latencies.
constexpr double kCautionRatio = 0.6, kCautionQuantile = 0.3;
constexpr std::size_t kFewestTicks = 12;   // before the deploy
constexpr std::uint64_t kLostScrapes = 2;  // of either group, in a row, that change nothing
constexpr double kClear = 0.3;             // of the evidence that is needed: below it a breach that held ends
constexpr detect::Doubt kNone{};

class Worse final : public Detector {
  public:
    explicit Worse(const DetectorSetup& setup)
        : quantile_(setup.signal.kind == Signal::Kind::Quantile),
          compared_(setup.signal.control.has_value()),
          which_quantile_(setup.signal.quantile),
          bake_(seconds(setup.settings.bake)),
          interval_(seconds(setup.settings.interval)),
          alpha_(setup.rule.arguments[0] > 0 ? setup.rule.arguments[0] : kDefaultAlpha),
          min_requests_(static_cast<double>(setup.settings.min_requests)),
          warmup_(counts_in_warmup(setup.rule) ? 0 : seconds(setup.settings.warmup)),
          name_(setup.signal.name),
          rows_(setup) {}

    Finding judge(const DetectorSlot& slot) override {
        rows_.pass(1);
        without_group_ = 0;
        rows_.look_back(slot.reach);
        if (!slot.learns && rows_.beside() && slot.control.cells.empty()) return without_control(slot);
        without_control_ = 0;
        if (!test_ && !slot.control.cells.empty()) rows_.see_control();
        // Its first sample may come later than the group's.
        if (compared_ && !rows_.beside() && !slot.learns && !slot.counts) return {};
        if (rows_.awaits_endpoints(slot)) choose_endpoints(slot);
        if (!rows_.takes(slot.counts)) return slot.counts ? said() : Finding();
        if (!take(slot)) return {};
        if (slot.learns) {
            if (rows_.is_full()) rows_.keep_before();
            state_ = Say::Learning, other_buckets_ = false;
            return {};
        }
        if (rows_.is_full()) step(rows_.keep(slot.counts));
        return slot.counts ? said() : Finding();
    }

    void miss(std::uint64_t slots) override {
        rows_.pass(slots);
        rows_.drop_tick();
    }

    void miss_beside(const DetectorSlot& slot) override {
        if (slot.learns || ++without_group_ > kLostScrapes) return miss(1);
        rows_.pass(1);
        // A rate that is lost is lost: the next one tells nothing of it.
        if (rows_.reach() == 1) rows_.add_control_alone(slot);
    }

    void begin() override {
        rows_.begin();
        forget();
        without_control_ = without_group_ = 0;
    }

    [[nodiscard]] std::string words() const override {
        switch (state_) {
            case Say::Worse:
                return (quantile_ ? "is worse: " : "") + detect::words(*found_, rows_.beside(), endpoint_of(*found_));
            case Say::Fine:
                return fine_words();
            case Say::TooLittle:
                return other_buckets_ ? "has other buckets than before the deploy: there is nothing to compare it with"
                                      : "has too little history to be compared with";
            case Say::NoControl:
                return "cannot be compared: the control group cannot be seen";
            case Say::Learning:
                break;
        }
        return "is being learned";
    }

    [[nodiscard]] std::string limit_why() const override { return detect::doubt_words(doubt()); }

    [[nodiscard]] double excluded() const override {
        return certificate_ && state_ == Say::Fine ? certificate_->upper(alpha_)
                                                   : std::numeric_limits<double>::infinity();
    }

    [[nodiscard]] std::string excluded_words() const override {
        return detect::excluded_words(excluded(), compared_name(), alpha_);
    }

    [[nodiscard]] std::unique_ptr<PowerStudy> power() const override {
        if (!has_history() || !knows_power()) return nullptr;
        detect::PowerTicks before;
        before.latency = quantile_;
        before.shape = shape();
        before.from = warmup_;
        if (rows_.beside()) std::tie(before.fresh_share, before.control_share) = rows_.shares();
        rows_.before().each([&](const Row& row) {
            const auto tick = rows_.usual_of(row);
            before.at.push_back(tick.at);
            before.all.push_back(tick.all);
            if (quantile_) before.buckets.emplace_back(tick.buckets.begin(), tick.buckets.end());
        });
        return detect::power_study(std::move(before), compared_name());
    }

    [[nodiscard]] bool knows_power() const override {
        return !rows_.beside() || !has_history() || rows_.shares().first > 0;
    }

    void save(ByteWriter& out) const override { rows_.save(out); }

    bool load(ByteReader& in) override {
        if (!rows_.load(in)) return false;
        forget();
        rows_.since().each([&](const Row& row) { step(row); });
        return true;
    }

  private:
    enum class Say { Learning, TooLittle, NoControl, Fine, Worse };
    using Row = detect::DeployRows::Row;

    void forget();
    bool take(const DetectorSlot& slot);
    void choose_endpoints(const DetectorSlot& slot);
    void open();
    void step(const Row& row);
    Finding said() const;
    Finding without_control(const DetectorSlot& slot);
    [[nodiscard]] std::string fine_words() const;
    [[nodiscard]] std::string endpoint_of(const detect::Finding& finding) const;
    [[nodiscard]] detect::DeployShape shape() const;

    [[nodiscard]] bool has_history() const {
        return rows_.before().size() >= kFewestTicks && rows_.usual_requests() >= min_requests_;
    }

    [[nodiscard]] double caution() const { return quantile_ ? kCautionQuantile : kCautionRatio; }

    [[nodiscard]] detect::Doubt doubt() const { return found_ ? found_->doubt : test_ ? test_->withheld() : kNone; }

    /// What it is compared with.
    [[nodiscard]] std::string compared_name() const { return rows_.beside() ? name_ + " of the control group" : name_; }

    bool quantile_, compared_;  // compared: with a control group
    double which_quantile_, bake_, interval_, alpha_, min_requests_, warmup_;
    std::string name_;
    detect::DeployRows rows_;
    std::uint64_t without_control_ = 0, without_group_ = 0;  // slots in a row
    bool other_buckets_ = false;                             // than those that were learned
    std::optional<detect::DeployTest> test_;
    std::optional<detect::Certificate> certificate_;
    std::optional<detect::Finding> found_;
    Say state_ = Say::Learning;
};

void Worse::forget() {
    test_.reset(), certificate_.reset(), found_.reset();
    state_ = Say::Learning;
}

/// Adds a slot to the tick. False: it cannot be compared with what is known.
bool Worse::take(const DetectorSlot& slot) {
    const bool knew = rows_.before().size() > 0;
    if (rows_.drops_others(slot)) {
        if (!slot.learns && knew) other_buckets_ = true;
        test_.reset();
        certificate_.reset();
    }
    return rows_.add(slot);
}

/// The test is made anew with them.
void Worse::choose_endpoints(const DetectorSlot& slot) {
    if (!rows_.choose_endpoints(slot)) return;
    if (rows_.since().size() > 0) test_.reset();
    rows_.since().each([&](const Row& row) { step(row); });
}

detect::DeployShape Worse::shape() const {
    detect::DeployShape shape;
    shape.bake = bake_;
    shape.interval = interval_ * static_cast<double>(rows_.tick_slots());
    shape.control = rows_.beside();
    shape.alpha = caution() * alpha_;
    if (quantile_ && !rows_.bounds().empty()) {
        shape.edges.assign(rows_.bounds().begin(), rows_.bounds().end() - 1);
        shape.unit = " s";
        shape.quantile = which_quantile_;
    }
    return shape;
}

void Worse::open() {
    detect::DeployShape of = shape();
    of.parts = rows_.endpoints().size();
    test_.emplace(of);
    std::span<const detect::Events> endpoints = rows_.endpoints().before();  // all of them with the first tick
    detect::History learned(rows_.bounds().size(), 0);
    rows_.before().each([&](const Row& row) {
        auto tick = rows_.usual_of(row);
        learned.add(tick);
        tick.parts = std::exchange(endpoints, {});
        test_->before(tick);
    });
    test_->begin();
    certificate_.emplace(quantile_ ? detect::Certificate::Of::Latency : detect::Certificate::Of::Errors, of, learned);
    state_ = has_history() ? Say::Fine : Say::TooLittle;
}

void Worse::step(const Row& row) {
    if (!test_) open();
    if (state_ == Say::TooLittle) return;
    auto fresh = rows_.fresh_of(row);
    auto control = rows_.beside() ? rows_.control_of(row) : detect::GroupTick{};
    rows_.read_endpoints(row, fresh, control);
    const auto* beside = rows_.beside() ? &control : nullptr;
    if (!row.counts) return test_->watch(fresh, beside);
    found_ = test_->tick(fresh, beside);
    if (found_) found_->evidence *= caution();
    certificate_->tick(fresh, beside);
    state_ = found_ ? Say::Worse : Say::Fine;
}

/// What only one of the groups has shown says nothing about both. A lost scrape of the control group is told by its
/// next one: the tick waits for it. After more of them what was seen is dropped.
Finding Worse::without_control(const DetectorSlot& slot) {
    if (++without_control_ <= kLostScrapes) {
        if (rows_.reach() == 1) (void)take(slot);
        return said();
    }
    rows_.drop_tick();
    Finding unseen;
    if (state_ != Say::TooLittle) state_ = Say::NoControl;
    if (state_ == Say::NoControl && slot.counts) unseen.verdict = Verdict::NoData;  // not too few: not seen
    return unseen;
}

/// What was seen since its warm-up, and what it was compared with.
std::string Worse::fine_words() const {
    detect::Events now, reference;
    rows_.since().each([&](const Row& row) {
        if (!row.counts) return;
        now += rows_.fresh_of(row).all;
        if (rows_.beside()) reference += rows_.control_of(row).all;
    });
    if (!rows_.beside()) rows_.before().each([&](const Row& row) { reference += rows_.fresh_of(row).all; });
    std::string out = detect::fine_words(now, reference, rows_.beside(), !quantile_);
    for (const std::string& more : {limit_why(), excluded_words()}) out += (more.empty() ? "" : "; ") + more;
    return out;
}

std::string Worse::endpoint_of(const detect::Finding& finding) const {
    return finding.part < rows_.endpoints().size() ? rows_.endpoints().name(finding.part) : std::string();
}

Finding Worse::said() const {
    Finding finding;
    if (!test_ || (state_ != Say::Fine && state_ != Say::Worse)) return finding;
    finding.verdict = found_ ? Verdict::Breach : Verdict::Ok;
    finding.limit = doubt().times / alpha_;
    finding.value = found_ ? std::max(found_->evidence, finding.limit) : caution() * test_->evidence();
    finding.clears = finding.value < kClear / alpha_;
    return finding;
}

std::unique_ptr<Detector> make(const DetectorSetup& setup) {
    const auto kind = setup.signal.kind;
    if (kind != Signal::Kind::Ratio && kind != Signal::Kind::Quantile) return make_worse_level(setup);
    return std::make_unique<Worse>(setup);
}

}  // namespace

extern const DetectorKind worse;
const DetectorKind worse{"worse", "worse than baseline", "a sequential test finds it worse than before the deploy",
                         [](const Signal&, std::span<const double>) { return std::string(); }, make};

}  // namespace revertd::detectors
