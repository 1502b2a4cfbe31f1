// SPDX-License-Identifier: Apache-2.0
#include "daemon/shell/driver.h"

#include <algorithm>

#include "actions/rollback.h"
#include "config/redact.h"
#include "core/narrate.h"
#include "core/policy.h"
#include "daemon/api/json_text.h"
#include "daemon/io/loop.h"
#include "daemon/journal/codec.h"
#include "daemon/notify/message.h"
#include "daemon/report/explain.h"
#include "daemon/report/report.h"
#include "daemon/runner/client.h"
#include "daemon/shell/stream.h"

namespace revertd {

namespace {

Error no_such(const std::string& id) {
    return {ErrorCode::NotFound, "no deployment or incident " + id,
            "revertctl incident list and revertctl deploy list show them"};
}

constexpr Duration kWitnessAgain = 1s;    // a silent runner is asked again
constexpr Duration kResolverLimit = 10s;  // they are asked when a guard opens: nothing waits for them
/// As long as an answer about what runs counts (S32). The loop turns several times a second; one that is only busy is
/// back before.
constexpr Duration kSuspended = 5s;
constexpr std::size_t kStreamKept = 10'000;  // a watcher that was away for longer asks for the objects again

/// Processes of its group that still run may still change something: then nothing is known for sure (S34).
StepOutcome outcome_of(const Receipt& receipt) {
    if (receipt.survivors) return StepOutcome::Unknown;
    switch (receipt.state) {
        case StepState::Done:
            return StepOutcome::Done;
        case StepState::Failed:
            return StepOutcome::Failed;
        case StepState::None:
            return StepOutcome::NotStarted;
        case StepState::Running:
        case StepState::Unknown:
        case StepState::NoAnswer:
            return StepOutcome::Unknown;
    }
    return StepOutcome::Unknown;
}

/// What a program reads on stdin beside its arguments: texts are data there, never part of a command.
std::string context_of(const effect::RunStep& step, const State& state) {
    const Incident* incident = state.incident(step.incident);
    const Deployment* deployment = state.deployment(step.deploy);
    api::JsonText out;
    out.open_object();
    out.put_text("service", step.service);
    out.put_text("deploy", step.deploy);
    out.put_text("incident", step.incident);
    out.put_text("key", step.key);
    out.put_text("from", step.from);
    out.put_text("to", step.to);
    out.put_text("severity", to_string(step.severity));
    out.put_text("rule", incident != nullptr ? incident->rule : std::string{});
    out.put_text("reason", incident != nullptr ? incident->words : std::string{});
    out.put_text("by", deployment != nullptr ? deployment->by : std::string{});
    out.put_text("migration", deployment != nullptr ? deployment->migration : std::string{});
    out.put_count("attempt", step.attempt);
    out.put_number("deadline_seconds", seconds(step.deadline));
    out.close_object();
    return out.take();
}

}  // namespace

Driver::Driver(Parts parts)
    : parts_(std::move(parts)),
      pool_(std::make_unique<ScrapePool>()),
      prom_(std::make_unique<PromHub>(parts_.loop, parts_.http)) {
    engine_ = std::make_unique<Engine>(parts_.configs, [this](const std::string& config, const std::string& service) {
        return parts_.configs.pinned(config, service);
    });
}

Driver::~Driver() {
    parts_.loop.cancel(tick_);
    parts_.loop.cancel(witness_again_);
    parts_.loop.cancel(snapshots_);
}

Result<void> Driver::open_journal(const std::string& dir) {
    journal::Options options;
    options.dir = dir_ = dir, options.clock = &parts_.loop.clock();
    options.durable = [this](const journal::Commit& commit) {
        parts_.loop.post([this, commit] {
            meters_.commits.observe(commit.took);
            durable(commit.seq);
        });
    };
    options.failed = [this](const std::string& reason) {
        parts_.loop.post([this, reason] {
            feed(event::JournalFailed{reason});
            if (journal_->has_failed()) give_up_waiting(reason);
        });
    };
    auto opened = journal::Journal::open(std::move(options));
    if (!opened) return opened.error();
    journal_ = std::move(*opened);
    return journal_->for_each(1, [this](const journal::Entry& entry) -> Result<void> {
        auto record = journal::to_record(entry);
        if (!record) return record.wrap("record " + std::to_string(entry.seq));
        engine_->replay(*record);
        journaled_ = entry.seq;
        past_.any = true, past_.at = entry.at, past_.wall = entry.wall;
        if (const auto* start = std::get_if<Started>(&record->fact))
            past_.boot = start->boot, past_.offset = start->offset;
        if (const auto* intent = std::get_if<Intent>(&record->fact)) past_.keys.insert(intent->key);
        if (std::holds_alternative<StateAccepted>(record->fact)) past_.accepted_seq = record->seq;
        return {};
    });
}

Now Driver::now() const {
    return parts_.loop.clock().now();
}

void Driver::start(const std::string& boot, Duration offset, const std::string& in_progress, bool journal_failed) {
    started_wall_ = now().wall;
    feed(event::Start{boot, offset, in_progress, journal_failed});
    mark_quarantined();
    resync();
    for (const auto& [name, s] : engine_->state().services)
        if (!s.guard.empty() || !s.incident.empty()) prepare_steps(name);
    alive_ = now().at;
    started_ = true;
    snapshot_some();
}

void Driver::stop() {
    for (const auto& [name, watch] : watches_) snapshot(name, {});
}

// -- one event at a time

void Driver::feed(Event event) {
    notice_suspension();
    events_.push_back(std::move(event));
    if (!draining_) drain();
}

/// The machine slept, or the process was stopped: what is due now was due while nobody looked (S40).
void Driver::notice_suspension() {
    const Time at = now().at;
    const Duration away = at - std::exchange(alive_, at);
    if (!started_ || away < kSuspended) return;
    resync();
    events_.push_back(event::Suspended{away});
}

void Driver::drain() {
    draining_ = true;
    while (!events_.empty()) {
        const Event event = std::move(events_.front());
        events_.pop_front();
        ++progress_;
        take(engine_->step(event, now()));
    }
    draining_ = false;
    plan_tick();
}

void Driver::take(Output out) {
    std::vector<journal::Entry> entries;
    for (const Record& record : out.records) {
        entries.push_back(journal::to_entry(record));
        if (const auto* opened = std::get_if<GuardOpened>(&record.fact)) prepare_steps(opened->service);
    }
    if (!entries.empty()) {
        // Refused after a failure: then nothing becomes durable, and nothing that must be durable acts (S43).
        const auto says_so = [](const Record& r) { return std::holds_alternative<Pruned>(r.fact); };
        const auto pruned = std::ranges::find_if(out.records, says_so);
        const bool prunes = pruned != out.records.end();
        if (prunes) pruned_seq_ = pruned->seq;
        if (const auto appended =
                journal_->append(std::move(entries), prunes ? std::exchange(doomed_, {}) : journal::Doomed{});
            !appended) {
            events_.push_back(event::JournalFailed{appended.error().message});
            tell_of_journal(out.records);
            give_up_waiting(appended.error().message);
        } else {
            std::move(out.records.begin(), out.records.end(), std::back_inserter(not_durable_));
        }
    }
    const bool inputs = std::any_of(out.records.begin(), out.records.end(), [](const Record& r) {
        return std::holds_alternative<Quarantined>(r.fact) || std::holds_alternative<Resumed>(r.fact);
    });
    if (inputs) mark_quarantined();
    for (const Effect& effect : out.effects) std::visit([this](const auto& e) { carry_out(e); }, effect);
    const bool closed = std::any_of(out.records.begin(), out.records.end(), [](const Record& r) {
        return std::holds_alternative<GuardClosed>(r.fact) || std::holds_alternative<IncidentClosed>(r.fact);
    });
    if (closed) refresh_watches();
}

void Driver::publish(const Record& record) {
    if (auto event = stream_event(record, engine_->state())) {
        for (const auto& [id, listener] : listeners_) listener(*event);
        stream_.push_back(std::move(*event));
        if (stream_.size() > kStreamKept) stream_.pop_front();
    }
    meters_.take(record, engine_->state());
    if (parts_.published) parts_.published(record, engine_->state());
}

void Driver::plan_tick() {
    const Time due = engine_->next_deadline();
    if (due == tick_at_) return;
    parts_.loop.cancel(tick_);
    tick_ = TimerId::None;
    tick_at_ = due;
    if (due == Time::max()) return;
    tick_ = parts_.loop.at(due, [this] {
        tick_at_ = Time::max();
        feed(event::Tick{});
    });
}

// -- effects

void Driver::carry_out(const effect::Observe& e) {
    VersionAsker* asker = platform(e.service, e.entry);
    const auto answered = [this, e](const Observation& seen) { feed(event::Observed{e.service, e.token, seen}); };
    if (asker != nullptr) return asker->ask(5s, answered);
    Observation none;
    none.words = "the recipe cannot say what runs", none.read = parts_.loop.now();
    parts_.loop.post([answered, none] { answered(none); });
}

void Driver::mark_quarantined() {
    std::set<std::string, std::less<>> inputs;
    for (const auto& [input, words] : engine_->state().quarantined) inputs.insert(input);
    parts_.loop.mark().set_quarantined(std::move(inputs));
}

/// Of the pinned settings, by the deployment: answers may come after it is over, and are of no use then.
void Driver::carry_out(const effect::Resolve& e) {
    std::erase_if(resolvers_, [&](const auto& one) {
        const Deployment* d = engine_->state().deployment(one.first.first);
        return d == nullptr || !d->open();
    });
    const Deployment* d = engine_->state().deployment(e.deploy);
    const auto index = static_cast<std::size_t>(e.index);
    if (d == nullptr || !d->settings || index >= d->settings->resolvers.size()) return;
    const ResolverSettings& resolver = d->settings->resolvers[index];
    auto& asker = resolvers_[{e.deploy, e.index}];
    if (!asker)
        asker = std::make_unique<VersionAsker>(parts_.loop, parts_.http, parts_.runner, probe_of(resolver.probe),
                                               resolver.name + " of " + e.service);
    asker->ask(kResolverLimit, [this, e](const Observation& named) {
        feed(event::Resolved{e.deploy, e.index, named});
    });
}

/// F94: a step that the journal knows nothing of means that the journal is older than what was done (S43).
void Driver::carry_out(const effect::AskWitness&) {
    parts_.runner.witness([this](const Receipt& r) {
        if (r.state == StepState::NoAnswer) {
            witness_again_ = parts_.loop.at(now().at + kWitnessAgain, [this] { carry_out(effect::AskWitness{}); });
            return feed(event::Witnessed{"the runner gives no answer"});
        }
        const bool known =
            r.newest.empty() || past_.keys.contains(r.newest) || past_.accepted_seq > number_of(r.newest);
        if (known) return feed(event::Witnessed{});
        const std::string words = "the runner has a receipt of " + r.newest +
                                  ", which the journal does not know: it is "
                                  "older than what was done, see `revertctl state accept`";
        feed(event::JournalFailed{words});
        feed(event::Witnessed{words});
    });
}

void Driver::carry_out(const effect::RunStep& e) {
    past_.keys.insert(e.key);
    const RollbackSpec* spec =
        e.exhausted ? parts_.configs.exhausted(e.config, e.service) : parts_.configs.rollback(e.config, e.service);
    Receipt refused;
    refused.state = StepState::None;
    if (spec != nullptr) {
        Placeholders values;
        values.to = e.to, values.from = e.from, values.service = e.service, values.incident = e.incident,
        values.key = e.key;
        values.deploy = e.deploy.empty() ? e.incident : e.deploy, values.attempt = e.attempt;
        const auto plan = expand(*spec, values);
        const auto index = static_cast<std::size_t>(e.place);
        if (plan && index < plan->steps.size() && plan->steps[index].digest == e.digest) {
            StepOrder order{e.key, plan->steps[index], context_of(e, engine_->state())};
            order.step.deadline = e.deadline;
            meters_.step_started(e.incident, engine_->state(), now().at);
            parts_.runner.start(order, [this, key = e.key](const Receipt& r) { receipt(key, r); });
            return;
        }
        refused.reason = plan ? "the plan is not the one that was decided" : plan.error().message;
    } else {
        refused.reason = "the pinned configuration is lost";
    }
    parts_.loop.post([this, key = e.key, refused] { receipt(key, refused); });
}

void Driver::receipt(const std::string& key, const Receipt& r) {
    event::StepEnded ended{key, outcome_of(r), r.exit.value_or(0), r.reason, r.output};
    if (r.state == StepState::NoAnswer)
        feed(event::ReceiptRead{key, event::ReceiptRead::State::NoAnswer, {}});
    else if (r.state == StepState::Running)
        feed(event::ReceiptRead{key, event::ReceiptRead::State::Running, {}});
    else
        feed(std::move(ended));
}

void Driver::carry_out(const effect::AskRunner& e) {
    parts_.runner.query(e.key, [this, key = e.key](const Receipt& r) {
        using Said = event::ReceiptRead::State;
        event::ReceiptRead read{key, Said::Ended, {key, outcome_of(r), r.exit.value_or(0), r.reason, r.output}};
        if (r.state == StepState::None) read.state = Said::None;
        if (r.state == StepState::Running) read.state = Said::Running;
        if (r.state == StepState::NoAnswer) read.state = Said::NoAnswer;
        feed(std::move(read));
    });
}

void Driver::carry_out(const effect::StopStep& e) {
    parts_.runner.stop(e.key);
}

void Driver::carry_out(const effect::SetPhase& e) {
    const auto watch = watches_.find(e.service);
    if (watch == watches_.end()) return;
    if (e.freeze_baseline) watch->second->judge().freeze_baseline(*e.freeze_baseline);
    watch->second->judge().set_phase(e.phase);
}

void Driver::carry_out(const effect::Summarise& e) {
    const auto watch = watches_.find(e.service);
    event::Summarised summary{e.deploy, {}};
    if (watch != watches_.end()) summary.rules = watch->second->judge().summarise();
    feed(std::move(summary));
}

void Driver::carry_out(const effect::Reply& e) {
    const auto asked = asked_.find(e.to);
    if (asked == asked_.end()) return;
    Answer answer = std::move(asked->second);
    asked_.erase(asked);
    const std::uint64_t last = engine_->state().seq;
    if (!e.error && !journal_lost_.empty()) {
        effect::Reply reply = e;
        reply.error = not_on_disk();
        return answer(reply);
    }
    if (e.error || not_durable_.empty())
        answer(e);
    else
        waiting_.push_back({last, e, std::move(answer)});  // what is acknowledged is on disk
}

// -- Backend

void Driver::command(const Peer& peer, const Command& command, Answer answer) {
    const std::uint64_t id = next_question_++;
    asked_[id] = std::move(answer);
    feed(event::Asked{peer, command, id});
}

std::optional<JudgeView> Driver::view(const std::string& service) const {
    const auto watch = watches_.find(service);
    if (watch == watches_.end()) return std::nullopt;
    return watch->second->judge().view();
}

std::optional<Time> Driver::next_check(const std::string& service) const {
    const auto watch = watches_.find(service);
    if (watch == watches_.end()) return std::nullopt;
    return watch->second->next_slot();
}

std::vector<StreamEvent> Driver::events_after(std::uint64_t id) {
    if (id < journaled_ && !past_read_) read_past_events();
    std::vector<StreamEvent> out;
    std::copy_if(stream_.begin(), stream_.end(), std::back_inserter(out),
                 [&](const StreamEvent& e) { return e.id > id; });
    return out;
}

/// Once, when a client first asks for what was before this start: most starts are asked by nobody.
void Driver::read_past_events() {
    past_read_ = true;
    const std::uint64_t from = journaled_ > kStreamKept ? journaled_ - kStreamKept + 1 : 1;
    const EventNames names(engine_->state());
    std::vector<StreamEvent> past;
    const auto read = journal_->for_each(from, [&](const journal::Entry& entry) -> Result<void> {
        if (entry.seq > journaled_) return {};
        const auto record = journal::to_record(entry);
        if (!record) return record.error();
        auto event = stream_event(*record, engine_->state(), &names);
        if (event) past.push_back(std::move(*event));
        return {};
    });
    if (!read) return;  // the journal says so itself; what is kept is what can be told
    stream_.insert(stream_.begin(), std::make_move_iterator(past.begin()), std::make_move_iterator(past.end()));
    while (stream_.size() > kStreamKept) stream_.pop_front();
}

std::string Driver::config_text() const {
    const Settings* settings = engine_->settings();
    const auto text = settings != nullptr ? journal_->config_text(settings->hash) : Result<std::string>(std::string());
    return text ? config::redacted(*text) : std::string();
}

RuntimeInfo Driver::runtime() const {
    return {started_wall_,        meters_.last_reload,  meters_.last_reload_done,
            engine_->state().seq, journal_->instance(), stream_.size()};
}

std::uint64_t Driver::subscribe(Listener listener) {
    const std::uint64_t id = next_question_++;
    listeners_[id] = std::move(listener);
    return id;
}

void Driver::unsubscribe(std::uint64_t subscription) {
    listeners_.erase(subscription);
}

Result<std::vector<std::string>> Driver::explain(const std::string& id) const {
    const Deployment* d = engine_->state().find_deployment(id);
    const Incident* i = engine_->state().incident(d != nullptr ? d->incident : id);
    if (d == nullptr && i == nullptr) return no_such(id);
    const std::string deploy = d != nullptr ? d->id : i->deploy;
    auto records = records_of(i != nullptr ? i->id : std::string{}, deploy);
    if (!records) return records.error();
    if (d == nullptr) d = engine_->state().deployment(i->deploy);
    std::vector<std::string> lines = explain_lines({d, i, *records, now()});
    if (!lines.empty()) lines.insert(lines.end(), {"", "What happened:"});
    for (const Record& r : *records)
        if (std::string words = narrate(r.fact); !words.empty()) lines.push_back(to_rfc3339(r.wall) + "  " + words);
    return lines;
}

Result<std::string> Driver::report(const std::string& id, const std::string& format) const {
    const Deployment* d = engine_->state().find_deployment(id);
    const Incident* i = engine_->state().incident(d != nullptr ? d->incident : id);
    if (d == nullptr && i != nullptr) d = engine_->state().deployment(i->deploy);
    if (d == nullptr && i == nullptr) return no_such(id);
    auto records = records_of(i != nullptr ? i->id : std::string{}, d != nullptr ? d->id : std::string{});
    if (!records) return records.error();
    const ReportInput input{d, i, *records, now(), incident_link(parts_.external_url, i != nullptr ? i->id : "")};
    if (format == "md") return report_markdown(input);
    if (format == "json") return report_json(input);
    if (format == "html") return report_html(input);
    return Error(ErrorCode::Invalid, "no report in the format " + format, "md, html or json");
}

std::string Driver::metrics() const {
    const Now at = now();
    MetricsInput input{meters_, *engine_, {}, parts_.notifications(), pool_->bytes};
    input.each_watched = [&](const std::function<void(const MetricsInput::Watched&)>& visit) {
        for (const auto& [name, watch] : watches_)
            visit({name, *watch->settings(), watch->judge().counts(), at.wall - at.at.time_since_epoch()});
    };
    return metrics_text(input);
}

Result<std::vector<Record>> Driver::records_of(const std::string& incident, const std::string& deploy) const {
    const Deployment* d = engine_->state().deployment(deploy);
    const Incident* i = engine_->state().incident(incident);
    const std::string service = d != nullptr ? d->service : i != nullptr ? i->service : std::string{};
    // From its first record on: what is read, and the loop waits for it, is a guard's time, not the whole journal.
    const std::uint64_t from = d != nullptr ? d->opened_seq : i != nullptr ? i->opened_seq : 1;
    const bool over = (d == nullptr || !d->open()) && (i == nullptr || !i->open());
    const Time end =
        std::max(d != nullptr && d->finished ? *d->finished : Time{}, i != nullptr && i->closed ? *i->closed : Time{});
    const EventNames names(engine_->state());
    std::vector<Record> out;
    auto read = journal_->for_each(from, [&](const journal::Entry& entry) -> Result<void> {
        if (over && entry.at > end) return {};
        auto record = journal::to_record(entry);
        if (!record) return record.error();
        const auto event = stream_event(*record, engine_->state(), &names);
        const bool ours = entry.service == service || (!incident.empty() && entry.incident == incident) ||
                          (event && event->service == service);
        if (ours) out.push_back(std::move(*record));
        return {};
    });
    if (!read) return read.error();
    return out;
}

}  // namespace revertd
