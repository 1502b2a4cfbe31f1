// SPDX-License-Identifier: Apache-2.0
// `<signal> worse than baseline`: the sequential test. Ratios and quantiles are judged from their counts against the
// time before the deploy, or against the control group if there is one, as detectors/deploy_test.h describes it, after
// every slot.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "core/detector.h"
#include "core/slot_grid.h"
#include "core/words.h"
#include "detectors/bucket_order.h"
#include "detectors/certificate.h"
#include "detectors/deploy_test.h"
#include "detectors/evidence_words.h"
#include "detectors/packed_rows.h"
#include "detectors/power.h"
#include "detectors/tested_endpoints.h"
#include "detectors/tick_length.h"
#include "detectors/worse_level.h"
#include "detectors/worse_words.h"

namespace revertd::detectors {
namespace {

constexpr double kDefaultAlpha = 0.001;
// Of alpha is used: nobody has seen all that healthy deploys do, least of all with their latencies.
constexpr double kCautionRatio = 0.6, kCautionQuantile = 0.3;
constexpr std::size_t kMostRows = 720;    // of the time before, and of the bake as it is kept for a restart
constexpr std::size_t kFewestTicks = 12;  // before the deploy
constexpr std::size_t kMostBounds = 256, kRatioCells = 2;
constexpr std::uint64_t kLostScrapes = 2;  // of either group, in a row, that change nothing
constexpr std::size_t kShareTicks = 6;     // from which the new group's share of the traffic is known
constexpr double kClear = 0.3;             // of the evidence that is needed: below it a breach that held ends
constexpr detect::Doubt kNone{};

class Worse final : public Detector {
  public:
    explicit Worse(const DetectorSetup& setup)
        : quantile_(setup.signal.kind == Signal::Kind::Quantile),
          compared_(setup.signal.control.has_value()),
          which_quantile_(setup.signal.quantile),
          interval_(seconds(setup.settings.interval)),
          bake_(seconds(setup.settings.bake)),
          alpha_(setup.rule.arguments[0] > 0 ? setup.rule.arguments[0] : kDefaultAlpha),
          min_requests_(static_cast<double>(setup.settings.min_requests)),
          warmup_(counts_in_warmup(setup.rule) ? 0 : seconds(setup.settings.warmup)),
          name_(setup.signal.name),
          length_(interval_, seconds(setup.settings.baseline), kMostRows) {}

    Finding judge(const DetectorSlot& slot) override {
        ++slots_;
        without_group_ = 0;
        if (length_.look_back(slot.reach)) empty_tick();
        if (!slot.learns && beside_ && slot.control.cells.empty()) return without_control(slot);
        without_control_ = 0;
        if (!test_ && !slot.control.cells.empty()) beside_ = compared_;
        // Its first sample may come later than the group's.
        if (compared_ && !beside_ && !slot.learns && !slot.counts) return {};
        if (!slot.learns && !quantile_ && !endpoints_.chosen() && knows_endpoints(slot)) choose_endpoints(slot);
        if (!length_.takes(slot.counts)) return slot.counts ? said() : Finding();
        if (!take(slot)) return {};
        if (slot.learns) {
            if (tick_slots_ >= length_.slots()) keep(history_, true);
            state_ = Say::Learning, other_buckets_ = false;
            return {};
        }
        if (tick_slots_ >= length_.slots()) {
            keep(bake_rows_, slot.counts);
            step(row_);
        }
        return slot.counts ? said() : Finding();
    }

    void miss(std::uint64_t slots) override {
        slots_ += slots;
        empty_tick();
    }

    void miss_beside(const DetectorSlot& slot) override {
        if (slot.learns || ++without_group_ > kLostScrapes) return miss(1);
        ++slots_;
        if (length_.reach() > 1) return;  // a rate that is lost is lost: the next one tells nothing of it
        take_control(slot);
        ++tick_slots_;
    }

    void begin() override {
        bake_rows_.clear();
        endpoints_.clear();
        empty_tick();
        test_.reset(), certificate_.reset(), found_.reset();
        without_control_ = without_group_ = 0, restarted_ = 0;
        beside_ = any_control(history_), started_ = slots_;
        length_.begin();
        state_ = Say::Learning;
    }

    [[nodiscard]] std::string words() const override {
        switch (state_) {
            case Say::Worse:
                return (quantile_ ? "is worse: " : "") + detect::words(*found_, beside_, endpoint_of(*found_));
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
        return detect::excluded_words(excluded(), beside_ ? name_ + " of the control group" : name_, alpha_);
    }

    [[nodiscard]] std::unique_ptr<PowerStudy> power() const override {
        if (!has_history() || !knows_power()) return nullptr;
        detect::PowerTicks before;
        before.latency = quantile_;
        before.shape = shape();
        before.from = warmup_;
        before.shape.control = beside_;
        if (beside_) std::tie(before.fresh_share, before.control_share) = shares();
        history_.each([&](const Row& row) {
            const auto tick = usual_of(row);
            before.at.push_back(tick.at);
            before.all.push_back(tick.all);
            if (quantile_) before.buckets.emplace_back(tick.buckets.begin(), tick.buckets.end());
        });
        return detect::power_study(std::move(before), beside_ ? name_ + " of the control group" : name_);
    }

    [[nodiscard]] bool knows_power() const override { return !beside_ || !has_history() || shares().first > 0; }

    void save(ByteWriter& out) const override {
        out.put(slots_);
        out.put(started_);
        length_.save(out);
        out.put(bounds_);
        endpoints_.save(out);
        history_.save(out);
        bake_rows_.save(out);
    }

    bool load(ByteReader& in) override;

  private:
    enum class Say { Learning, TooLittle, NoControl, Fine, Worse };

    /// Its cells: {requests, errors}, or the requests of each bucket; then the same of the control group.
    using Row = detect::TickRow;

    bool take(const DetectorSlot& slot);
    bool take_buckets(const DetectorSlot& slot);
    void empty_tick();
    void keep(detect::PackedRows& rows, bool counts);
    void open();
    void step(const Row& row);
    Finding said() const;
    Finding without_control(const DetectorSlot& slot);
    void take_control(const DetectorSlot& slot);
    void take_endpoints(const DetectorSlot& slot);
    void choose_endpoints(const DetectorSlot& slot);

    /// A query's answer says of each group what its endpoints did before; it may come some slots late.
    [[nodiscard]] bool knows_endpoints(const DetectorSlot& slot) const {
        return !slot.endpoints.before.empty() && (!beside_ || !slot.control_endpoints.before.empty());
    }

    [[nodiscard]] std::string fine_words() const;
    [[nodiscard]] std::string endpoint_of(const detect::Finding& finding) const;
    [[nodiscard]] detect::GroupTick group_of(const Row& row, bool control) const;

    [[nodiscard]] detect::GroupTick tick_of(const Row& row) const { return group_of(row, false); }

    [[nodiscard]] detect::GroupTick control_of(const Row& row) const { return group_of(row, true); }

    /// Before the deploy: what the test measures by. A canary may have stood idle.
    [[nodiscard]] detect::GroupTick usual_of(const Row& row) const {
        return group_of(row, beside_ && has_control(row));
    }

    [[nodiscard]] double caution() const { return quantile_ ? kCautionQuantile : kCautionRatio; }

    [[nodiscard]] detect::DeployShape shape() const;
    [[nodiscard]] bool has_history() const;
    [[nodiscard]] std::pair<double, double> shares() const;

    [[nodiscard]] detect::Doubt doubt() const { return found_ ? found_->doubt : test_ ? test_->withheld() : kNone; }

    [[nodiscard]] double slots_taken() const { return static_cast<double>(length_.reach()); }

    [[nodiscard]] std::size_t width() const { return quantile_ ? bounds_.size() : kRatioCells; }

    [[nodiscard]] std::size_t row_width() const { return (compared_ ? 2 : 1) * width(); }

    /// What a row of the bake has more.
    [[nodiscard]] std::size_t endpoint_cells() const { return (compared_ ? 2 : 1) * endpoints_.cells(); }

    [[nodiscard]] bool has_control(const Row& row) const { return compared_ && group_of(row, true).all.requests > 0; }

    [[nodiscard]] bool any_control(const detect::PackedRows& rows) const {
        bool any = false;
        rows.each([&](const Row& row) { any = any || has_control(row); });
        return any;
    }

    bool quantile_;
    bool compared_;  // with a control group: its sums are kept, too
    double which_quantile_, interval_, bake_, alpha_, min_requests_, warmup_;
    std::string name_;
    detect::TickLength length_;
    std::uint64_t slots_ = 0, started_ = 0;   // slots ever, and when the phase began
    std::vector<double> bounds_;              // ascending, the last one +Inf
    std::vector<std::size_t> order_;          // cells of the signal by their bound
    std::vector<std::size_t> control_order_;  // those of the control group; empty: it has other buckets
    std::vector<double> tick_;
    double restarted_ = 0;  // share of the instances, since the last tick
    std::uint64_t tick_slots_ = 0;
    std::uint64_t without_control_ = 0, without_group_ = 0;  // slots in a row
    Row row_;                                                // that was kept last
    detect::PackedRows history_, bake_rows_;
    detect::TestedEndpoints endpoints_;  // of this bake
    std::vector<detect::Events> endpoints_now_, endpoints_beside_;
    bool beside_ = false;         // there is a control group: it has been seen before the deploy, or since
    bool other_buckets_ = false;  // than those that were learned
    std::optional<detect::DeployTest> test_;
    std::optional<detect::Certificate> certificate_;
    std::optional<detect::Finding> found_;
    Say state_ = Say::Learning;
};

/// Adds a slot to the tick. False: it cannot be compared with what is known.
bool Worse::take(const DetectorSlot& slot) {
    restarted_ = std::min(1.0, restarted_ + slot.restarted);
    if (quantile_) return take_buckets(slot);
    if (slot.now.cells.size() < 2) return false;
    take_endpoints(slot);
    for (std::size_t i = 0; i < kRatioCells; ++i) tick_[i] += slots_taken() * slot.now.cells[i];
    take_control(slot);
    tick_slots_ += length_.reach();
    return true;
}

/// What was seen before they were known had none of them; the test is made anew with it.
void Worse::choose_endpoints(const DetectorSlot& slot) {
    endpoints_.choose(slot);
    if (endpoints_.size() == 0) return;
    tick_.resize(row_width() + endpoint_cells());
    bake_rows_.widen(row_width() + endpoint_cells());
    if (bake_rows_.size() > 0) test_.reset();
    bake_rows_.each([&](const Row& row) { step(row); });
}

void Worse::take_endpoints(const DetectorSlot& slot) {
    tick_.resize(row_width() + (slot.learns ? 0 : endpoint_cells()));
    if (slot.learns) return;
    const auto cells = std::span(tick_).subspan(row_width());
    endpoints_.add(slot.endpoints.now, slots_taken(), cells.first(endpoints_.cells()));
}

void Worse::take_control(const DetectorSlot& slot) {
    if (!compared_) return;
    const SignalRow& control = slot.control;
    tick_.resize(row_width() + (slot.learns ? 0 : endpoint_cells()));
    if (!slot.learns) {
        const auto cells = std::span(tick_).subspan(row_width());
        endpoints_.add(slot.control_endpoints.now, slots_taken(), cells.last(endpoints_.cells()));
    }
    if (!quantile_) {
        if (control.cells.size() < kRatioCells) return;
        for (std::size_t i = 0; i < kRatioCells; ++i) tick_[kRatioCells + i] += slots_taken() * control.cells[i];
        return;
    }
    const std::size_t n = bounds_.size();
    if (n == 0 || control.cells.size() < n || control.bounds.size() != n) return;
    if (!detect::orders(control_order_, control.bounds, bounds_)) control_order_ = detect::order_of(control.bounds);
    if (detect::orders(control_order_, control.bounds, bounds_))
        detect::add_buckets(control.cells, control_order_, slots_taken(), std::span(tick_).subspan(n));
}

bool Worse::take_buckets(const DetectorSlot& slot) {
    const std::size_t n = slot.bounds.size();
    if (n < 2 || n > kMostBounds || slot.now.cells.size() < n) return false;
    if (!detect::orders(order_, slot.bounds, bounds_)) {
        order_ = detect::order_of(slot.bounds);
        std::vector<double> bounds;
        for (const std::size_t i : order_) bounds.push_back(slot.bounds[i]);
        // Other edges than before: what was learned does not compare with them.
        if (bounds != bounds_) {
            if (!slot.learns && history_.size() > 0) other_buckets_ = true;
            history_.clear();
            bake_rows_.clear();
            test_.reset();
            certificate_.reset();
            empty_tick();
        }
        bounds_ = std::move(bounds);
    }
    if (!std::isinf(bounds_.back()) || bounds_.front() <= 0) return false;
    tick_.resize(row_width());
    detect::add_buckets(slot.now.cells, order_, slots_taken(), std::span(tick_).first(n));
    take_control(slot);
    tick_slots_ += length_.reach();
    return true;
}

void Worse::empty_tick() {
    std::ranges::fill(tick_, 0.0);
    tick_slots_ = 0;
}

void Worse::keep(detect::PackedRows& rows, bool counts) {
    if (rows.size() >= kMostRows) rows.drop_oldest();
    row_.end = slots_, row_.slots = tick_slots_, row_.counts = counts;
    row_.restarted =
        static_cast<std::uint64_t>(100 * restarted_ + 1e-6);  // of a large fleet the rest is left for later
    restarted_ = std::max(0.0, restarted_ - static_cast<double>(row_.restarted) / 100);
    const std::size_t cells = row_width() + (&rows == &history_ ? 0 : endpoint_cells());
    tick_.resize(cells);
    row_.cells.assign(tick_.begin(), tick_.end());
    rows.push(row_);
    empty_tick();
}

detect::GroupTick Worse::group_of(const Row& row, bool control) const {
    detect::GroupTick tick;
    tick.at = (static_cast<double>(row.end) - static_cast<double>(started_)) * interval_;
    tick.dt = static_cast<double>(row.slots) * interval_;
    tick.restarted = control ? 0 : static_cast<double>(row.restarted) / 100;
    const auto cells = std::span(row.cells).subspan(control ? width() : 0, width());
    if (quantile_) {
        tick.buckets = cells;
        tick.all.requests = std::accumulate(cells.begin(), cells.end(), 0.0);
    } else {
        tick.all = {cells[0], std::min(cells[0], cells[1])};
    }
    return tick;
}

detect::DeployShape Worse::shape() const {
    detect::DeployShape shape;
    shape.bake = bake_;
    shape.interval = interval_ * static_cast<double>(length_.slots());
    shape.alpha = caution() * alpha_;
    if (quantile_ && !bounds_.empty()) {
        shape.edges.assign(bounds_.begin(), bounds_.end() - 1);
        shape.unit = " s";
        shape.quantile = which_quantile_;
    }
    return shape;
}

bool Worse::has_history() const {
    double requests = 0;
    history_.each([&](const Row& row) { requests += usual_of(row).all.requests; });
    return history_.size() >= kFewestTicks && requests >= min_requests_;
}

/// Of the control group's traffic before the deploy: what the new group has since then, and what the control group has;
/// none while it is not known.
std::pair<double, double> Worse::shares() const {
    double before = 0, before_seconds = 0, fresh = 0, control = 0, since_seconds = 0;
    std::size_t ticks = 0;
    history_.each([&](const Row& row) {
        if (has_control(row)) before += control_of(row).all.requests, before_seconds += control_of(row).dt;
    });
    bake_rows_.each([&](const Row& row) {
        if (!has_control(row)) return;
        ++ticks, control += control_of(row).all.requests, since_seconds += control_of(row).dt;
        fresh += tick_of(row).all.requests;
    });
    if (ticks < kShareTicks || before <= 0 || fresh <= 0) return {0, 0};
    const double usual = before / before_seconds * since_seconds;
    return {fresh / usual, control / usual};
}

void Worse::open() {
    detect::DeployShape beside = shape();
    beside.control = beside_;
    beside.parts = endpoints_.size();
    test_.emplace(beside);
    std::span<const detect::Events> endpoints = endpoints_.before();  // all of them with the first tick
    detect::History learned(quantile_ ? bounds_.size() : 0, 0);
    history_.each([&](const Row& row) {
        auto tick = usual_of(row);
        learned.add(tick);
        tick.parts = std::exchange(endpoints, {});
        test_->before(tick);
    });
    test_->begin();
    certificate_.emplace(quantile_ ? detect::Certificate::Of::Latency : detect::Certificate::Of::Errors, beside,
                         learned);
    state_ = has_history() ? Say::Fine : Say::TooLittle;
}

void Worse::step(const Row& row) {
    if (!test_) open();
    if (state_ == Say::TooLittle) return;
    auto control = beside_ ? control_of(row) : detect::GroupTick{};
    auto tick = tick_of(row);
    const auto endpoint_row = std::span(row.cells).subspan(row_width());
    tick.parts = endpoints_.read(endpoint_row.first(endpoints_.cells()), endpoints_now_);
    if (beside_) control.parts = endpoints_.read(endpoint_row.last(endpoints_.cells()), endpoints_beside_);
    if (!row.counts) return test_->watch(tick, beside_ ? &control : nullptr);
    found_ = test_->tick(tick, beside_ ? &control : nullptr);
    if (found_) found_->evidence *= caution();
    certificate_->tick(tick, beside_ ? &control : nullptr);
    state_ = found_ ? Say::Worse : Say::Fine;
}

/// What only one of the groups has shown says nothing about both. A lost scrape of the control group is told by its
/// next one: the tick waits for it. After more of them what was seen is dropped.
Finding Worse::without_control(const DetectorSlot& slot) {
    if (++without_control_ <= kLostScrapes) {
        if (length_.reach() == 1) (void)take(slot);
        return said();
    }
    empty_tick();
    Finding unseen;
    if (state_ != Say::TooLittle) state_ = Say::NoControl;
    if (state_ == Say::NoControl && slot.counts) unseen.verdict = Verdict::NoData;  // not too few: not seen
    return unseen;
}

/// What was seen since its warm-up, and what it was compared with.
std::string Worse::fine_words() const {
    detect::Events now, reference;
    bake_rows_.each([&](const Row& row) {
        if (!row.counts) return;
        now += tick_of(row).all;
        if (beside_) reference += control_of(row).all;
    });
    if (!beside_) history_.each([&](const Row& row) { reference += tick_of(row).all; });
    std::string out = detect::fine_words(now, reference, beside_, !quantile_);
    for (const std::string& more : {limit_why(), excluded_words()}) out += (more.empty() ? "" : "; ") + more;
    return out;
}

std::string Worse::endpoint_of(const detect::Finding& finding) const {
    return finding.part < endpoints_.size() ? endpoints_.name(finding.part) : std::string();
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

bool Worse::load(ByteReader& in) {
    if (!in.get(slots_) || !in.get(started_) || started_ > slots_ || !length_.load(in)) return in.fail();
    std::uint32_t size = 0;
    if (!in.get(size) || size > kMostBounds) return in.fail();
    bounds_.assign(size, 0);
    for (double& bound : bounds_)
        if (!in.get(bound)) return false;
    if (!std::is_sorted(bounds_.begin(), bounds_.end())) return in.fail();
    order_.clear(), control_order_.clear();
    if (!endpoints_.load(in) || !history_.load(in, kMostRows, row_width(), slots_)) return false;
    if (!bake_rows_.load(in, kMostRows, row_width() + endpoint_cells(), slots_)) return false;
    empty_tick();
    test_.reset(), certificate_.reset(), found_.reset();
    state_ = Say::Learning;
    beside_ = any_control(history_) || any_control(bake_rows_);
    bake_rows_.each([&](const Row& row) { step(row); });
    return true;
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
