// SPDX-License-Identifier: Apache-2.0
#include "tests/api/fake_backend.h"

#include <algorithm>
#include <utility>

namespace revertd::test {
namespace {

Rule above(Severity severity, double bound, const std::string& text) {
    Rule rule;
    rule.severity = severity;
    rule.bound = bound;
    rule.hold = 2min;
    rule.text = text;
    return rule;
}

SeverityPolicy policy(SeverityPolicy::Rollback rollback, const std::string& page) {
    SeverityPolicy out;
    out.rollback = rollback;
    out.page = page;
    return out;
}

}  // namespace

std::shared_ptr<Settings> small_settings() {
    auto service = std::make_shared<ServiceSettings>();
    service->name = "api";
    service->health.push_back({"http://127.0.0.1:1/health", 200, 399, {}, {}, {}});
    Signal errors;
    errors.name = "errors", errors.kind = Signal::Kind::Ratio, errors.unit = Unit::Ratio,
    errors.text = "ratio(requests)";
    service->signals = {errors};
    service->rules = {above(Severity::P0, 0.10, "errors > 10% for 1m"), above(Severity::P1, 0.05, "errors > 5% for 2m"),
                      above(Severity::P2, 0.02, "errors > 2% for 5m")};
    service->severity = std::make_shared<const SeverityMatrix>(SeverityMatrix{
        policy(SeverityPolicy::Rollback::Now, "critical"), policy(SeverityPolicy::Rollback::AfterApproval, "error"),
        policy(SeverityPolicy::Rollback::Never, "warning"), policy(SeverityPolicy::Rollback::Never, "none")});
    service->has_rollback = service->observes = true;
    auto settings = std::make_shared<Settings>();
    settings->hash = "5e77";
    settings->services["api"] = service;
    return settings;
}

Result<std::vector<PlannedStep>> FakeBackend::OneStep::plan(const PlanRequest& request) const {
    PlannedStep step;
    step.name = "flip", step.digest = "d1gest" + request.to, step.deadline = 30s, step.observed = true;
    return std::vector{step};
}

FakeBackend::FakeBackend(Loop& loop)
    : loop_(loop), engine_(planner_, [this](const std::string&, const std::string& service) {
          return engine_.settings() != nullptr ? engine_.settings()->find(service) : nullptr;
      }) {
    configure(small_settings());
    feed(event::Start{.boot = "boot"});
}

// -- the outside

void FakeBackend::feed(Event event) {
    take(engine_.step(event, now()));
}

void FakeBackend::take(const Output& out) {
    for (const Effect& effect : out.effects) {
        if (const auto* reply = std::get_if<effect::Reply>(&effect)) {
            auto answer = asked_.extract(reply->to);
            if (answer.empty()) continue;
            owed_.push_back([told = *reply, answer = std::move(answer.mapped())] { answer(told); });
        }
        if (const auto* ask = std::get_if<effect::Observe>(&effect))
            loop_.post([this, ask = *ask] { feed(event::Observed{ask.service, ask.token, observation()}); });
    }
    for (const Record& record : out.records) {
        if (const auto* opened = std::get_if<GuardOpened>(&record.fact))
            publish({record.seq, record.wall, "guard.opened", opened->service, opened->deploy, {}, "opened", {}});
        if (const auto* closed = std::get_if<GuardClosed>(&record.fact))
            publish(
                {record.seq, record.wall, "guard.closed", "api", closed->deploy, {}, closed->words, closed->exit_code});
    }
    if (!journal_hangs) release();
    if (!out.records.empty()) feed(event::Durable{out.records.back().seq});
}

void FakeBackend::release() {
    for (const auto& answer : std::exchange(owed_, {})) answer();
}

Observation FakeBackend::observation() const {
    Observation read;
    read.kind = version_.empty() ? Observation::Kind::NoAnswer : Observation::Kind::Version;
    read.version = version_, read.read = now().at;
    return read;
}

void FakeBackend::runs(const std::string& version) {
    version_ = version;
    for (int i = 0; i < 3; ++i) feed(event::Observed{"api", 0, observation()});
}

void FakeBackend::judge(RuleChange change) {
    JudgeReport report;
    std::erase_if(seen.rules, [&](const RuleChange& old) { return old.rule == change.rule; });
    seen.rules.push_back(change);
    report.changes.push_back(std::move(change));
    feed(event::Judged{"api", report, "f11e"});
}

void FakeBackend::publish(StreamEvent event) {
    kept.push_back(event);
    for (const auto& [id, listener] : listeners_) listener(event);
}

// -- Backend

std::optional<JudgeView> FakeBackend::view(const std::string& service) const {
    return service == "api" ? std::optional(seen) : std::nullopt;
}

std::optional<Time> FakeBackend::next_check(const std::string& service) const {
    return service == "api" ? std::optional(now().at + 3s) : std::nullopt;
}

void FakeBackend::command(const Peer& peer, const Command& command, Answer answer) {
    commands.emplace_back(peer, command);
    const std::uint64_t id = next_id_++;
    asked_[id] = std::move(answer);
    feed(event::Asked{peer, command, id});
}

Result<void> FakeBackend::reload() {
    ++reloads;
    if (reload_error) return *reload_error;
    return {};
}

Result<std::string> FakeBackend::report(const std::string& incident, const std::string& format) const {
    if (engine_.state().incident(incident) == nullptr) return Error(ErrorCode::NotFound, "no incident " + incident);
    return format == "json" ? R"({"report":")" + incident + "\"}" : "# " + incident + "\n";
}

Result<std::vector<std::string>> FakeBackend::explain(const std::string& id) const {
    if (engine_.state().incident(id) == nullptr) return Error(ErrorCode::NotFound, "no incident " + id);
    return std::vector<std::string>{"errors held", "P1 asks \"leads\""};
}

std::string FakeBackend::metrics() const {
    on_metrics();
    return "# TYPE revertd_build_info gauge\nrevertd_build_info 1\n";
}

std::vector<StreamEvent> FakeBackend::events_after(std::uint64_t id) {
    std::vector<StreamEvent> out;
    std::copy_if(kept.begin(), kept.end(), std::back_inserter(out), [&](const StreamEvent& e) { return e.id > id; });
    return out;
}

std::uint64_t FakeBackend::subscribe(Listener listener) {
    listeners_[next_id_] = std::move(listener);
    return next_id_++;
}

}  // namespace revertd::test
