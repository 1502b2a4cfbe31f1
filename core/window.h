// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/baseline.h"
#include "core/bytes.h"
#include "core/rule.h"
#include "core/slot_sums.h"
#include "core/trace.h"

namespace revertd {

/// Everything kept of one signal, summed over all targets and series. Whatever its kind, a slot is a row of cells that
/// can be added up over any stretch of time, and a value is computed from such a sum: ratio {all, bad}, rate {increase,
/// seconds}, quantile {one cell a bucket}, gauge {value, slots}.
class SignalWindow {
  public:
    /// In slots: the longest window, the longest stretch over which requests are counted, the baseline.
    struct Lengths {
        std::size_t window = 1, count = 1, baseline = 1;
    };

    static constexpr std::uint16_t kAll = 0, kBad = 1;           // ratio
    static constexpr std::uint16_t kIncrease = 0, kSeconds = 1;  // rate
    static constexpr std::size_t kMaxBuckets =
        256;  // Prometheus' own histograms have 10 to 40; a body may claim any number

    SignalWindow(const Signal& signal, const Lengths& lengths);

    /// The cell of a bucket, a new one at first sight. Nothing: not a number, or too many.
    std::optional<std::uint16_t> bucket(double le);

    // -- a sample
    void add(std::uint16_t cell, double increase) { sample_[cell] += increase; }

    void add_gauge(double value);
    /// The sample is complete: `parts` targets gave or should have given something.
    void complete_sample(std::size_t parts);
    /// The sample becomes part of the slot; the next one begins.
    void end_sample();

    // -- a slot
    void end_slot(SlotIndex slot);
    /// The slot counts for the whole-bake computation (S26).
    void add_to_bake();
    void restart_bake();

    // -- questions
    struct Value {
        std::optional<double> value;  ///< nothing: nothing happened
        double requests = 0;          ///< NaN for kinds that count none
    };

    [[nodiscard]] Value of_window(SlotIndex from, SlotIndex to);

    /// The row that `of_window` was last computed from, until the next question.
    [[nodiscard]] std::span<const double> asked() const { return scratch_; }

    /// Upper bounds of the buckets, in the order of the cells.
    [[nodiscard]] std::span<const double> bounds() const { return bounds_; }

    [[nodiscard]] Value of_sample();
    [[nodiscard]] Value of_bake();
    [[nodiscard]] Value of_baseline();
    /// The baseline block by block.
    [[nodiscard]] std::vector<TracePoint> baseline_points();
    /// Requests in the slots of the stretch; with `open`, those of the slot that is not over yet, too.
    [[nodiscard]] double requests(SlotIndex from, SlotIndex to, bool open);

    [[nodiscard]] double baseline_requests() const { return requests_of(baseline.sums()); }

    [[nodiscard]] bool counts_requests() const;

    Baseline baseline;

    [[nodiscard]] std::span<const double> slot() const { return slot_; }

    void save(ByteWriter& out) const;
    bool load(ByteReader& in);

  private:
    [[nodiscard]] Value value_of(std::span<const double> cells);
    [[nodiscard]] Value quantile_of(std::span<const double> cells);
    [[nodiscard]] double requests_of(std::span<const double> cells) const;
    void widen(std::size_t cells);

    Signal::Kind kind_;
    Signal::Aggregate aggregate_;
    double quantile_, to_base_;
    std::vector<double> bounds_;         ///< by cell, in the order of arrival
    std::vector<std::uint16_t> sorted_;  ///< cells by ascending bound
    std::vector<double> sample_, slot_, bake_;
    SlotSums sums_, counts_;
    std::vector<double> scratch_, scratch_bounds_, scratch_counts_;
};

}  // namespace revertd
