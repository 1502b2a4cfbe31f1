// SPDX-License-Identifier: Apache-2.0
// What the requests of one signal did before a deploy and since, of the new group and of its control group: slots are
// added up to ticks, and the ticks are kept, so that they can be judged anew after a restart of the daemon.
#pragma once
#include <cstdint>
#include <utility>
#include <vector>

#include "core/bytes.h"
#include "core/detector.h"
#include "detectors/counts.h"
#include "detectors/packed_rows.h"
#include "detectors/tested_endpoints.h"
#include "detectors/tick_length.h"

namespace revertd::detect {

class DeployRows {
  public:
    /// Its cells: {requests, errors}, or the requests of each bucket; then the same of the control group, then of the
    /// endpoints.
    using Row = TickRow;

    explicit DeployRows(const DetectorSetup& setup);

    /// So many slots begin.
    void pass(std::uint64_t slots) { slots_ += slots; }

    /// A phase begins with the next slot.
    void begin();

    /// How far the slots look back, which changes what a tick is.
    void look_back(std::size_t slots) {
        if (length_.look_back(slots)) drop_tick();
    }

    /// A slot has requests that the one before had not.
    [[nodiscard]] bool takes(bool counts) { return length_.takes(counts); }

    /// What a slot that is taken stands for, and how many slots a tick has.
    [[nodiscard]] std::size_t reach() const { return length_.reach(); }

    [[nodiscard]] std::size_t tick_slots() const { return length_.slots(); }

    /// Buckets with other edges than the rows have: they cannot be compared. True: all rows were dropped.
    bool drops_others(const DetectorSlot& slot);

    /// Adds a slot to the tick. False: it is none of the signal's.
    bool add(const DetectorSlot& slot);
    /// A slot in which only the control group was seen.
    void add_control_alone(const DetectorSlot& slot);

    [[nodiscard]] bool is_full() const { return tick_slots_ >= length_.slots(); }

    void drop_tick();
    /// Ends the tick: one before the deploy, or since; `counts` as of the slot.
    void keep_before();
    const Row& keep(bool counts);

    /// There is a control group: it was seen before the deploy, or since.
    [[nodiscard]] bool beside() const { return beside_; }

    void see_control() { beside_ = compared_; }

    /// Those of the bake are kept from now on. False: nothing says what they did before the deploy, or there are none.
    bool choose_endpoints(const DetectorSlot& slot);
    [[nodiscard]] bool awaits_endpoints(const DetectorSlot& slot) const;

    [[nodiscard]] const TestedEndpoints& endpoints() const { return endpoints_; }

    [[nodiscard]] const PackedRows& before() const { return before_; }

    [[nodiscard]] const PackedRows& since() const { return since_; }

    /// Ascending, the last one +Inf; none of a ratio.
    [[nodiscard]] const std::vector<double>& bounds() const { return bounds_; }

    [[nodiscard]] GroupTick fresh_of(const Row& row) const { return group_of(row, false); }

    [[nodiscard]] GroupTick control_of(const Row& row) const { return group_of(row, true); }

    /// Before the deploy: what the test measures by. A canary may have stood idle.
    [[nodiscard]] GroupTick usual_of(const Row& row) const { return group_of(row, beside_ && has_control(row)); }

    [[nodiscard]] bool has_control(const Row& row) const { return compared_ && control_of(row).all.requests > 0; }

    /// Of a row since the deploy; valid until the next call.
    void read_endpoints(const Row& row, GroupTick& fresh, GroupTick& control);

    /// Before the deploy, as `usual_of`.
    [[nodiscard]] double usual_requests() const;

    /// Of the control group's traffic before the deploy: what the new group has since then, and what the control group
    /// has; none while it is not known.
    [[nodiscard]] std::pair<double, double> shares() const;

    void save(ByteWriter& out) const;
    bool load(ByteReader& in);

  private:
    [[nodiscard]] bool has_buckets(const DetectorSlot& slot) const;
    [[nodiscard]] bool is_own(const DetectorSlot& slot) const;
    void add_control(const DetectorSlot& slot);
    void push(PackedRows& rows, std::size_t cells, bool counts);
    [[nodiscard]] GroupTick group_of(const Row& row, bool control) const;
    [[nodiscard]] bool any_control(const PackedRows& rows) const;

    [[nodiscard]] double times() const { return static_cast<double>(length_.reach()); }

    [[nodiscard]] std::size_t width() const { return quantile_ ? bounds_.size() : kRatioCells; }

    [[nodiscard]] std::size_t row_width() const { return (compared_ ? 2 : 1) * width(); }

    /// What a row since the deploy has more.
    [[nodiscard]] std::size_t endpoint_cells() const { return (compared_ ? 2 : 1) * endpoints_.cells(); }

    [[nodiscard]] std::span<double> endpoint_tick() { return std::span(tick_).subspan(row_width()); }

    static constexpr std::size_t kRatioCells = 2;

    bool quantile_, compared_;  // with a control group: its sums are kept, too
    double interval_;
    TickLength length_;
    std::uint64_t slots_ = 0, started_ = 0;   // slots ever, and when the phase began
    std::vector<double> bounds_;              // as `bounds()`
    std::vector<std::size_t> order_;          // cells of the signal by their bound
    std::vector<std::size_t> control_order_;  // those of the control group; empty: it has other buckets
    std::vector<double> tick_;
    std::uint64_t tick_slots_ = 0;
    double restarted_ = 0;  // share of the instances, since the last tick
    Row row_;               // that was kept last
    PackedRows before_, since_;
    TestedEndpoints endpoints_;  // of this bake
    std::vector<Events> endpoints_now_, endpoints_beside_;
    bool beside_ = false;
};

}  // namespace revertd::detect
