// SPDX-License-Identifier: Apache-2.0
// A daemon in virtual time: the real Engine, Judge, configuration and recipes, over a journal, a runner, platforms and
// traffic that do as they are told. Scenarios and the simulator run on it.
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/engine.h"
#include "daemon/shell/config_store.h"

namespace revertd::sim {

enum class Metrics : std::uint8_t {
    Fine,
    Empty,
    NotANumber,
    Garbage,
    Truncated,
    TwoSeries,
    Unavailable,
    Refused,
    NoName,
    Hang,
    Gone,
    Stale,     ///< a Prometheus whose newest sample is too old
    Warnings,  ///< a Prometheus that says that part of the data is missing
};
/// A defect put in on purpose, to show that an invariant can fail (revertd-sim --plant).
enum class Plant : std::uint8_t {
    None,
    StartsTwice,       ///< the runner forgets its receipts, and is asked twice
    StartsEarly,       ///< the journal says durable before it is
    JudgesBlind,       ///< what cannot be seen counts as breached
    IgnoresHalt,       ///< a halt is answered and taken back at once
    SkipsCompare,      ///< the platform is said to run what was judged
    BadTarget,         ///< the step is given a version that is known to be bad
    ForgetsLimits,     ///< a restart forgets when there were rollbacks
    ForgetsCrashes,    ///< a restart forgets when there were crashes
    GuardsRestored,    ///< a version that was put back is taken for a deploy
    ForgesApprovals,   ///< the journal names somebody else than who approved
    LosesAnswers,      ///< the platform is asked, and its answer never comes
    UnknownIsFailed,   ///< a step whose outcome nobody knows is said to have failed
    LosesRecords,      ///< now and then a record that is said to be durable is not
    LosesTail,         ///< what is durable is cut at a crash
    LosesPages,        ///< what people must be told is not kept
    HidesFailures,     ///< the journal fails, and the engine is not told
    StallsJournal,     ///< nothing becomes durable any more, and everything waits
    NeedsBlindness,    ///< a breach holds only once it could not be seen
    ForgetsNames,      ///< the same deploy said twice is taken for two
    TouchesOthers,     ///< the step is one of a service without a deploy
    TurnsRound,        ///< the last step of on_exhausted comes first
    EditsRecords,      ///< what is durable is changed while the daemon is down
    BlindsNeighbours,  ///< one service that hangs makes all of them blind
    TellsSecrets,      ///< a page says where it goes
    RollsOwnDice,      ///< how long a step takes depends on what ran before in this process
};
enum class StepMode : std::uint8_t { Works, Fails, UnknownApplied, UnknownNotApplied, Ineffective };

/// How one version behaves under traffic.
struct Behaviour {
    double errors = 0.001;  ///< share of the requests
    double latency = 0.1;   ///< seconds, of every request
    bool healthy = true;
};

struct Platform {
    std::string version;
    bool settled = true, silent = false, nothing = false;
    std::string tried = {};  ///< what was started last, where nothing runs
};

/// One service as the outside has it.
struct Outside {
    Platform platform;
    std::map<std::string, Behaviour> versions;
    double requests = 50;  ///< a second and target
    Metrics metrics = Metrics::Fine;
    std::map<std::uint32_t, bool> target_down;   ///< health targets that are down, whatever the version
    std::map<std::uint32_t, bool> target_blind;  ///< metrics targets that do not answer
    bool health_blind = false;
    std::map<std::string, double> gauges;  ///< by signal
    bool latency_exported = false;
    Behaviour control;  ///< of the control group, where there is one
    bool control_blind = false;
    std::map<int, std::string> resolvers;  ///< what each names as good; one that is not there does not answer
};

struct StepRun {
    effect::RunStep step;
    Time started{};
    std::optional<StepOutcome> outcome;  ///< what the receipt says
    bool lost = false;                   ///< the runner died: no outcome will ever be known
    Time ended{};
};

class World {
  public:
    World();
    ~World();

    // -- configuration
    /// The first call starts the daemon; further ones are reloads. The error is what `check` would say.
    Result<void> configure(const std::string& yaml);

    // -- time
    [[nodiscard]] Time now() const { return now_; }

    [[nodiscard]] Time origin() const { return origin_; }

    void run_until(Time time);

    /// The world begins on a Friday, 2027-01-15 08:00 UTC.
    [[nodiscard]] WallTime wall() const { return WallTime(1'800'000'000s) + (now_ - origin_) + wall_offset_; }

    /// The machine sleeps, or somebody stopped the process; the world around it goes on.
    void suspend(Duration period);

    void step_wall(Duration by) { wall_offset_ += by; }

    // -- the outside
    Outside& outside(const std::string& service) { return outside_[service]; }

    StepMode step_mode = StepMode::Works;
    int failing_steps = -1;  ///< so many steps follow step_mode, then they work; -1: all
    Duration step_takes = 1s, journal_takes = 1ms, platform_takes{};
    bool journal_fails = false, runner_answers = true;
    void runner_dies();

    // -- the daemon's life
    void crash();
    /// While it is busy with an input, as the mark that outlives it says.
    void crash_on(const std::string& input);
    void restart();

    [[nodiscard]] bool up() const { return engine_ != nullptr; }

    // -- people
    effect::Reply command(const Peer& peer, const Command& command);

    // -- what was seen
    [[nodiscard]] const Engine& engine() const { return *engine_; }

    [[nodiscard]] const State& state() const { return engine_ ? engine_->state() : last_state_; }

    [[nodiscard]] const std::vector<StepRun>& steps() const { return steps_; }

    [[nodiscard]] const std::vector<Record>& durable() const { return durable_; }

    /// Pages that a failed journal could not take.
    [[nodiscard]] const std::vector<Record>& told_anyway() const { return told_anyway_; }

    /// Nothing is on its way to the disk: what the Engine knows and what is durable are the same.
    [[nodiscard]] bool quiet() const { return writing_.empty(); }

    [[nodiscard]] std::size_t waiting_for_the_disk() const { return writing_.size(); }

    /// Called for every event that goes into the Engine, every durable record and every effect, before it is carried
    /// out, and when the runner really starts a step.
    std::function<void(const Event&)> on_event;
    std::function<void(const Record&)> on_record;
    std::function<void(const Effect&)> on_effect;
    std::function<void(const effect::RunStep&)> on_start;
    std::function<void()> on_step;
    /// A slot or (between slots) a sample was judged.
    std::function<void(const std::string& service, const std::shared_ptr<const ServiceSettings>& settings,
                       const JudgeReport& report, bool is_sample)>
        on_judged;
    Plant plant = Plant::None;

  private:
    struct Daemon;  // everything that a crash loses
    struct Watch;

    void at(Time time, std::function<void()> what);
    void feed(Event event);
    void take(Output out);
    void append(std::vector<Record> records);
    void keep(Record record);
    void carry_out(const Effect& effect);
    void run_step(const effect::RunStep& step);
    void start_step(const effect::RunStep& step);
    void end_step(std::size_t index);
    void receipt(const std::string& key);
    void witness(Duration after);
    void observe(const std::string& service, std::uint64_t token);
    void slot(const std::string& service, std::uint64_t life);
    void sample(const std::string& service, std::uint64_t life, bool is_sample);
    void feed_metrics(const std::string& service, Watch& watch, Time since);
    void tick();
    [[nodiscard]] Observation observation(const std::string& service) const;
    [[nodiscard]] Observation answer_to_engine(const std::string& service) const;
    void resolve(const effect::Resolve& question);
    void wake();
    void guard_restored(const effect::RunStep& step);

    Time origin_, now_;
    Time woken_{};      ///< nothing happens in the daemon before
    Duration slept_{};  ///< of a suspension that the daemon has not noticed yet
    Duration wall_offset_{};
    std::multimap<Time, std::function<void()>> agenda_;
    std::map<std::string, Outside> outside_;
    std::vector<StepRun> steps_;
    std::vector<Record> durable_, writing_;
    std::map<std::string, std::string> texts_;  ///< configurations by hash
    std::map<std::string, std::string> flights_;
    ConfigStore configs_;
    std::string yaml_, webhook_;
    std::unique_ptr<Engine> engine_;
    State last_state_;
    std::map<std::string, std::unique_ptr<Watch>> watches_;
    std::deque<Event> events_;
    bool draining_ = false;
    std::optional<effect::Reply> reply_;
    std::uint64_t life_ = 0;
    std::string in_progress_;
    bool journal_failed_ = false;
    std::vector<Record> told_anyway_;
    Time tick_at_ = Time::max();
};

}  // namespace revertd::sim
