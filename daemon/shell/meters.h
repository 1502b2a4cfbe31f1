// SPDX-License-Identifier: Apache-2.0
// What the daemon counts about itself (interface, section 5): plain numbers, written by the loop. Text is made of them
// only when somebody asks (metrics_text.h).
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "core/engine.h"
#include "daemon/shell/histogram.h"

namespace revertd {

class Meters {
  public:
    /// Of one service; they go with it.
    struct OfService {
        std::map<std::string, std::uint64_t> deploys;                         ///< by outcome
        std::map<std::pair<Severity, std::string>, std::uint64_t> rollbacks;  ///< by severity and mode
        std::map<std::string, std::uint64_t> failed_steps;                    ///< by name
    };

    Meters();

    /// A record that has become durable.
    void take(const Record& record, const State& state);
    /// A step is handed to the runner: for the first one of a rollback that nobody was asked about, how long after the
    /// sample that decided it.
    void step_started(const std::string& incident, const State& state, Time now);
    void reloaded(bool done, WallTime now);
    /// The loop is alive and has made progress; how late its latest timer was.
    void beat(WallTime now, Duration lag);
    /// Forgets what was counted about any service that `settings` does not name.
    void keep(const Settings& settings);

    [[nodiscard]] const std::map<std::string, OfService>& services() const { return services_; }

    Histogram scrapes, reactions, rollbacks, approval_waits, commits, lags;
    bool last_reload_done = true;
    WallTime last_reload{}, last_beat{};

  private:
    void closed(const GuardClosed& fact, const State& state);
    void intended(const Intent& fact, const State& state);
    void ended(const Outcome& fact, const State& state);

    std::map<std::string, OfService> services_;
};

}  // namespace revertd
