// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/scenario.h"

#include <yaml-cpp/yaml.h>

#include <functional>

#include "core/narrate.h"

namespace revertd::sim {

namespace {

constexpr const char* kConfig = R"(
defaults: { bake: 15m, warmup: 60s, interval: 5s, baseline: 10m, min_requests: 20 }
services:
  api:
    health: http://127.0.0.1:9/health
    metrics: http://127.0.0.1:9/metrics
    signals: { errors: 'ratio(http_requests_total, code=~"5..")' }
    guard:
      P0: [health down for 30s, errors > 10% for 1m]
      P1: [errors > 5% for 2m]
      P2: [errors > 2% for 5m]
    rollback: { systemd: api.service, releases: /srv/api/releases }
notify:
  webhook: { url: http://127.0.0.1:9/hook }
)";

/// What happened, for the reader of a failure.
std::string story(const World& world) {
    std::string out;
    for (const Record& r : world.durable())
        out += to_words(r.at - world.origin()) + "  " + name_of(r.fact) + "  " + narrate(r.fact) + "\n";
    return out;
}

}  // namespace

Result<Duration> duration_from(const std::string& text) {
    Duration total{};
    std::size_t at = 0;
    while (at < text.size()) {
        std::size_t used = 0;
        double value = 0;
        try {
            value = std::stod(text.substr(at), &used);
        } catch (const std::exception&) {
            return Error(ErrorCode::Invalid, "not a duration: " + text);
        }
        at += used;
        const std::string unit = text.substr(at, text.compare(at, 2, "ms") == 0 ? 2 : 1);
        const Duration size = unit == "ms"  ? Duration(1ms)
                              : unit == "s" ? Duration(1s)
                              : unit == "m" ? Duration(1min)
                              : unit == "h" ? Duration(1h)
                              : unit == "d" ? Duration(24h)
                                            : Duration{};
        if (size == Duration{}) return Error(ErrorCode::Invalid, "not a duration: " + text);
        total += std::chrono::duration_cast<Duration>(value * size);
        at += unit.size();
    }
    return total;
}

Peer peer_named(const std::string& name) {
    if (name == "root") return {0, "root", {}, false};
    const auto uid = static_cast<std::uint32_t>(1000 + std::hash<std::string>{}(name) % 60000);
    return {uid, name, {}, false};
}

Result<Scenario> read_scenario(const std::string& path) {
    try {
        const YAML::Node file = YAML::LoadFile(path);
        Scenario out;
        out.file = path;
        out.says = file["says"].as<std::string>();
        out.proves = file["proves"].as<std::vector<std::string>>();
        out.config = file["config"] ? file["config"].as<std::string>() : kConfig;
        for (const YAML::Node& step : file["script"]) {
            const auto text = step.as<std::string>();
            const std::size_t space = text.find(' ');
            const auto at = duration_from(text.substr(0, space));
            if (!at) return at.wrap(path + ":" + std::to_string(step.Mark().line + 1));
            const std::size_t begin = text.find_first_not_of(' ', space);
            out.script.push_back({*at, text.substr(begin), step.Mark().line + 1});
        }
        return out;
    } catch (const YAML::Exception& e) {
        return Error(ErrorCode::Invalid, path + ": " + e.what());
    }
}

Result<void> run_scenario(const Scenario& scenario) {
    Stage stage;
    stage.config = scenario.config;
    if (auto configured = stage.world.configure(scenario.config); !configured)
        return configured.wrap(scenario.file + ": config");
    for (const Line& line : scenario.script) {
        stage.world.run_until(stage.world.origin() + line.at);
        auto done = perform(stage, line.sentence);
        // What is said at an instant is seen there: the platform and the journal take milliseconds.
        if (done && line.sentence.rfind("expect", 0) != 0) stage.world.run_until(stage.world.origin() + line.at + 50ms);
        if (!done)
            return done.wrap(scenario.file + ":" + std::to_string(line.number) + ": " + line.sentence + "\n" +
                             story(stage.world));
    }
    return {};
}

}  // namespace revertd::sim
