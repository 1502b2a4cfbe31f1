// SPDX-License-Identifier: Apache-2.0
#include "detectors/deploy_rows.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/slot_grid.h"
#include "detectors/bucket_order.h"

namespace revertd::detect {
namespace {

constexpr std::size_t kMostRows = 720;  // before the deploy, and since
constexpr std::size_t kMostBounds = 256;
constexpr std::size_t kShareTicks = 6;  // from which the new group's share of the traffic is known

}  // namespace

DeployRows::DeployRows(const DetectorSetup& setup)
    : quantile_(setup.signal.kind == Signal::Kind::Quantile),
      compared_(setup.signal.control.has_value()),
      interval_(seconds(setup.settings.interval)),
      length_(interval_, seconds(setup.settings.baseline), kMostRows) {}

void DeployRows::begin() {
    since_.clear();
    endpoints_.clear();
    drop_tick();
    restarted_ = 0;
    beside_ = any_control(before_);
    started_ = slots_;
    length_.begin();
}

bool DeployRows::has_buckets(const DetectorSlot& slot) const {
    const std::size_t n = slot.bounds.size();
    return n >= 2 && n <= kMostBounds && slot.now.cells.size() >= n;
}

bool DeployRows::drops_others(const DetectorSlot& slot) {
    if (!quantile_ || !has_buckets(slot) || orders(order_, slot.bounds, bounds_)) return false;
    order_ = order_of(slot.bounds);
    std::vector<double> bounds;
    for (const std::size_t i : order_) bounds.push_back(slot.bounds[i]);
    if (bounds == bounds_) return false;
    bounds_ = std::move(bounds);
    before_.clear();
    since_.clear();
    drop_tick();
    return true;
}

/// Its cells are those of the signal.
bool DeployRows::is_own(const DetectorSlot& slot) const {
    if (!quantile_) return slot.now.cells.size() >= kRatioCells;
    if (!has_buckets(slot) || bounds_.size() != slot.bounds.size()) return false;
    return std::isinf(bounds_.back()) && bounds_.front() > 0;
}

bool DeployRows::add(const DetectorSlot& slot) {
    restarted_ = std::min(1.0, restarted_ + slot.restarted);
    if (!is_own(slot)) return false;
    tick_.resize(row_width() + (slot.learns ? 0 : endpoint_cells()));
    if (quantile_) {
        add_buckets(slot.now.cells, order_, times(), std::span(tick_).first(bounds_.size()));
    } else {
        for (std::size_t i = 0; i < kRatioCells; ++i) tick_[i] += times() * slot.now.cells[i];
    }
    if (!slot.learns) endpoints_.add(slot.endpoints.now, times(), endpoint_tick().first(endpoints_.cells()));
    add_control(slot);
    tick_slots_ += length_.reach();
    return true;
}

void DeployRows::add_control_alone(const DetectorSlot& slot) {
    tick_.resize(row_width() + (slot.learns ? 0 : endpoint_cells()));
    add_control(slot);
    ++tick_slots_;
}

void DeployRows::add_control(const DetectorSlot& slot) {
    if (!compared_) return;
    const SignalRow& control = slot.control;
    if (!slot.learns) endpoints_.add(slot.control_endpoints.now, times(), endpoint_tick().last(endpoints_.cells()));
    if (!quantile_) {
        if (control.cells.size() < kRatioCells) return;
        for (std::size_t i = 0; i < kRatioCells; ++i) tick_[kRatioCells + i] += times() * control.cells[i];
        return;
    }
    const std::size_t n = bounds_.size();
    if (n == 0 || control.cells.size() < n || control.bounds.size() != n) return;
    if (!orders(control_order_, control.bounds, bounds_)) control_order_ = order_of(control.bounds);
    if (orders(control_order_, control.bounds, bounds_))
        add_buckets(control.cells, control_order_, times(), std::span(tick_).subspan(n));
}

void DeployRows::drop_tick() {
    std::ranges::fill(tick_, 0.0);
    tick_slots_ = 0;
}

void DeployRows::keep_before() {
    push(before_, row_width(), true);
}

const DeployRows::Row& DeployRows::keep(bool counts) {
    push(since_, row_width() + endpoint_cells(), counts);
    return row_;
}

void DeployRows::push(PackedRows& rows, std::size_t cells, bool counts) {
    if (rows.size() >= kMostRows) rows.drop_oldest();
    row_.end = slots_, row_.slots = tick_slots_, row_.counts = counts;
    // Of a large fleet the rest is left for later.
    row_.restarted = static_cast<std::uint64_t>(100 * restarted_ + 1e-6);
    restarted_ = std::max(0.0, restarted_ - static_cast<double>(row_.restarted) / 100);
    tick_.resize(cells);
    row_.cells.assign(tick_.begin(), tick_.end());
    rows.push(row_);
    drop_tick();
}

/// A query's answer says of each group what its endpoints did before; it may come some slots late.
bool DeployRows::awaits_endpoints(const DetectorSlot& slot) const {
    return !slot.learns && !quantile_ && !endpoints_.chosen() && !slot.endpoints.before.empty() &&
           (!beside_ || !slot.control_endpoints.before.empty());
}

/// What was seen before they were known had none of them.
bool DeployRows::choose_endpoints(const DetectorSlot& slot) {
    endpoints_.choose(slot);
    if (endpoints_.size() == 0) return false;
    tick_.resize(row_width() + endpoint_cells());
    since_.widen(row_width() + endpoint_cells());
    return true;
}

GroupTick DeployRows::group_of(const Row& row, bool control) const {
    GroupTick tick;
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

void DeployRows::read_endpoints(const Row& row, GroupTick& fresh, GroupTick& control) {
    const auto cells = std::span(row.cells).subspan(row_width());
    fresh.parts = endpoints_.read(cells.first(endpoints_.cells()), endpoints_now_);
    if (beside_) control.parts = endpoints_.read(cells.last(endpoints_.cells()), endpoints_beside_);
}

bool DeployRows::any_control(const PackedRows& rows) const {
    bool any = false;
    rows.each([&](const Row& row) { any = any || has_control(row); });
    return any;
}

double DeployRows::usual_requests() const {
    double requests = 0;
    before_.each([&](const Row& row) { requests += usual_of(row).all.requests; });
    return requests;
}

std::pair<double, double> DeployRows::shares() const {
    double before = 0, before_seconds = 0, fresh = 0, control = 0, since_seconds = 0;
    std::size_t ticks = 0;
    before_.each([&](const Row& row) {
        if (has_control(row)) before += control_of(row).all.requests, before_seconds += control_of(row).dt;
    });
    since_.each([&](const Row& row) {
        if (!has_control(row)) return;
        ++ticks, control += control_of(row).all.requests, since_seconds += control_of(row).dt;
        fresh += fresh_of(row).all.requests;
    });
    if (ticks < kShareTicks || before <= 0 || fresh <= 0) return {0, 0};
    const double usual = before / before_seconds * since_seconds;
    return {fresh / usual, control / usual};
}

void DeployRows::save(ByteWriter& out) const {
    out.put(slots_);
    out.put(started_);
    length_.save(out);
    out.put(bounds_);
    endpoints_.save(out);
    before_.save(out);
    since_.save(out);
}

bool DeployRows::load(ByteReader& in) {
    if (!in.get(slots_) || !in.get(started_) || started_ > slots_ || !length_.load(in)) return in.fail();
    std::uint32_t size = 0;
    if (!in.get(size) || size > kMostBounds) return in.fail();
    bounds_.assign(size, 0);
    for (double& bound : bounds_)
        if (!in.get(bound)) return false;
    if (!std::is_sorted(bounds_.begin(), bounds_.end())) return in.fail();
    order_.clear(), control_order_.clear();
    if (!endpoints_.load(in) || !before_.load(in, kMostRows, row_width(), slots_)) return false;
    if (!since_.load(in, kMostRows, row_width() + endpoint_cells(), slots_)) return false;
    drop_tick();
    beside_ = any_control(before_) || any_control(since_);
    return true;
}

}  // namespace revertd::detect
