// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/world.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/policy.h"
#include "tests/sim/watch.h"

namespace revertd::sim {

namespace {

constexpr Duration kSilentRunner = 100ms;  // looked at so often
constexpr Duration kAnswerTakes = 5ms;     // a target, a platform, a receipt

Peer peer_of_the_plant() {
    return {0, "root", {}, true};
}

std::string known_bad(const State& state, const effect::RunStep& step) {
    const ServiceState* service = state.service(step.service);
    if (service != nullptr)
        for (const LedgerEntry& entry : service->ledger)
            if (entry.standing == Standing::Bad) return entry.version;
    return step.to;
}

}  // namespace

World::World()
    : origin_(Time(1'000'000s)), now_(origin_), configs_([this](const std::string& hash) -> Result<std::string> {
          const auto it = texts_.find(hash);
          if (it == texts_.end()) return Error(ErrorCode::NotFound, "no such configuration");
          return it->second;
      }) {}

World::~World() = default;

// -- time

void World::at(Time time, std::function<void()> what) {
    agenda_.emplace(time, std::move(what));
}

void World::run_until(Time time) {
    if (woken_ > time) return void(now_ = time);
    if (slept_ != Duration{}) wake();
    while (!agenda_.empty() && agenda_.begin()->first <= time) {
        const auto next = agenda_.begin();
        now_ = std::max(now_, next->first);
        const auto what = std::move(next->second);
        agenda_.erase(next);
        what();
    }
    now_ = time;
}

void World::suspend(Duration period) {
    slept_ = period, woken_ = now_ + period;
}

/// What was due meanwhile comes now, and the first of it is that nobody looked.
void World::wake() {
    now_ = woken_;
    for (const auto& [name, watch] : watches_) watch->judge.tell_anew();
    feed(event::Suspended{std::exchange(slept_, Duration{})});
}

// -- configuration and life

Result<void> World::configure(const std::string& yaml) {
    LoadResult result = load(yaml, "scenario.yaml");
    if (!result.loaded) {
        std::string all;
        for (const Diagnostic& d : result.diagnostics)
            all += std::to_string(d.line) + ":" + std::to_string(d.column) + ": " + d.what + "\n";
        return Error(ErrorCode::Invalid, all);
    }
    auto loaded = std::make_shared<const Loaded>(std::move(*result.loaded));
    yaml_ = yaml;
    texts_[loaded->settings.hash] = yaml;
    configs_.set_current(loaded);
    if (loaded->notify.webhook) webhook_ = loaded->notify.webhook->url;
    if (!engine_)
        restart();
    else
        feed(event::Configured{std::make_shared<const Settings>(loaded->settings)});
    return {};
}

void World::crash() {
    last_state_ = engine_->state();
    if (plant == Plant::LosesTail) durable_.resize(durable_.size() - std::min<std::size_t>(durable_.size(), 40));
    if (plant == Plant::EditsRecords && !durable_.empty()) durable_[durable_.size() / 2].wall += 1s;
    for (const auto& [name, watch] : watches_) flights_[name] = watch->judge.save();
    engine_.reset();
    watches_.clear();
    events_.clear();
    writing_.clear();  // what was not durable never was
    ++life_;
    tick_at_ = Time::max();
}

void World::crash_on(const std::string& input) {
    in_progress_ = input;
    crash();
}

void World::restart() {
    ++life_;
    engine_ = std::make_unique<Engine>(configs_, [this](const std::string& config, const std::string& service) {
        return configs_.pinned(config, service);
    });
    for (const Record& record : durable_) {
        Record replayed = record;
        const bool forgotten = (plant == Plant::ForgetsLimits && std::holds_alternative<Intent>(record.fact)) ||
                               (plant == Plant::ForgetsCrashes && std::holds_alternative<Crashed>(record.fact));
        if (forgotten) replayed.at -= 24h;
        engine_->replay(replayed);
    }
    const auto& loaded = *configs_.current();
    feed(event::Configured{std::make_shared<const Settings>(loaded.settings)});
    for (const auto& [name, settings] : loaded.settings.services) {
        const ServiceState* s = engine_->state().service(name);
        const Deployment* guard = s != nullptr ? engine_->state().deployment(s->guard) : nullptr;
        watches_[name] = std::make_unique<Watch>(guard != nullptr && guard->settings ? guard->settings : settings);
        if (const auto flight = flights_.find(name); flight != flights_.end()) {
            if (auto restored = watches_[name]->judge.restore(flight->second, now_); !restored) (void)restored.error();
        }
        watches_[name]->judge.tell_anew();
        at(now_ + 10ms, [this, service = name, life = life_] { slot(service, life); });
    }
    const bool journal_failed = std::exchange(journal_failed_, false);
    feed(event::Start{{}, {}, std::exchange(in_progress_, {}), journal_failed});
}

// -- the engine

void World::feed(Event event) {
    if (!engine_) return;
    events_.push_back(std::move(event));
    if (draining_) return;
    draining_ = true;
    while (!events_.empty() && engine_) {
        const Event next = std::move(events_.front());
        events_.pop_front();
        if (on_event) on_event(next);
        take(engine_->step(next, {now_, wall()}));
        if (on_step) on_step();
    }
    draining_ = false;
    tick();
}

void World::tick() {
    const Time due = engine_ ? engine_->next_deadline() : Time::max();
    if (due == tick_at_ || due == Time::max()) return;
    tick_at_ = due;
    at(due, [this, due, life = life_] {
        if (life != life_ || tick_at_ != due) return;
        tick_at_ = Time::max();
        feed(event::Tick{});
    });
}

void World::take(Output out) {
    if (!out.records.empty()) append(std::move(out.records));
    for (const Effect& effect : out.effects) {
        if (on_effect) on_effect(effect);
        carry_out(effect);
    }
}

void World::append(std::vector<Record> records) {
    if (journal_fails && plant == Plant::HidesFailures && on_event) on_event(event::JournalFailed{"fsync failed"});
    if (journal_fails && plant != Plant::HidesFailures) {
        for (const Record& record : records) {
            const auto* page = std::get_if<Paged>(&record.fact);
            if (page == nullptr || page->about != kJournal) continue;
            journal_failed_ = true;
            told_anyway_.push_back(record);
        }
        at(now_, [this, life = life_] {
            if (life == life_) feed(event::JournalFailed{"fsync failed"});
        });
        return;
    }
    std::move(records.begin(), records.end(), std::back_inserter(writing_));
    if (plant == Plant::StartsEarly) events_.push_back(event::Durable{writing_.back().seq});
    const Duration takes = plant == Plant::StallsJournal ? Duration(24h) : journal_takes;
    at(now_ + takes, [this, seq = writing_.back().seq, life = life_] {
        if (life != life_) return;
        while (!writing_.empty() && writing_.front().seq <= seq) {
            keep(std::move(writing_.front()));
            writing_.erase(writing_.begin());
        }
        feed(event::Durable{seq});
    });
}

void World::keep(Record record) {
    if (plant == Plant::ForgesApprovals)
        if (auto* given = std::get_if<ApprovalGiven>(&record.fact)) given->by = "mallory";
    if (plant == Plant::LosesPages && std::holds_alternative<Paged>(record.fact)) return;
    if (plant == Plant::LosesRecords && record.seq % 50 == 0) return;
    if (auto* page = plant == Plant::TellsSecrets ? std::get_if<Paged>(&record.fact) : nullptr)
        page->details += " (sent to " + webhook_ + ")";
    if (on_record) on_record(record);
    durable_.push_back(std::move(record));
}

void World::carry_out(const Effect& effect) {
    if (const auto* e = std::get_if<effect::Observe>(&effect)) {
        if (plant == Plant::LosesAnswers) return;
        std::optional<Observation> slow;  // says what it saw when it was asked
        if (platform_takes > kAnswerTakes) slow = answer_to_engine(e->service);
        at(now_ + std::max(kAnswerTakes, platform_takes), [this, e = *e, slow, life = life_] {
            Observation seen = slow.value_or(answer_to_engine(e.service));
            seen.read = now_;
            if (life == life_) feed(event::Observed{e.service, e.token, std::move(seen)});
        });
    } else if (const auto* resolve_ = std::get_if<effect::Resolve>(&effect)) {
        resolve(*resolve_);
    } else if (const auto* step = std::get_if<effect::RunStep>(&effect)) {
        run_step(*step);
        if (plant == Plant::StartsTwice) start_step(*step);
    } else if (const auto* ask = std::get_if<effect::AskRunner>(&effect)) {
        at(now_ + kAnswerTakes, [this, key = ask->key, life = life_] {
            if (life == life_) receipt(key);
        });
    } else if (std::holds_alternative<effect::AskWitness>(effect)) {
        witness(kAnswerTakes);
    } else if (const auto* phase = std::get_if<effect::SetPhase>(&effect)) {
        const auto watch = watches_.find(phase->service);
        if (watch == watches_.end()) return;
        if (phase->freeze_baseline) watch->second->judge.freeze_baseline(*phase->freeze_baseline);
        watch->second->judge.set_phase(phase->phase);
    } else if (const auto* sum = std::get_if<effect::Summarise>(&effect)) {
        const auto watch = watches_.find(sum->service);
        events_.push_back(event::Summarised{
            sum->deploy, watch == watches_.end() ? std::vector<RuleSummary>{} : watch->second->judge.summarise()});
    } else if (const auto* stop = std::get_if<effect::StopStep>(&effect)) {
        for (StepRun& run : steps_)
            if (run.step.key == stop->key && !run.outcome)
                run.outcome = StepOutcome::Unknown, run.ended = now_,
                feed(event::StepEnded{stop->key, StepOutcome::Unknown, 0, "stopped", {}});
    } else if (const auto* reply = std::get_if<effect::Reply>(&effect)) {
        reply_ = *reply;
    }
}

void World::resolve(const effect::Resolve& question) {
    at(now_ + kAnswerTakes, [this, question, life = life_] {
        if (life != life_) return;
        Observation named;
        const auto& resolvers = outside_[question.service].resolvers;
        if (const auto said = resolvers.find(question.index); said != resolvers.end()) {
            named.kind = said->second.empty() ? Observation::Kind::Nothing : Observation::Kind::Version;
            named.version = said->second;
        }
        feed(event::Resolved{question.deploy, question.index, named});
    });
}

effect::Reply World::command(const Peer& peer, const Command& command) {
    reply_.reset();
    Command said = command;
    auto* start = plant == Plant::ForgetsNames ? std::get_if<command::DeployStart>(&said) : nullptr;
    static int named = 0;
    if (start != nullptr) start->id += "x" + std::to_string(++named), start->version += "x" + std::to_string(named);
    feed(event::Asked{peer, said, 1});
    const auto* halt = plant == Plant::IgnoresHalt ? std::get_if<command::Halt>(&command) : nullptr;
    if (halt != nullptr) feed(event::Asked{peer_of_the_plant(), command::Resume{halt->service}, 0});
    return reply_.value_or(effect::Reply{});
}

// -- the runner: outlives the daemon, and starts a key once

void World::run_step(const effect::RunStep& step) {
    const bool repeated =
        std::any_of(steps_.begin(), steps_.end(), [&](const StepRun& r) { return r.step.key == step.key; });
    if (repeated) return receipt(step.key);
    start_step(step);
}

void World::start_step(const effect::RunStep& step) {
    effect::RunStep told = step;
    if (plant == Plant::BadTarget) told.to = known_bad(state(), step);
    if (plant == Plant::TurnsRound && step.exhausted) told.index = 1 - step.index;
    if (plant == Plant::TouchesOthers) told.deploy = "of another service";
    static int ran_before = 0;
    if (plant == Plant::RollsOwnDice) step_takes += 1ms * (++ran_before % 1000);
    if (on_start) on_start(told);
    steps_.push_back({step, now_, std::nullopt, false});
    at(now_ + std::min(step_takes, step.deadline), [this, index = steps_.size() - 1] { end_step(index); });
}

void World::end_step(std::size_t index) {
    StepRun& run = steps_[index];
    if (run.outcome || run.lost) return;
    const bool told = failing_steps != 0;
    if (failing_steps > 0) --failing_steps;
    const StepMode mode = told ? step_mode : StepMode::Works;
    const Incident* incident = state().incident(run.step.incident);
    const bool last = incident == nullptr || incident->steps().size() <= static_cast<std::size_t>(run.step.index) ||
                      incident->steps().at(static_cast<std::size_t>(run.step.index)).last_of_entry;
    const bool applies = !run.step.exhausted && last && (mode == StepMode::Works || mode == StepMode::UnknownApplied);
    if (applies) {
        Platform& platform = outside_[run.step.service].platform;
        platform = {run.step.to, true, platform.silent, false};
        if (plant == Plant::GuardsRestored) guard_restored(run.step);
    }
    run.ended = now_;
    run.outcome = mode == StepMode::Fails                                                   ? StepOutcome::Failed
                  : mode == StepMode::UnknownApplied || mode == StepMode::UnknownNotApplied ? StepOutcome::Unknown
                                                                                            : StepOutcome::Done;
    const bool lie = plant == Plant::UnknownIsFailed && run.outcome == StepOutcome::Unknown;
    const StepOutcome said = lie ? StepOutcome::Failed : *run.outcome;
    if (engine_) feed(event::StepEnded{run.step.key, said, said == StepOutcome::Failed ? 1 : 0, {}, {}});
}

/// A runner that is silent answers when it speaks again.
void World::witness(Duration after) {
    at(now_ + after, [this, life = life_] {
        if (life != life_) return;
        runner_answers ? feed(event::Witnessed{}) : witness(kSilentRunner);
    });
}

void World::runner_dies() {
    for (StepRun& run : steps_) {
        if (run.outcome) continue;
        run.lost = true;
        run.outcome = StepOutcome::Unknown, run.ended = now_;
        if (engine_) feed(event::ReceiptRead{run.step.key, event::ReceiptRead::State::NoAnswer, {}});
    }
}

void World::receipt(const std::string& key) {
    using State = event::ReceiptRead::State;
    event::ReceiptRead read{key, State::None, {}};
    for (const StepRun& run : steps_) {
        if (run.step.key != key) continue;
        read.state = run.outcome ? State::Ended : State::Running;
        if (run.outcome) read.ended = {key, *run.outcome, 0, run.lost ? "the runner died" : "", {}};
    }
    if (!runner_answers) read.state = State::NoAnswer;
    feed(std::move(read));
}

/// The plant: a minute later, what was put back is said to have been deployed, and goes bad.
void World::guard_restored(const effect::RunStep& step) {
    at(now_ + 60s, [this, service = step.service, to = step.to] {
        command::DeployStart start;
        start.service = service, start.version = to;
        outside_[service].versions[to].errors = 0.3;
        feed(event::Asked{peer_of_the_plant(), start, 0});
    });
}

// -- slots

Observation World::answer_to_engine(const std::string& service) const {
    Observation seen = observation(service);
    const ServiceState* s = plant == Plant::SkipsCompare ? state().service(service) : nullptr;
    const Incident* incident = s != nullptr ? state().incident(s->incident) : nullptr;
    const bool lie = incident != nullptr && incident->stage == Stage::Observing;
    if (lie) seen.kind = Observation::Kind::Version, seen.version = incident->from;
    return seen;
}

Observation World::observation(const std::string& service) const {
    const auto it = outside_.find(service);
    Observation seen;
    seen.read = now_;
    if (it == outside_.end() || it->second.platform.silent) {
        seen.words = "no answer";
        return seen;
    }
    const Platform& platform = it->second.platform;
    const bool nothing = platform.nothing || platform.version.empty();
    seen.kind = nothing ? Observation::Kind::Nothing : Observation::Kind::Version;
    if (!nothing) seen.version = platform.version;
    if (nothing) seen.tried = platform.tried;
    seen.settled = platform.settled;
    return seen;
}

void World::slot(const std::string& service, std::uint64_t life) {
    if (life != life_) return;
    const auto watch = watches_.find(service);
    const auto settings = configs_.current()->settings.find(service);
    if (watch == watches_.end() || !settings) return;
    at(now_ + watch->second->settings->interval, [this, service, life] { slot(service, life); });
    if (settings->observes || settings->current) feed(event::Observed{service, 0, observation(service)});
    sample(service, life, false);
}

void World::sample(const std::string& service, std::uint64_t life, bool is_sample) {
    const auto it = watches_.find(service);
    if (life != life_ || it == watches_.end()) return;
    Watch& watch = *it->second;
    Outside& out = outside_[service];
    const bool quarantined =
        !engine_->state().quarantined.empty() && engine_->state().quarantined.contains("metrics of " + service);
    const bool dragged_along = plant == Plant::BlindsNeighbours && std::ranges::any_of(outside_, [](const auto& other) {
                                   return other.second.metrics == Metrics::Hang;
                               });
    const Metrics seen = quarantined ? Metrics::Refused : dragged_along ? Metrics::Hang : out.metrics;
    const Metrics metrics = std::exchange(out.metrics, seen);
    watch.ask(out, now_);
    out.metrics = metrics;
    JudgeReport report = is_sample ? watch.judge.close_sample(now_) : watch.judge.close_slot(now_);
    if (plant == Plant::JudgesBlind)
        for (RuleChange& change : report.changes)
            if (is_blind(change.verdict)) change.verdict = Verdict::Breach, change.holds = true;
    if (plant == Plant::NeedsBlindness)
        for (RuleChange& change : report.changes) change.holds = false;
    if (on_judged) on_judged(service, watch.settings, report, is_sample);
    const Duration tenth = watch.settings->interval / 10;
    if (report.suspicious && (!is_sample || watch.samples++ < 8))
        at(now_ + tenth, [this, service, life] { sample(service, life, true); });
    if (!is_sample) watch.samples = 0;
    const ServiceState* s = engine_->state().service(service);
    const bool guarded = s != nullptr && (!s->guard.empty() || !s->incident.empty());
    const double enough = watch.settings->until_excluded;
    const bool changed = (enough > 0 && report.excluded <= enough) || !report.changes.empty() ||
                         report.health != watch.health || watch.guard != (s != nullptr ? s->guard : "");
    watch.health = report.health;
    if (s != nullptr) watch.guard = s->guard;
    if (guarded ? changed : !report.changes.empty()) feed(event::Judged{service, report, "evidence"});
}

}  // namespace revertd::sim
