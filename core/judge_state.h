// SPDX-License-Identifier: Apache-2.0
// Inside of the Judge; only core/judge*.cpp include it. In the order of the street: answers of targets
// (judge_intake.cpp), what a signal shows in a sample (judge_signal.cpp), what a rule says to it (judge_rule.cpp),
// words (judge_words.cpp).
#pragma once
#include <array>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "core/detector.h"
#include "core/endpoints.h"
#include "core/judge.h"
#include "core/rule_state.h"
#include "core/series_table.h"
#include "core/slot_grid.h"
#include "core/window.h"

namespace revertd {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

/// Why a verdict is neither ok nor breach; chooses the words.
enum class Cause : std::uint8_t {
    None,
    WarmUp,        ///< does not count yet (S10)
    FirstSample,   ///< nothing to take a difference from
    FewRequests,   ///< below min_requests
    NoRequests,    ///< nothing happened in the window
    NoBaseline,    ///< below half of its slots, or below min_requests
    ZeroBaseline,  ///< a factor of nothing says nothing
    NeverSeen,     ///< no target has ever shown the signal
    Vanished,      ///< a target answered without it
    NotANumber,
    Infinite,
    SeveralSeries,  ///< where one is expected
    TooManySeries,
    Unanswered,  ///< a target failed; its reason is kept
    Health,      ///< blind health targets could tip it, or there is none
    Detector,    ///< the detector says why
    Parts,       ///< those of a combination say why
    Control,     ///< the control group says nothing
    Shared,      ///< the control group is hardly better (S44)
    Refuted      ///< the test that confirms the rule finds the signal no worse than before
};

/// Health of one target: of this sample, and what was last known of it.
struct HealthState {
    Health sample = Health::Unknown, last = Health::Unknown;
    std::string reason;
};

struct HealthCount {
    std::size_t up = 0, down = 0, blind = 0;
};

/// One /metrics endpoint.
struct TargetState {
    std::optional<std::size_t> health;  ///< its own health target
    bool known = false;                 ///< answered well at least once
    bool pooled = false;                ///< this answer's differences span samples that were blind
    bool missed = false;                ///< the sample before was blind
    std::optional<Verdict> answer;      ///< of this sample; nothing: none came
    Time last_good{};
    std::uint32_t scrapes = 0;     ///< good ones
    std::uint32_t last_reset = 0;  ///< the good one that showed a counter going back
    std::uint32_t starts = 0;      ///< of its processes, in this phase
    std::uint32_t falls = 0;       ///< how often its counters began anew, in this phase
    double fell_from = 0;          ///< its counters, all together, when they last began anew
    bool takes_turns = false;      ///< several instances answer at its address
    std::string reason;
};

/// The counters of a page that were on an earlier one, too: all together, then and now.
struct CounterSum {
    double before = 0, now = 0;
};

/// What the last good answer of a target had of a signal.
struct Presence {
    std::uint32_t totals = 0;  ///< series other than the bad ones
    bool member = false;       ///< the target has shown the signal at some time
    bool told = false;         ///< starts of processes: by series of their own
    bool first = false;        ///< values were only set: no difference yet
    bool nan = false, infinite = false;
    double filled = 0, limit = 0;  ///< of a gauge that is a share of its limit
};

/// A signal in the sample that is being judged.
struct SignalStatus {
    Verdict verdict = Verdict::NoData;
    Cause cause = Cause::NeverSeen;
    TargetIndex culprit = 0;  ///< the first target that could not be seen
    std::uint32_t judged = 0, first = 0, blind = 0;
    std::uint32_t down = 0;                 ///< left out: their own health is down (S17)
    std::uint32_t present = 0, absent = 0;  ///< answered with and without it
    bool pooled = false;
};

/// Starts of an instance that are none of its own: the deploy's, and two more, when it is moved to another host, or its
/// exporter is started anew. One that begins anew more often is no better for being cold each time.
constexpr std::uint32_t kExcused = 3;

constexpr Duration kLongestSpan = 24h * 3650;  ///< of a query: room for arithmetic

/// What a Prometheus has said of a signal.
struct QueryState {
    std::optional<Verdict> answer;  ///< of this slot; nothing: none came
    Cause cause = Cause::None;
    bool present = false;    ///< this answer had the signal
    bool known = false;      ///< a good answer came at least once
    bool endpoints = false;  ///< what they did before the deploy is known
    Duration span{};         ///< of the last good answer
    double starts = 0;       ///< of all instances, in this phase
    std::string reason;
};

struct SignalState {
    SignalWindow window;
    SignalStatus status;
    Duration longest_gap{};  ///< differences over a longer one are not used
    bool counter = true;     ///< values are differences
    bool seen = false;
    bool too_many = false;
    Time last_ok{};        ///< the last slot that showed it
    Trace trace = {};      ///< while a deploy is watched
    double restarted = 0;  ///< share of the instances that began anew since the last slot that showed it
    bool queried = false;  ///< its source is a Prometheus
    std::string found;     ///< the metric's name
    QueryState query;
};

struct Evaluation {
    Verdict verdict = Verdict::Insufficient;
    Cause cause = Cause::WarmUp;
    double value = kUnknown, limit = kUnknown, clear = kUnknown, baseline = kUnknown;
    double requests = kUnknown;  ///< in the window
    double counted = kUnknown;   ///< what min_requests is compared with
    bool clears = true;          ///< of a detector: far enough from its limit (S25)
    double control = kUnknown;   ///< the control group's value
    Cause control_cause = Cause::None;
    bool control_blind = false;
};

/// A signal in the window of a rule.
struct Measured {
    Verdict verdict = Verdict::Insufficient;
    Cause cause = Cause::None;
    SignalWindow::Value value;
    double counted = kUnknown;
};

/// What one series adds to the requests and the bad ones of its signal.
struct SeriesGain {
    SeriesId series = 0;
    double le = kUnknown;  ///< of a bucket
    PlaceCounts before, now;
};

struct RuleState {
    explicit RuleState(RuleRun run_) : run(std::move(run_)) {}

    std::size_t window = 1, count = 1;  ///< slots
    RuleRun run;
    std::unique_ptr<Detector> detector;  ///< of a rule that has one
    Evaluation now;
    std::string words_before;  ///< of a restored rule, until it is judged again
    bool holds = false;
    Time verdict_since{}, held_since{};
    bool tell_anew = false;  ///< a phase began: the Engine hears it again
    Time told_at{};
    Verdict told = Verdict::Insufficient;  ///< what the Engine knows
    bool told_holds = false, told_never_there = false, told_control_blind = false;
    RuleSummary summary;
    std::array<std::uint32_t, kVerdicts> evaluations{};  ///< by verdict
};

/// The first slot that lies wholly after an instant: for values of the moment, and for differences of two samples.
struct Border {
    static constexpr SlotIndex kAhead = std::numeric_limits<SlotIndex>::max();
    SlotIndex moment = kAhead, difference = kAhead;
};

struct Judge::State {
    State(std::shared_ptr<const ServiceSettings> settings_, IdentityPool* pool);

    // -- judge_intake.cpp
    void take(TargetIndex target, const ScrapeResult& result, Time at);
    void take_values(TargetIndex target, std::span<const SeriesValue> values, Time at);
    void take_value(TargetState& target, Presence& presence, const SeriesValue& value, CounterSum& counters);
    void take_shares(TargetIndex target);
    void take_resets(TargetIndex target, const CounterSum& counters);
    [[nodiscard]] double gained(TargetState& target, const Presence& presence, const SeriesTable::Live& live,
                                const Signal& signal, double value) const;
    [[nodiscard]] double started(TargetState& target, const Presence& presence, const SeriesTable::Live& live,
                                 double value) const;
    [[nodiscard]] double increase(const TargetState& target, const Presence& presence, const SeriesTable::Live& live,
                                  double value) const;

    // -- judge_query.cpp
    void take_query(std::size_t signal, const QueryResult& result, Time at);
    void take_cells(std::size_t signal, const QueryResult& result);
    void take_starts(std::size_t signal, const QueryResult& result);
    void fill_baseline(std::size_t signal, std::span<const HistoryRow> rows);
    [[nodiscard]] EndpointIndex name_endpoint(std::string_view name);
    void endpoints_before(std::size_t signal, std::span<const EndpointCell> cells);
    [[nodiscard]] SignalStatus status_of_query(std::size_t signal) const;
    [[nodiscard]] Evaluation evaluate_absent_query(const SignalState& signal) const;
    /// The first slot whose values of the signal lie wholly behind the border.
    [[nodiscard]] SlotIndex first_slot(const SignalState& signal, const Border& border) const;
    /// Slots of the rule's window: fewer if each of them looks back further than a slot.
    [[nodiscard]] std::size_t window_slots(std::size_t rule) const;
    [[nodiscard]] double overlap_of(std::size_t rule) const;
    /// How far apart breaches in a row must be at least.
    [[nodiscard]] Duration apart(const Rule& rule) const;
    [[nodiscard]] std::string query_words(const SignalState& signal, Cause cause) const;

    // -- judge_signal.cpp
    [[nodiscard]] HealthCount count_health(Health HealthState::*which) const;
    [[nodiscard]] bool is_down(const TargetState& target) const;
    [[nodiscard]] SignalStatus status_of(std::size_t signal) const;
    void count_target(SignalStatus& status, std::size_t signal, TargetIndex target) const;
    void complete_sample(bool whole_slot);

    // -- judge_rule.cpp
    [[nodiscard]] Evaluation evaluate(std::size_t rule, SlotIndex slot);
    [[nodiscard]] Evaluation evaluate_health() const;
    [[nodiscard]] Evaluation evaluate_combined(const Rule& rule, bool holds) const;
    [[nodiscard]] Health service_health(bool whole_slot) const;
    [[nodiscard]] Evaluation evaluate_absent(const Rule& rule) const;
    [[nodiscard]] Evaluation evaluate_threshold(std::size_t rule, SlotIndex slot);
    [[nodiscard]] Evaluation evaluate_detector(std::size_t rule, SlotIndex slot, bool counts);
    [[nodiscard]] Measured measure(std::size_t signal, std::size_t rule, SlotIndex slot);
    void set_limit(const Rule& rule, Evaluation& evaluation);
    void set_bounds(const Rule& rule, double per_bound, Evaluation& evaluation) const;

    // -- judge_control.cpp
    /// Whether the target is asked for the signal: a control group may have targets of its own.
    [[nodiscard]] bool concerns(TargetIndex target, std::size_t signal) const;
    [[nodiscard]] std::size_t targets_of(std::size_t signal) const;
    void set_control_limit(std::size_t rule, SlotIndex slot, Evaluation& evaluation);
    void compare_with_control(std::size_t rule, SlotIndex slot, Evaluation& evaluation);
    [[nodiscard]] double control_unit(const Signal& signal, const SignalWindow::Value& value) const;
    [[nodiscard]] std::string control_words(std::size_t rule) const;
    [[nodiscard]] bool baseline_known(std::size_t signal, SignalWindow::Value& value);
    [[nodiscard]] SlotIndex begin_of(const Rule& rule, bool warm) const;
    void step(std::size_t rule, SlotIndex slot, Time at);
    [[nodiscard]] bool refuted(std::size_t rule, const Evaluation& evaluation) const;
    void step_combined(std::size_t rule, Time at);
    void note_verdict(RuleState& state, const Evaluation& evaluation, Time at);
    [[nodiscard]] bool clears(const Rule& rule, const Evaluation& evaluation) const;
    /// Between slots: somebody who matters to the rule has not answered, so there is no sample (S23).
    [[nodiscard]] bool unanswered(const Rule& rule) const;
    [[nodiscard]] bool never_there(const Rule& rule) const;
    void summarise_slot(std::size_t rule, SlotIndex slot);
    [[nodiscard]] bool proves(std::size_t rule) const;
    [[nodiscard]] bool is_missed_by_nobody(std::size_t rule) const;
    void tell(JudgeReport& report);
    [[nodiscard]] double excluded() const;

    // -- judge_words.cpp
    [[nodiscard]] RuleChange change_of(std::size_t rule) const;
    [[nodiscard]] std::string words_of(std::size_t rule) const;
    [[nodiscard]] std::string health_words() const;
    [[nodiscard]] std::string value_words_of(std::size_t rule) const;
    [[nodiscard]] std::string combined_words(std::size_t rule) const;
    [[nodiscard]] std::string blind_words(std::size_t signal, Cause cause) const;
    [[nodiscard]] std::string insufficient_words(std::size_t rule) const;
    [[nodiscard]] std::string baseline_words() const;

    // -- judge_view.cpp
    void compute_whole_bake(std::size_t rule, RuleSummary& summary);
    [[nodiscard]] SignalView view_of(std::size_t signal);
    [[nodiscard]] std::vector<TracePoint> trace_of(std::size_t rule);

    // -- judge_places.cpp
    [[nodiscard]] PlaceTable places_of(std::size_t rule) const;
    [[nodiscard]] std::vector<SeriesGain> gains_of(std::size_t signal) const;
    void divide(std::size_t label, std::span<const SeriesGain> all, PlaceTable& table) const;
    void divide_by_target(std::span<const SeriesGain> all, PlaceTable& table) const;
    void end_gains();
    void watch(bool watching);
    void begin_traces();
    void begin_endpoints();
    [[nodiscard]] EndpointRows endpoints_of(std::size_t signal) const;
    [[nodiscard]] std::span<const std::string> endpoint_names_of(std::size_t signal) const;
    void forget_warmup(SlotIndex slot);

    // -- judge.cpp
    void restart_runs();
    void restart_summary();
    void miss(std::uint64_t slots, Time at);
    void pass_borders(SlotIndex slot, Time at);
    void judge_sample(SlotIndex slot, Time at, bool whole_slot);
    void merge_sample();
    void end_slot(SlotIndex slot, Time at);
    [[nodiscard]] JudgeReport finish(bool whole_slot);
    void forget_answers(bool whole_slot);

    // -- judge_record.cpp
    [[nodiscard]] std::uint64_t shape() const;
    void save(ByteWriter& out) const;
    bool load(ByteReader& in);
    bool load_rules(ByteReader& in);
    bool load_targets(ByteReader& in);

    [[nodiscard]] Presence& presence_of(TargetIndex target, std::size_t signal) {
        return presences[target * signals.size() + signal];
    }

    [[nodiscard]] const Presence& presence_of(TargetIndex target, std::size_t signal) const {
        return presences[target * signals.size() + signal];
    }

    std::shared_ptr<const ServiceSettings> settings;
    SlotGrid grid;
    std::vector<HealthState> health;
    std::vector<TargetState> targets;
    std::vector<Presence> presences;  ///< by target, then signal
    SeriesTable series;
    SeriesGains gains;
    EndpointCounts endpoints;
    std::vector<std::string> asked_endpoints;  ///< of queries: their names
    std::vector<SignalState> signals;
    std::vector<RuleState> rules;

    JudgePhase phase;
    Border opened{0, 0};                         ///< first sight: where P0 and health rules begin
    Border warm{0, 0};                           ///< end of warm-up: where the others begin
    Time oldest = Time::max(), oldest_before{};  ///< earliest answer of this slot, and of the one before
    Time differences_from{};                     ///< samples before the phase are no base of a difference (S10)
    bool frozen = false;                         ///< the baseline
};

}  // namespace revertd
