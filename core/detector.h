// SPDX-License-Identifier: Apache-2.0
// What a detector is to the Judge: it sees one signal slot by slot and says of each what it finds, with its words. The
// detectors themselves are in detectors/; the core knows this page of them only.
#pragma once
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/clock.h"
#include "core/places.h"
#include "core/settings.h"
#include "core/verdict.h"

namespace revertd {

/// Sums of one signal over some time. `cells` are increases, by kind of the signal: ratio {all, bad}, rate {increase,
/// seconds}, quantile one cell a bucket (not cumulated over time, cumulative over `le`), gauge {value, slots}.
struct SignalRow {
    std::span<const double> cells;                               ///< empty: not known
    double value = std::numeric_limits<double>::quiet_NaN();     ///< as the signal computes it; NaN: nothing happened
    double requests = std::numeric_limits<double>::quiet_NaN();  ///< NaN for kinds that count none
    std::span<const double> bounds = {};  ///< quantile: upper bound of each cell, in the order of the cells
};

/// A ratio by endpoint: in this slot, and before the deploy. As many entries as there are names.
struct EndpointRows {
    std::span<const PlaceCounts> now, before;
};

/// One slot in which the signal could be seen. Everything is valid during the call only.
struct DetectorSlot {
    Time at{};
    bool learns = false;    ///< a good version runs and no deploy is open: what a detector may learn from
    std::size_t reach = 1;  ///< slots that its values look back over: more than one of a Prometheus' rates
    bool counts = false;    ///< after the beginning of the phase, and after its warm-up where the rule waits for it
    double restarted = 0;   ///< share of the targets whose instance began anew, and is cold
    SignalRow now;          ///< this slot alone; while it learns, that of the control group if only that is there
    SignalRow baseline;     ///< the time before the deploy, all of it; empty while it is insufficient (S18)
    SignalRow control;      ///< this slot of the control group; empty without one
    std::span<const double> bounds;  ///< those of `now`
    // While a deploy is watched, where series say which endpoint they count; else empty.
    std::span<const std::string> endpoint_names = {};
    EndpointRows endpoints = {}, control_endpoints = {};
};

/// What one slot says. A verdict of `Breach` with a value that is not finite is made `Ambiguous`.
struct Finding {
    Verdict verdict = Verdict::Insufficient;
    double value = std::numeric_limits<double>::quiet_NaN();
    double limit = std::numeric_limits<double>::quiet_NaN();
    double baseline = std::numeric_limits<double>::quiet_NaN();
    bool clears = true;  ///< with `Ok`: far enough from the limit to end a breach that held (S25)
};

/// What a detector would find in a deploy that is watched from now on. It has all that it needs and takes its time: it
/// may run on any thread, once.
class PowerStudy {
  public:
    PowerStudy() = default;
    PowerStudy(const PowerStudy&) = delete;
    PowerStudy& operator=(const PowerStudy&) = delete;
    virtual ~PowerStudy() = default;
    /// "1.8 times the errors would be found within 6m with 92 %; ...", empty: nothing can be said.
    virtual std::string run() = 0;
};

/// The state of one rule of one service. Pure, and no allocation in `judge` after warm-up.
class Detector {
  public:
    Detector() = default;
    Detector(const Detector&) = delete;
    Detector& operator=(const Detector&) = delete;
    virtual ~Detector() = default;

    /// Called once a slot in which the signal is seen, in every phase. Its verdict is used only where `slot.counts`.
    virtual Finding judge(const DetectorSlot& slot) = 0;
    /// Slots in which the signal could not be seen, or nobody judged. Never brings a breach nearer.
    virtual void miss(std::uint64_t slots) = 0;

    /// A slot in which only the control group could be seen: `slot.now` is empty. What the signal did meanwhile comes
    /// with its next sample.
    virtual void miss_beside(const DetectorSlot&) { miss(1); }

    /// A phase begins: what counted is forgotten, what was learnt under a good version stays.
    virtual void begin() = 0;
    /// One sentence with the numbers about what `judge` said last; the signal's name is put before it.
    [[nodiscard]] virtual std::string words() const = 0;

    /// Why the limit of what `judge` said last is not the usual one; empty: it is.
    [[nodiscard]] virtual std::string limit_why() const { return {}; }

    /// How much worse than before the deploy may still be, valid in every slot: 1.3 is not more than 1.3 times.
    /// Infinite: not known yet. NaN: this detector never says.
    [[nodiscard]] virtual double excluded() const { return std::numeric_limits<double>::quiet_NaN(); }

    /// "more than 1.3 times the errors: excluded at 99.9 %"; empty: nothing is excluded.
    [[nodiscard]] virtual std::string excluded_words() const { return {}; }

    /// From what was learnt until now; null: it cannot say.
    [[nodiscard]] virtual std::unique_ptr<PowerStudy> power() const { return nullptr; }

    /// False: some slots of the bake have to be seen first.
    [[nodiscard]] virtual bool knows_power() const { return true; }

    /// For the flight recorder, as the other parts of the Judge: `load` fails at anything that `save` cannot have
    /// written under the same settings.
    virtual void save(ByteWriter& out) const = 0;
    virtual bool load(ByteReader& in) = 0;
};

struct DetectorSetup {
    const ServiceSettings& settings;
    const Rule& rule;
    const Signal& signal;
};

/// One row of the table of detectors: its sentence, which config reads, and its code.
struct DetectorKind {
    std::string_view name;
    /// What follows the signal: words, beginning with one that no other detector begins with, and, for
    /// `Rule::arguments` in this order, COUNT, DURATION (seconds), SHARE (20% or 0.2), BOUND (in the signal's unit).
    /// `for D` and `n of m` may follow as after any rule.
    std::string_view sentence;
    std::string_view help;  ///< for people: when it is breached
    /// Why this signal or these arguments make no sense; empty: they do.
    std::string (*refuse)(const Signal& signal, std::span<const double> arguments);
    std::unique_ptr<Detector> (*make)(const DetectorSetup& setup);
};

}  // namespace revertd
