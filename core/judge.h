// SPDX-License-Identifier: Apache-2.0
// The Judge of one service: takes every sample, keeps windows, and says only what changes. Pure, flat, no allocation a
// sample after warm-up. One slot = one `interval`; all targets are asked at its phase and judged once (S15).
#pragma once
#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/endpoints.h"
#include "core/places.h"
#include "core/result.h"
#include "core/settings.h"
#include "core/trace.h"

namespace revertd {

class IdentityPool;
class PowerStudy;

using TargetIndex = std::uint32_t;
/// There is no room for the series (its signal is `ambiguous` from then on); values under this id are ignored.
constexpr SeriesId kNoSeries = 0xffffffff;

/// What a series of a direct scrape is to a signal.
struct SeriesRole {
    std::uint32_t signal = 0;
    bool bad = false;                ///< ratio: one of the bad ones (it is given as one of all, too)
    double le = 0;                   ///< quantile: upper bound of the bucket, base unit; +infinity for the last
    std::string_view endpoint = {};  ///< ratio: which one it counts, in the words of its label; empty: not told
};

/// One value of one known series, in the order of the body.
struct SeriesValue {
    SeriesId series = 0;
    double value = 0;
};

/// The end of one scrape of one target: all or nothing.
struct ScrapeResult {
    Verdict verdict = Verdict::Ok;        ///< Ok, or why nothing of it is used
    std::span<const SeriesValue> values;  ///< empty unless Ok
    std::string_view reason;              ///< words for a person, when not Ok
};

/// One number of a query's answer.
struct QueryCell {
    double value = 0;  ///< counters: a second, over the answer's span
    bool bad = false;  ///< ratio: of the bad ones (they are part of all, too)
    double le = 0;     ///< quantile: upper bound of the bucket, base unit; +infinity for the last
};

/// One number of one endpoint of a ratio.
struct EndpointCell {
    EndpointIndex endpoint = 0;  ///< as Judge::name_endpoint has called it
    bool bad = false;            ///< of the bad ones (they are part of all, too)
    double value = 0;            ///< a second, over the answer's span; before a deploy: of all the time before
};

/// What one query says of one signal; the server has added up all series.
struct QueryResult {
    Verdict verdict = Verdict::Ok;
    std::span<const QueryCell> values;  ///< empty though Ok: there is no such series
    std::span<const EndpointCell> endpoints = {};
    Duration span{};          ///< how far back the values look
    std::string_view reason;  ///< words for a person, when not Ok
    double restarted = 0;     ///< share of the instances that began anew within the span
};

/// A stretch of time before the watch began, as a Prometheus has kept it.
struct HistoryRow {
    Time end{};
    Duration length{};
    std::vector<QueryCell> values;  ///< counters: a second, over the whole length
};

struct HealthResult {
    Health health = Health::Unknown;
    std::string_view reason;  ///< "503", "connection refused", "/checks/db/status is down"
};

/// A rule whose verdict, hold or blindness changed in this slot.
struct RuleChange {
    std::uint32_t rule = 0;  ///< index into ServiceSettings::rules
    Verdict verdict = Verdict::Insufficient;
    bool holds = false;
    double value = 0, limit = 0;
    double baseline = 0;  ///< NaN when the rule is not relative or it is unknown
    double requests = 0;  ///< in the window; NaN when the rule counts none
    Time since{};         ///< since when this verdict (or, when it holds, the breach) lasts
    /// Scrapes are answered, and the signal was never in one of them: not blind, just not there (S26). An empty, failed
    /// or unreadable scrape is no answer.
    bool never_there = false;
    bool control_blind = false;  ///< breached, and the control group cannot say whether it is, too (S44)
    std::string words;           ///< one sentence with the numbers
    std::string limit_why = {};  ///< the limit is not the usual one; empty: it is
    std::string where = {};      ///< breached: where the damage is; filled by who has the labels (Judge::places)
    std::vector<PlaceShare> places = {};  ///< the same in numbers, the worst first
    std::vector<TracePoint> trace = {};   ///< it holds: how its signal went, before the deploy and since
};

struct JudgeReport {
    std::vector<RuleChange> changes;
    bool suspicious = false;          ///< ask again after a tenth of the interval (S24)
    Health health = Health::Unknown;  ///< of the service by its `down` policy, as judged now
    std::string health_words;         ///< "2 of 3 targets down (connection refused)"
    /// How much worse than before the service may still be, by the detector that knows least; NaN: one cannot say.
    double excluded = std::numeric_limits<double>::quiet_NaN();
};

/// What the guard of the service is doing, as far as judging depends on it.
struct JudgePhase {
    enum class Kind : std::uint8_t {
        Good,       ///< a good version (or, while none is known, the running one) runs: the baseline grows
        Rolling,    ///< from `start` until the first sight: judged, and the baseline is frozen
        Baking,     ///< from the first sight: windows and runs start anew at `since` (S10)
        Verifying,  ///< after a rollback: as Baking, no pass is counted
        Apart       ///< incident, unknown version: judged, the baseline neither grows nor is reset
    };
    Kind kind = Kind::Good;
    Time since{};
    Time warmup_until{};
};

/// Per rule over the bake, after warm-up (S26).
struct RuleSummary {
    std::uint32_t rule = 0;
    std::uint64_t slots = 0, ok = 0, breach = 0, blind = 0, insufficient = 0;
    Verdict last = Verdict::Insufficient;
    bool never_there = false;        ///< as in RuleChange
    bool whole_bake_breach = false;  ///< insufficient all bake, and beyond its bound when computed over the whole bake
    double whole_bake_value = 0;
    std::string excluded = {};  ///< what a detector rules out, in words
    std::string words = {};     ///< of the last slot, unless the rule was ok in it
};

/// For status, live block and report.
struct SignalView {
    std::string name;
    std::string metric;  ///< as written, or as found by a well-known name
    Unit unit = Unit::None;
    double value = 0, baseline = 0;  ///< NaN: unknown
    Verdict verdict = Verdict::Insufficient;
};

struct JudgeView {
    std::uint32_t up = 0, targets = 0;  ///< health targets
    std::vector<SignalView> signals;
    std::vector<RuleChange> rules;  ///< current state of every rule
    std::string baseline_words;     ///< why the baseline is insufficient, or how long it is
};

/// What was counted since this Judge was made, for the daemon's own metrics. It is no part of what is judged.
struct JudgeCounts {
    std::vector<std::array<std::uint32_t, kVerdicts>> rules;  ///< evaluations by verdict, in the order of the settings
    std::vector<Time> signals;  ///< the last slot that showed each signal; the epoch: none yet
};

/// Decisions that callers should know:
/// - Health targets are numbered as in ServiceSettings::health, scraped ones as in ServiceSettings::metrics. A scraped
///   target's own health (S17) is the health target at the same host and port, else the only one on its host.
/// - Each `close_slot` judges a later slot than the one before, whatever its instant; whole slots skipped are blind.
/// - What a counter gained while it could not be seen belongs to the slot that sees it again, unless the blind stretch
///   was longer than the shortest window of its signal: then the first sample only sets values. A rule that counts
///   samples never takes such a difference for a breach.
/// - The first slot of a phase needs a difference within the phase: counters are judged from its second scrape on.
/// - A gauge with one series a target is the mean over targets. A relative rule over a baseline of 0 is insufficient,
///   but for ratios, where no error in N requests is taken as one.
/// - With a control group an absolute rule is breached only while its signal is 1.5 times worse than the control
/// group's;
///   a slot in which it is beyond its bound and is not is `insufficient`: it counts neither for nor against (S44).
/// - `suspicious` samples: a rule for which somebody has not answered has no sample then, and waits for the next.
/// - A query's counters are rates over a span that may be longer than the interval. A slot keeps rate times interval;
///   a window is so many slots shorter that it reaches no further back than its rule says, at least one; nothing counts
///   whose span begins before the phase; breaches in a row are at least a span apart. Such rules raise no suspicion.
class Judge {
  public:
    /// `pool`: where the series of judges that are alike are kept once; outlives them.
    explicit Judge(std::shared_ptr<const ServiceSettings> settings, IdentityPool* pool = nullptr);
    ~Judge();
    Judge(Judge&&) noexcept;
    Judge& operator=(Judge&&) noexcept;

    // -- series: registered on first sight (may allocate)
    /// A well-known signal was found under this name; shown by status and `check --explain`.
    void name_signal(std::uint32_t signal, const Selector& found);
    SeriesId add_series(TargetIndex target, std::uint64_t identity_hash, const SeriesRole& role);

    /// While a deploy is watched the labels of series are kept, so that a breach can say where it comes from.
    [[nodiscard]] bool wants_labels() const;
    void describe(SeriesId series, const std::vector<std::pair<std::string_view, std::string_view>>& labels);

    // -- one slot: every target's answers, then `close`
    void health(TargetIndex target, const HealthResult& result, Time at);
    void scrape(TargetIndex target, const ScrapeResult& result, Time at);
    /// The answer for a signal of Signal::Source::Prometheus; `at` is the instant that it was asked about.
    void query(std::uint32_t signal, const QueryResult& result, Time at);
    /// An endpoint of the service's queries; 0: there are more than are kept, so that they are ids and none is tested.
    EndpointIndex name_endpoint(std::string_view name);
    /// What the endpoints of a signal did before the deploy that is watched. May come at any time in it, and be empty.
    void endpoints_before(std::uint32_t signal, std::span<const EndpointCell> cells);
    /// Judges the slot with what has come; targets that did not answer are blind. `at` is the judging instant.
    JudgeReport close_slot(Time at);
    /// A sample between slots, in suspicion: only rules that count samples see it.
    JudgeReport close_sample(Time at);

    // -- what the Engine says and asks
    /// The same phase said again changes nothing. A new bake or verification starts runs, windows and summary anew, and
    /// its first slot tells every rule, changed or not; a Good phase with a beginning (adoption) the summary only.
    void set_phase(const JudgePhase& phase);
    /// Fills a baseline that is empty still, from its oldest row to the newest; nothing unless it may grow (Good).
    void fill_baseline(std::uint32_t signal, std::span<const HistoryRow> rows);
    /// Freezes the baseline as it was at `at` (the earlier of start and first sight, S18).
    void freeze_baseline(Time at);

    /// The next slot tells of every rule, changed or not: what was told before counts no more (S38).
    void tell_anew();
    /// One entry a rule, without those of the rollout, in the order of the settings.
    [[nodiscard]] std::vector<RuleSummary> summarise() const;
    [[nodiscard]] JudgeView view() const;
    [[nodiscard]] JudgeCounts counts() const;
    /// What each detector would find in a deploy from now on.
    [[nodiscard]] std::vector<std::unique_ptr<PowerStudy>> power() const;
    /// False: some slots of the bake have to be seen before `power` can say all that it will.
    [[nodiscard]] bool knows_power() const;
    /// The requests of a rule over a ratio or quantile, divided by each label; no labels for other rules.
    [[nodiscard]] PlaceTable places(std::uint32_t rule) const;

    // -- flight recorder (S38): everything above as bytes; slots missing between save and `now` are blind afterwards
    [[nodiscard]] std::string save() const;
    /// What `save` writes, without the values: its version and a letter for everything (ByteWriter). For a test.
    [[nodiscard]] std::string form() const;
    /// On any error nothing changes: Conflict under other settings, else Corrupt.
    Result<void> restore(std::string_view bytes, Time now);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace revertd
