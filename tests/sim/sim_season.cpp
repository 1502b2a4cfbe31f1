// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/sim_season.h"

#include <stdexcept>

#include "core/narrate.h"

namespace revertd::sim {

namespace {

// Short times, so that a deploy is over in minutes; the last service is never deployed (I21).
constexpr const char* kConfig = R"(
defaults:
  bake: 60s
  warmup: 10s
  interval: 5s
  baseline: 60s
  min_requests: 20
  rollout: 2m
  signals: { errors: 'ratio(http_requests_total, code=~"5..")', queue: queue_length }
  guard:
    P0: [health down for 15s, errors > 10% for 20s]
    P1: [errors > 5% for 30s, queue > 100 for 20s, rollout stuck]
    P2: [errors > 2% for 30s]
  verify: { within: 3m, health: up, errors: < 3% for 30s }
  steady: page
  on_exhausted: [ { exec: [/srv/maintenance, "on"] }, { exec: [/srv/tell, "{service}"] } ]
services:
  plain:
    health: http://127.0.0.1:9/h
    metrics: http://127.0.0.1:9/m
    rollback: { systemd: plain.service, releases: /srv/plain }
    resolvers: [{ name: list, http: http://127.0.0.1:9/list }, { name: tag, exec: [/srv/tag] }]
    guard:
      P0: [{ any: [health down for 15s, errors > 10% for 20s] }]
      P1: [{ 2 of: [errors > 5% for 30s, queue > 100 for 20s, health down for 10s] }, errors > 7% for 30s, rollout stuck]
      P2: [errors > 2% for 30s]
  wide:
    health: [http://127.0.0.1:81/h, http://127.0.0.1:82/h, http://127.0.0.1:83/h]
    metrics: [http://127.0.0.1:81/m, http://127.0.0.1:82/m, http://127.0.0.1:83/m]
    rollback: { systemd: wide.service, releases: /srv/wide }
  command: { health: http://127.0.0.1:9/h, metrics: http://127.0.0.1:9/m, rollback: { exec: [/srv/rollback, "{to}"], current: [/srv/current] } }
  listed:
    health: http://127.0.0.1:9/h
    metrics: http://127.0.0.1:9/m
    rollback: [ { exec: [/srv/first, "{to}"], current: [/srv/current] }, { exec: [/srv/second, "{to}"], current: [/srv/current] } ]
  unasked: { health: http://127.0.0.1:9/h, metrics: http://127.0.0.1:9/m, rollback: { exec: [/srv/rollback, "{to}"] } }
  still: { health: http://127.0.0.1:9/h, metrics: http://127.0.0.1:9/m, rollback: { systemd: still.service, releases: /srv/still } }
severity:
  P0: { rollback: P0_ROLLBACK, page: critical, by: leads, wait: 2m }
  P1: { rollback: after approval, page: error, by: leads, wait: 2m, no_answer: NO_ANSWER }
  P2: { rollback: never, page: warning }
  P3: { rollback: never, page: none }
limits: { per_service: 3 per 10m, overall: 6 per 10m, attempts: 2, cooldown: 30s }
people: { leads: [ana, roger, eve], oncall: [bo] }
notify: { webhook: { url: http://127.0.0.1:9/CANARY } }
)";

constexpr const char* kServices[] = {"plain", "wide", "command", "listed", "unasked"};
constexpr const char* kStill = "still";
constexpr std::size_t kStoryLines = 80;

std::string with(std::string text, const std::string& key, const std::string& value) {
    return text.replace(text.find(key), key.size(), value);
}

/// Facts name their service, deployment or incident; ids of other services' ones are in the way of a reader.
bool concerns(const Fact& fact, const std::string& service) {
    return service.empty() || std::visit(
                                  [&](const auto& f) {
                                      if constexpr (requires { f.service; }) return f.service == service;
                                      return true;
                                  },
                                  fact);
}

std::uint64_t mix(std::uint64_t hash, const std::string& text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return hash;
}

}  // namespace

Season::Season(const SeasonOptions& options, Coverage& coverage)
    : options_(options), coverage_(coverage), dice_(options.seed), invariants_(world_, coverage) {
    constexpr const char* kNoAnswer[] = {"escalate", "hold", "rollback"};
    const std::string config = with(kConfig, "NO_ANSWER", kNoAnswer[dice_.below(3)]);
    config_ = with(config, "P0_ROLLBACK", "now");
    config_asking_ = with(config, "P0_ROLLBACK", "after approval");
    world_.plant = options.plant;
    for (const char* service : kServices) world_.outside(service).platform.version = "v1", versions_[service] = {"v1"};
    world_.outside(kStill).platform.version = "v1";
    if (auto configured = world_.configure(config_); !configured)
        throw std::logic_error("configuration of the simulator: " + configured.error().message);
}

void Season::later(Duration after, std::function<void()> what) {
    agenda_.emplace(world_.now() + after, std::move(what));
}

void Season::pass(Duration time) {
    const Time until = world_.now() + time;
    while (!agenda_.empty() && agenda_.begin()->first <= until && !violation()) {
        world_.run_until(agenda_.begin()->first);
        const auto what = std::move(agenda_.begin()->second);
        agenda_.erase(agenda_.begin());
        what();
    }
    if (!violation()) world_.run_until(until);
}

const std::string& Season::any_service() {
    auto it = versions_.begin();
    std::advance(it, static_cast<std::ptrdiff_t>(dice_.below(versions_.size())));
    return it->first;
}

void Season::run() {
    pass(100s);
    while (made_ < options_.deploys && !violation()) {
        deploy();
        if (options_.faults && dice_.chance(80)) break_something();
        if (world_.up()) answer_incidents();
        if (world_.up() && dice_.chance(20)) order_something();
        pass(dice_.between(1s, 16s));
        if (world_.up()) answer_incidents();
        pass(dice_.between(1s, 16s));
        if (dice_.chance(3)) invariants_.compare_with_fold();
    }
    if (violation()) return;
    calm_down();
    if (!violation()) invariants_.compare_with_fold();
    if (!violation()) invariants_.ended();
}

/// Faults stop; what is open must come to its end, or to a person.
void Season::calm_down() {
    pass(2min);  // faults that end by themselves
    agenda_.clear();
    if (world_.journal_fails && world_.up()) crash();
    if (!world_.up()) restart();
    world_.step_mode = StepMode::Works, world_.step_takes = 1s, world_.journal_takes = 1ms;
    world_.runner_answers = true;
    const Peer root{0, "root", {}, false};
    say(root, command::Resume{});
    for (auto& [service, versions] : versions_) {
        say(root, command::Resume{service});
        Outside& out = world_.outside(service);
        Outside calm;
        calm.platform = {out.platform.version, true, false, false};
        calm.versions = out.versions;
        out = calm;
    }
    pass(25min);
}

std::string Season::story(const std::string& service) const {
    std::vector<std::string> lines;
    for (const Record& r : world_.durable()) {
        if (!concerns(r.fact, service)) continue;
        std::string line = to_words(r.at - world_.origin()) + "  #" + std::to_string(r.seq) + "  " + name_of(r.fact) +
                           "  " + narrate(r.fact);
        lines.push_back(std::move(line));
    }
    std::string out;
    const std::size_t first = lines.size() > kStoryLines ? lines.size() - kStoryLines : 0;
    for (std::size_t i = first; i < lines.size(); ++i) out += "  " + lines[i] + "\n";
    return out;
}

std::uint64_t Season::hash() const {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const Record& r : world_.durable()) {
        hash = mix(hash, std::to_string(r.seq) + " " + std::to_string(r.at.time_since_epoch().count()));
        hash = mix(mix(hash, name_of(r.fact)), narrate(r.fact));
    }
    return mix(hash, world_.state().fingerprint());
}

}  // namespace revertd::sim
