// SPDX-License-Identifier: Apache-2.0
// The services that are watched: one ServiceWatch each, made anew when a configuration changes what a service is and no
// guard has it pinned (S41).
#include <algorithm>

#include "actions/rollback.h"
#include "daemon/io/http_client.h"
#include "daemon/io/loop.h"
#include "daemon/runner/client.h"
#include "daemon/shell/driver.h"

namespace revertd {

namespace {

constexpr Duration kPhaseStep = 10ms;      // S15: services are spread by so much
constexpr Duration kFirstSlot = 20ms;      // from the start to the first question
constexpr Duration kSnapshotTick = 200ms;  // short, so that a thousand services never come in one burst
constexpr std::uint64_t kSnapshotGuarded =
    50;                                       // ticks between snapshots of a guarded service: so much is blind at worst
constexpr std::uint64_t kSnapshotIdle = 300;  // of another one: so much of the baseline is lost at worst
static_assert(kSnapshotIdle % kSnapshotGuarded == 0);

/// What answers "which version runs" outside of actions: the platform, else the key `current`.
std::optional<Probe> periodic_probe(const ServiceSettings& settings, const RollbackSpec* spec) {
    if (spec != nullptr) {
        const auto entries = observe_of(*spec, settings.name);
        if (entries)
            for (const Entry& entry : *entries)
                if (entry.observe) return entry.observe;
    }
    if (!settings.current) return std::nullopt;
    return probe_of(*settings.current);
}

}  // namespace

/// S18: time in rollouts, unfinished bakes and incidents is no baseline.
Time Driver::history_from(const std::string& service) const {
    Time from = Time::min();
    for (const auto& [id, d] : engine_->state().deployments)
        if (d.service == service) from = std::max({from, d.started, d.finished.value_or(d.started)});
    for (const auto& [id, i] : engine_->state().incidents)
        if (i.service == service) from = std::max(from, i.closed.value_or(parts_.loop.now()));
    return from;
}

Result<std::unique_ptr<ServiceWatch>> Driver::make_watch(const std::shared_ptr<const ServiceSettings>& settings) {
    const auto& current = parts_.configs.current();
    const auto spec = current->rollbacks.find(settings->name);
    ServiceWatch::Parts parts{parts_.loop, parts_.http, *pool_, *prom_, *this, nullptr, history_from(settings->name)};
    parts.state = engine_->state().service(settings->name);
    if (auto probe = periodic_probe(*settings, spec == current->rollbacks.end() ? nullptr : &spec->second))
        parts.version = std::make_unique<VersionAsker>(parts_.loop, parts_.http, parts_.runner, std::move(*probe),
                                                       "version of " + settings->name);
    return ServiceWatch::make(settings, std::move(parts));
}

Result<void> Driver::configure(std::shared_ptr<const Loaded> loaded, const std::string& text) {
    if (auto pinned = journal_->pin_config(text); !pinned) return pinned.error();
    parts_.configs.set_current(loaded);
    platforms_.clear();
    meters_.keep(loaded->settings);
    feed(event::Configured{std::make_shared<const Settings>(loaded->settings)});
    refresh_watches();
    return {};
}

/// Watches follow the current configuration, but not while a guard has pinned another.
void Driver::refresh_watches() {
    const auto& current = parts_.configs.current();
    if (!current) return;
    std::erase_if(watches_, [&](const auto& w) { return !current->settings.services.contains(w.first); });
    std::size_t index = 0;
    for (const auto& [name, settings] : current->settings.services) {
        const Duration offset = kPhaseStep * static_cast<Duration::rep>(index++);
        const auto old = watches_.find(name);
        const ServiceState* s = engine_->state().service(name);
        const bool pinned = s != nullptr && (!s->guard.empty() || !s->incident.empty());
        if (old != watches_.end() && (old->second->settings() == settings || pinned)) continue;
        std::shared_ptr<const ServiceSettings> wanted = settings;
        if (const Deployment* guard = s != nullptr ? engine_->state().deployment(s->guard) : nullptr;
            guard != nullptr && guard->settings)
            wanted = guard->settings;  // after a restart in the middle of a bake
        auto watch = make_watch(wanted);
        if (!watch)
            continue;  // the loader has refused what cannot be watched; a target that cannot be named stays blind
        const Time now = parts_.loop.now();
        if (old != watches_.end()) {
            // The windows go on where the signals are the same; otherwise the new Judge begins anew.
            if (auto taken = (*watch)->judge().restore(old->second->judge().save(), now); !taken) (void)taken.error();
        } else if (const auto recovered = journal_->latest_flight(name); recovered && recovered->snapshot) {
            if (auto restored = (*watch)->judge().restore(recovered->snapshot->bytes, now); !restored)
                (void)restored.error();
        }
        (*watch)->start(now + kFirstSlot + offset % wanted->interval);
        watches_[name] = std::move(*watch);
    }
    watched_.clear();
    for (const auto& [name, watch] : watches_) watched_.push_back(name);
}

/// Of a thousand healthy services in every slot: what nothing follows from searches for nothing.
void Driver::judged(const ServiceWatch& watch, const JudgeReport& report) {
    ++progress_;
    const ServiceState* s = watch.state();
    const std::string& service = watch.settings()->name;
    if (s == nullptr) s = engine_->state().service(service);
    if (s == nullptr) return;
    if (s->guard.empty() && s->incident.empty()) {  // nothing follows, but a deploy may come
        if (!report.changes.empty()) feed(event::Judged{service, report, {}});
        return;
    }
    auto& [guard, health] = reported_[service];
    const bool same_guard = guard == s->guard;
    if (!s->guard.empty() && (!same_guard || no_power_yet_.contains(service))) find_power(service, s->guard);
    const ServiceSettings& settings = *watches_.at(service)->settings();
    const bool may_end = settings.until_excluded > 0 && report.excluded <= settings.until_excluded;
    if (same_guard && !may_end && report.changes.empty() && report.health == health) return;
    guard = s->guard, health = report.health;
    event::Judged judged{service, report, {}};
    const bool holds =
        std::any_of(report.changes.begin(), report.changes.end(), [](const RuleChange& c) { return c.holds; });
    if (holds) {
        journal::Snapshot snapshot{service, parts_.loop.now(), s->incident.empty() ? s->guard : s->incident,
                                   watches_.at(service)->judge().save()};
        if (const auto hash = journal_->record_flight(std::move(snapshot))) judged.evidence = *hash;
    }
    feed(std::move(judged));
}

/// Once a guard, from what was learnt before it, and as soon as it is seen how large a part of the traffic is judged: a
/// restart knows it already.
void Driver::find_power(const std::string& service, const std::string& deploy) {
    no_power_yet_.erase(service);
    const Deployment* d = engine_->state().deployment(deploy);
    if (d == nullptr || !d->power.empty()) return;
    if (!watches_.at(service)->judge().knows_power()) {
        no_power_yet_.insert(service);
        return;
    }
    auto studies = watches_.at(service)->judge().power();
    if (studies.empty()) return;
    if (!power_) power_ = std::make_unique<PowerWorker>(parts_.loop);
    power_->run(std::move(studies), [this, service, deploy](const std::vector<std::string>& words) {
        feed(event::PowerFound{service, deploy, words});
    });
}

void Driver::version_read(const std::string& service, const Observation& observation) {
    feed(event::Observed{service, 0, observation});
}

/// After a restart, or a suspension, the first slot tells the Engine of every rule. What was known before is not told:
/// nobody has looked since.
void Driver::resync() {
    reported_.clear();
    for (const auto& [name, watch] : watches_) watch->judge().tell_anew();
}

/// A guard is open: should it come to a rollback, the runner's first http step must not have to load libcurl.
void Driver::prepare_steps(const std::string& service) {
    const auto& rollbacks = parts_.configs.current()->rollbacks;
    const auto spec = rollbacks.find(service);
    if (spec == rollbacks.end()) return;
    Placeholders any;
    any.to = any.from = any.deploy = any.incident = any.key = "x", any.service = service;
    const auto plan = expand(spec->second, any);
    const auto by_http = [](const Step& step) { return std::holds_alternative<HttpCall>(step.call); };
    if (plan && std::any_of(plan->steps.begin(), plan->steps.end(), by_http)) parts_.runner.prepare();
}

void Driver::snapshot(const std::string& service, const std::string& incident) {
    const auto watch = watches_.find(service);
    if (watch == watches_.end()) return;
    // A snapshot that cannot be kept makes the next restart blind for longer, nothing else.
    const auto kept = journal_->keep_flight({service, parts_.loop.now(), incident, watch->second->judge().save()});
    (void)kept.has_value();
}

void Driver::snapshot_some() {
    notice_suspension();
    if (!events_.empty() && !draining_) drain();
    const std::uint64_t first = (kSnapshotGuarded - snapshot_round_ % kSnapshotGuarded) % kSnapshotGuarded;
    for (std::uint64_t index = first; index < watched_.size(); index += kSnapshotGuarded) {
        const ServiceState* s = engine_->state().service(watched_[index]);
        const bool guarded = s != nullptr && (!s->guard.empty() || !s->incident.empty());
        if (guarded || (snapshot_round_ + index) % kSnapshotIdle == 0) snapshot(watched_[index], {});
    }
    ++snapshot_round_;
    snapshots_ = parts_.loop.at(parts_.loop.now() + kSnapshotTick, [this] { snapshot_some(); });
}

VersionAsker* Driver::platform(const std::string& service, int entry) {
    auto& asker = platforms_[{service, entry}];
    if (asker) return asker.get();
    const ServiceState* s = engine_->state().service(service);
    const Incident* i = s != nullptr ? engine_->state().incident(s->incident) : nullptr;
    const RollbackSpec* spec =
        i != nullptr && i->decided ? parts_.configs.rollback(i->decided->config, service) : nullptr;
    const auto entries =
        spec != nullptr ? observe_of(*spec, service) : Result<std::vector<Entry>>(std::vector<Entry>{});
    if (!entries || static_cast<std::size_t>(entry) >= entries->size()) return nullptr;
    const auto& observe = (*entries)[static_cast<std::size_t>(entry)].observe;
    if (!observe) return nullptr;
    asker = std::make_unique<VersionAsker>(parts_.loop, parts_.http, parts_.runner, *observe, "platform of " + service);
    return asker.get();
}

}  // namespace revertd
