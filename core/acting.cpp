// SPDX-License-Identifier: Apache-2.0
// The action protocol (S31-S34): observe what runs, intent, step, outcome, confirm. A step starts in `run_step` and
// nowhere else, in the step() that receives Durable of its intent, after the gates have been asked again.
#include <algorithm>
#include <utility>

#include "core/engine.h"
#include "core/engine_run.h"
#include "core/policy.h"

namespace revertd {

namespace {

constexpr Duration kUnsettledWait = 10s;  // S32: a platform that shows the target is asked again for so long
constexpr Duration kReadAhead = 1s;  // an older answer is asked for anew, so that the intent's own commit has its time
constexpr Duration kSilentWait = 5min;  // S32: so is one that does not answer
constexpr Duration kConfirmWithin =
    5min;                                // from the step's outcome to the target settled, unless its deadline is longer
constexpr Duration kWitnessWithin = 1s;  // what the gates and the platform said must still be fresh when it has come
constexpr Duration kReceiptGrace = 30s;  // past the deadline the runner has ended every step; then its silence is final

const PlannedStep* planned(const Incident& i, int index) {
    const std::vector<PlannedStep>& steps = i.steps();
    if (index < 0 || index >= static_cast<int>(steps.size())) return nullptr;
    return &steps[static_cast<std::size_t>(index)];
}

bool platform_can_be_asked(const Incident& i) {
    return i.decided && std::any_of(i.decided->steps.begin(), i.decided->steps.end(),
                                    [](const PlannedStep& s) { return s.observed; });
}

/// The first step of an entry or of an attempt: gates and compare-and-set come before it. What follows a step that was
/// done is its continuation: a started change is brought to its end, never cut.
bool begins(const Incident& i, const PlannedStep& step, int attempt) {
    return step.first_of_entry || std::none_of(i.attempts.begin(), i.attempts.end(), [&](const Attempted& a) {
               return a.intent.attempt == attempt && a.outcome == StepOutcome::Done;
           });
}

/// Of the entry that comes first: before it the platform is asked. A rule may permit later ones only.
bool is_of_first_entry(const Incident& i, const PlannedStep& step) {
    return step.entry == i.steps().front().entry;
}

/// The entry whose word counts now: of the last step while confirming, else the first that can be asked.
int entry_to_ask(const Incident& i, Stage stage) {
    if (stage != Stage::Observing && i.has_intent())
        if (const PlannedStep* step = planned(i, i.attempts.back().intent.index); step != nullptr && step->observed)
            return step->entry;
    for (const PlannedStep& step : i.decided->steps)
        if (step.observed) return step.entry;
    return 0;
}

}  // namespace

/// The next step is one of the first entry, before which the platform is asked; later ones follow what was just
/// confirmed.
bool Engine::observes_first(const Incident& i) {
    const PlannedStep* step = planned(i, i.step);
    return platform_can_be_asked(i) && step != nullptr && is_of_first_entry(i, *step);
}

void Engine::begin_action(const Incident& i) {
    run_->services[i.service].before_action.reset();
    if (observes_first(i))
        observe(i, Stage::Observing);
    else
        write_intent(i);
}

/// Asks the platform; entering a stage begins its clock.
void Engine::observe(const Incident& i, Stage stage) {
    Run::Service& run = run_->services[i.service];
    if (i.stage != stage || i.state != IncidentState::Acting) {
        const char* words = stage == Stage::Observing    ? "asking the platform what runs"
                            : stage == Stage::Confirming ? "waiting until the platform shows the target"
                                                         : "outcome unknown: asking the platform";
        note(IncidentMoved{i.id, IncidentState::Acting, stage, Reason::None, words});
        run.stage_since = now_.at;
    }
    run.ask_again.reset();
    run.token = run_->next_token++;
    run.asked = now_.at;
    emit(effect::Observe{i.service, run.token, entry_to_ask(i, stage)});
}

bool Engine::advance_action(const Incident& i) {
    Run::Service& run = run_->services[i.service];
    switch (i.stage) {
        case Stage::Observing:
            if (run.before_action) {  // it was asked ahead of the disk
                if (run_->durable < i.decided_seq) return false;
                const bool fresh = now_.at - run.before_action->read <= kReadAhead;
                fresh ? write_intent(i) : begin_action(i);
                return true;
            }
            [[fallthrough]];
        case Stage::Confirming:
        case Stage::Reconciling:
            if (run.token != 0) return false;
            if (run.ask_again && now_.at < *run.ask_again) return false;
            if (!run.ask_again) run.stage_since = now_.at;  // asked anew after a restart
            observe(i, i.stage);
            return false;
        case Stage::Intending:
            if (i.attempts.back().seq > run_->durable) return false;
            if (i.attempts.back().seq <= run_->replayed) return false;  // of an earlier run: unknown (S34)
            if (!run_->witnessed) return await_witness(i);
            run_step(i);
            return true;
        case Stage::Asking:
            if (run.ask_again && now_.at < *run.ask_again) return false;
            run.ask_again = now_.at + Run::kAskAgain;
            emit(effect::AskRunner{i.attempts.back().intent.key});
            return false;
        case Stage::Running:
        case Stage::None:
            return false;
    }
    return false;
}

/// A started change is brought to its end; what begins one asks the gates.
std::optional<Held> Engine::held_before(const Incident& i, const PlannedStep& step, int attempt) const {
    if (!run_->runner_silent.empty()) return Held{Reason::RunnerSilent, run_->runner_silent};
    if (i.exhausted) return check_last_gates(gate_input(i));
    return begins(i, step, attempt) ? check_gates(gate_input(i)) : std::nullopt;
}

/// S32: compare-and-set.
void Engine::observed_before(const Incident& i, const Observation& seen) {
    Run::Service& run = run_->services[i.service];
    const Duration waited = now_.at - run.stage_since;
    const Deployment* d = state_.deployment(i.deploy);
    const bool judged = seen.kind == Observation::Kind::Version && seen.version == i.from;
    if (judged || seen.kind == Observation::Kind::Nothing) {  // "nothing runs" counts as the judged version last seen
        run.before_action = seen;
        run.before_action->read = run.asked;  // when it looked nobody knows; not before it was asked
        if (run_->durable >= i.decided_seq) write_intent(i);
        return;
    }
    run.ask_again = now_.at + Run::kAskAgain;
    if (seen.kind == Observation::Kind::NoAnswer) {
        if (waited >= kSilentWait)
            hold(i, Reason::PlatformSilent, "the platform does not say what runs: " + seen.words);
        return;
    }
    const bool before = seen.version == i.to || (d != nullptr && seen.version == d->from);
    if (before) {
        if (waited >= kUnsettledWait)
            hold(i, Reason::PlatformUnsettled, "the platform shows " + seen.version + ", not the judged " + i.from);
        return;
    }
    const std::string words =
        "the platform runs " + seen.version + ", not the judged " + i.from + ": nothing was changed";
    const std::string id = i.id, deploy = i.deploy, name = i.service;
    page(i, "resolve", name + ": " + words);
    if (d != nullptr && d->open()) close_guard(deploy, DeployState::Superseded, 13, Reason::ThirdVersion, words);
    close_incident(id, Reason::ThirdVersion, words);
}

void Engine::write_intent(const Incident& i) {
    const PlannedStep* step = planned(i, i.step);
    if (step == nullptr) return begin_verification(i, "no step is left");
    if (const auto held = held_before(i, *step, i.attempt))
        return i.exhausted ? exhausted_done(i, "held: " + held->words) : hold(i, held->gate, held->words);
    Intent f;
    f.incident = i.id, f.step = step->name, f.digest = step->digest, f.from = i.from, f.to = i.to;
    f.attempt = i.attempt, f.index = i.step, f.deadline = now_.at + step->deadline;
    f.exhausted = i.exhausted.has_value();
    // The sequence number makes the key unique for good: an id may be used again after a lost journal.
    f.key = i.service + "/" + i.deploy + "/" + i.id + "/" + std::to_string(i.attempt) + "." + std::to_string(i.step) +
            "." + std::to_string(state_.seq + 1);
    note(f);
}

/// F94: the first step of this run waits until the runner has said that the journal knows of all that it did. What
/// people say meanwhile counts: the gates are asked when the answer has come.
bool Engine::await_witness(const Incident& i) {
    Run::Service& run = run_->services[i.service];
    if (run_->runner_silent.empty()) {
        if (!run.ask_again) run.ask_again = now_.at + kWitnessWithin;
        if (now_.at < *run.ask_again) return false;
        run_->runner_silent = "the runner has not said what it did";
    }
    run_step(i);
    return true;
}

void Engine::on(const event::Witnessed& e) {
    run_->witnessed = e.against.empty();
    run_->runner_silent = e.against;
    if (run_->witnessed && state_.observe_only.empty() && std::exchange(run_->journal_was_paged, false)) {
        Paged page{{}, {}, {}, "critical", "resolve", "revertd may act again: the journal is whole", {}};
        page.about = kJournal;
        note(std::move(page));
    }
    for (auto& [name, s] : state_.services)
        if (!s.incident.empty()) settle(name);
}

void Engine::run_step(const Incident& i) {
    const Attempted& last = i.attempts.back();
    const PlannedStep* step = planned(i, last.intent.index);
    Run::Service& run = run_->services[i.service];
    run.ask_again.reset();
    if (step == nullptr) return give_up(i, Reason::UnknownOutcome, "the plan of " + last.intent.key + " is lost");
    if (const auto held = held_before(i, *step, last.intent.attempt)) {
        note(Outcome{i.id, last.intent.key, "not started: " + held->words, {}, StepOutcome::NotStarted, 0});
        return i.exhausted ? exhausted_done(i, "held: " + held->words) : hold(i, held->gate, held->words);
    }
    if (!i.exhausted && begins(i, *step, last.intent.attempt)) {
        const bool old =
            is_of_first_entry(i, *step) && run.before_action && now_.at - run.before_action->read > kObservationAge;
        if (old) {  // the disk was slow: what was seen is no longer what runs now
            note(Outcome{
                i.id, last.intent.key, "not started: what runs was read too long ago", {}, StepOutcome::NotStarted, 0});
            if (!run.late_since) run.late_since = now_.at;
            if (now_.at - *run.late_since < kSilentWait) return begin_action(i);
            run.late_since.reset();
            return hold(
                i, Reason::PlatformSilent,
                "the platform or the journal's disk is so slow that what runs is known too long before the step");
        }
    }
    run.late_since.reset();
    effect::RunStep run_effect;
    run_effect.service = i.service, run_effect.deploy = i.deploy, run_effect.incident = i.id,
    run_effect.key = last.intent.key;
    run_effect.from = i.from, run_effect.to = i.to, run_effect.config = i.decided->config;
    run_effect.severity = i.severity, run_effect.attempt = last.intent.attempt, run_effect.index = last.intent.index;
    run_effect.deadline = last.intent.deadline - now_.at, run_effect.digest = last.intent.digest;
    run_effect.exhausted = last.intent.exhausted;
    run_effect.place = step->place < 0 ? last.intent.index : step->place;
    note(IncidentMoved{i.id, IncidentState::Acting, Stage::Running, Reason::None,
                       "step " + last.intent.step + " started"});
    emit(std::move(run_effect));
}

// -- the outcome

void Engine::on(const event::StepEnded& e) {
    for (auto& [name, s] : state_.services) {
        const Incident* i = state_.incident(s.incident);
        const bool ours = i != nullptr && i->acting() && i->has_intent() && i->attempts.back().intent.key == e.key;
        if (!ours || i->attempts.back().outcome) continue;
        step_ended(*i, e);
        settle(name);
        return;
    }
}

void Engine::on(const event::ReceiptRead& e) {
    using ReceiptState = event::ReceiptRead::State;
    for (auto& [name, s] : state_.services) {
        const Incident* i = state_.incident(s.incident);
        const bool ours = i != nullptr && i->acting() && i->has_intent() && i->attempts.back().intent.key == e.key;
        if (!ours || i->attempts.back().outcome) continue;
        const Time deadline = i->attempts.back().intent.deadline;
        event::StepEnded ended = e.ended;
        ended.key = e.key;
        if (e.state == ReceiptState::Ended) {
            step_ended(*i, ended);
        } else if (e.state == ReceiptState::None) {
            // The receipt is durable before a step starts: without one it never did.
            ended.outcome = StepOutcome::NotStarted, ended.words = "the runner has no receipt: never started";
            step_ended(*i, ended);
        } else if (now_.at >= deadline + kReceiptGrace) {
            ended.outcome = StepOutcome::Unknown,
            ended.words = "neither an outcome nor an answer of the runner past the deadline";
            step_ended(*i, ended);
        } else if (i->stage != Stage::Asking) {
            note(IncidentMoved{i->id, IncidentState::Acting, Stage::Asking, Reason::None,
                               "asking the runner for the receipt"});
        }
        settle(name);
        return;
    }
}

void Engine::step_ended(const Incident& i, const event::StepEnded& e) {
    const Attempted last = i.attempts.back();
    note(Outcome{i.id, e.key, e.words, e.output_tail, e.outcome, e.exit});
    run_->services[i.service].ask_again.reset();
    if (i.exhausted) return exhausted_step_ended(i, e);
    const PlannedStep* step = planned(i, last.intent.index);
    const bool observed = step != nullptr && step->observed;
    if (e.outcome == StepOutcome::Done) {
        if (step != nullptr && !step->last_of_entry) return write_intent(i);
        return observed ? observe(i, Stage::Confirming)
                        : entry_confirmed(i, "the platform cannot be asked: by signals alone");
    }
    page(i, "update",
         i.service + ": step " + last.intent.step + " of the rollback: " + std::string(to_string(e.outcome)) +
             (e.words.empty() ? "" : ", " + e.words));
    if (platform_can_be_asked(i)) return observe(i, Stage::Reconciling);
    if (e.outcome == StepOutcome::Unknown)
        return hold(i, Reason::UnknownOutcome,
                    "the outcome of " + last.intent.step + " is unknown and the platform cannot be asked");
    attempt_again(i, e.words, last.intent.index);
}

void Engine::observed_while_confirming(const Incident& i, const Observation& seen) {
    Run::Service& run = run_->services[i.service];
    if (seen.kind == Observation::Kind::Version && seen.version == i.to && seen.settled)
        return entry_confirmed(i, "the platform shows " + i.to);
    const PlannedStep* step = planned(i, i.attempts.back().intent.index);
    const Duration within = std::max(kConfirmWithin, step != nullptr ? step->deadline : Duration{});
    run.ask_again = now_.at + Run::kAskAgain;
    if (now_.at - run.stage_since < within) return;
    run.ask_again.reset();
    observed_after_unknown(i, seen);
}

/// S34: unknown is not failed. Only what the platform says leads to a second attempt.
void Engine::observed_after_unknown(const Incident& i, const Observation& seen) {
    Run::Service& run = run_->services[i.service];
    const Attempted& last = i.attempts.back();
    const Deployment* d = state_.deployment(i.deploy);
    const ServiceSettings* settings = d != nullptr ? pinned(*d) : settings_of(i.service).get();
    if (seen.kind == Observation::Kind::NoAnswer) {
        run.ask_again = now_.at + Run::kAskAgain;
        if (now_.at - run.stage_since >= kSilentWait)
            hold(i, Reason::UnknownOutcome, "the outcome is unknown and the platform does not answer: " + seen.words);
        return;
    }
    if (seen.kind == Observation::Kind::Version && seen.version == i.to) {
        if (seen.settled)
            return entry_confirmed(i, "the platform shows " + i.to + " although the step ended " +
                                          std::string(to_string(last.outcome.value_or(StepOutcome::Unknown))));
        run.ask_again = now_.at + Run::kAskAgain;
        if (now_.at - run.stage_since >= kConfirmWithin) hold(i, Reason::UnknownOutcome, i.to + " does not settle");
        return;
    }
    const bool judged = seen.kind == Observation::Kind::Nothing || seen.version == i.from;
    const bool known = last.outcome == StepOutcome::Failed || last.outcome == StepOutcome::NotStarted;
    const bool progress = settings != nullptr && settings->reports_progress && seen.settled;
    if (judged && (known || progress)) {
        run.before_action = seen;  // the compare-and-set of the second attempt
        run.before_action->read = run.asked;
        return attempt_again(i, last.words, last.intent.index);
    }
    hold(i, Reason::UnknownOutcome,
         "the outcome of " + last.intent.step + " is unknown; the platform shows " +
             (judged ? "the judged " + i.from : seen.version));
}

void Engine::attempt_again(const Incident& i, const std::string& words, int index) {
    const Limits limits = gate_input(i).limits;
    const int used = i.attempt - i.first_attempt + 1;
    if (used >= std::min(limits.attempts, 2))
        return give_up(i, Reason::NotApplied,
                       "the rollback failed " + std::to_string(used) + (used == 1 ? " time: " : " times: ") + words);
    note(AttemptBegun{i.id, words, i.attempt + 1, index});
    write_intent(i);
}

void Engine::give_up(const Incident& i, Reason reason, const std::string& words) {
    page_critical(i, i.service + " " + i.from + ": the rollback to " + i.to + " FAILED, a person is needed", words);
    const ServiceSettings* settings = settings_of_incident(i);
    const bool more = reason == Reason::NotApplied && settings != nullptr && settings->has_exhausted && i.decided;
    if (!more) return fail(i, reason, words);
    const auto plan = planner_.plan({i.decided->config, i.service, i.deploy, i.id, i.from, i.to, true});
    if (!plan || plan->empty())
        return fail(i, reason, words + "; on_exhausted: " + (plan ? "it has no steps" : plan.error().message));
    note(Exhausted{i.id, words, *plan});
    write_intent(i);
}

void Engine::fail(const Incident& i, Reason reason, const std::string& words) {
    const std::string id = i.id, deploy = i.deploy;
    note(IncidentMoved{id, IncidentState::Escalated, Stage::None, reason, words});
    close_guard(deploy, DeployState::Regression, 11, reason, words);
}

/// One after the other, each at most once; what fails stops the rest (S34).
void Engine::exhausted_step_ended(const Incident& i, const event::StepEnded& e) {
    const std::string step = i.attempts.back().intent.step;
    const std::string words = std::string(to_string(e.outcome)) + (e.words.empty() ? "" : ", " + e.words);
    if (e.outcome != StepOutcome::Done) {
        page(i, "update", i.service + ": step " + step + " of on_exhausted: " + words);
        return exhausted_done(i, step + " " + words);
    }
    if (i.step < static_cast<int>(i.steps().size())) return write_intent(i);
    page(i, "update", i.service + ": the steps of on_exhausted are done");
    exhausted_done(i, "done");
}

void Engine::exhausted_done(const Incident& i, const std::string& words) {
    fail(i, Reason::NotApplied, i.exhausted->words + "; on_exhausted: " + words);
}

void Engine::entry_confirmed(const Incident& i, const std::string& words) {
    const int index = i.attempts.back().intent.index;
    note(Confirmed{i.id, words, index});
    int next = index + 1;
    const PlannedStep* now = planned(i, index);
    while (planned(i, next) != nullptr && now != nullptr && planned(i, next)->entry == now->entry)
        ++next;  // it was applied as a whole
    if (planned(i, next) == nullptr) return begin_verification(i, words);
    if (i.step != next) note(AttemptBegun{i.id, "next: " + planned(i, next)->name, i.attempt, next});
    write_intent(i);
}

}  // namespace revertd
