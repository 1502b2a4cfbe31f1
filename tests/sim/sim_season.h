// SPDX-License-Identifier: Apache-2.0
// A season: one world with a few hundred random deploys, faults, restarts and people, all of them from one seed.
#pragma once
#include <functional>
#include <map>
#include <set>
#include <string>

#include "tests/sim/dice.h"
#include "tests/sim/invariants.h"

namespace revertd::sim {

struct SeasonOptions {
    std::uint64_t seed = 1;
    int deploys = 200;
    bool faults = true;
    Plant plant = Plant::None;
};

class Season {
  public:
    Season(const SeasonOptions& options, Coverage& coverage);

    /// To its end, or to the first violation.
    void run();

    [[nodiscard]] const std::optional<Violation>& violation() const { return invariants_.violation(); }

    [[nodiscard]] int deploys() const { return made_; }

    /// What happened to a service, the last lines; everything for an empty name.
    [[nodiscard]] std::string story(const std::string& service) const;
    /// Of every durable record and the last state: equal for equal seeds (I20).
    [[nodiscard]] std::uint64_t hash() const;

  private:
    // -- time
    void later(Duration after, std::function<void()> what);
    void pass(Duration time);

    // -- deploys (sim_deploys.cpp)
    void deploy();
    void arrive(const std::string& service, const std::string& version, bool settled);
    void roll_out(const std::string& service, const std::string& from, const std::string& version, bool told);
    void alternate(const std::string& service, const std::string& from, const std::string& version);
    [[nodiscard]] Behaviour behaviour();

    // -- faults (sim_faults.cpp)
    void break_something();
    void break_metrics();
    void break_platform();
    void break_runner();
    void break_daemon();
    void break_journal();
    void crash();
    void crash_on(const std::string& input, std::size_t times);
    void restart();

    void fault(const char* name) { ++coverage_[std::string("fault ") + name]; }

    // -- people (sim_people.cpp)
    void answer_incidents();
    void answer(const Incident& incident);
    void order_something();
    void halt();
    effect::Reply ask(const Peer& peer, const Command& command);
    void say(const Peer& peer, const Command& command);
    [[nodiscard]] Peer anybody();

    void calm_down();
    [[nodiscard]] const std::string& any_service();

    SeasonOptions options_;
    Coverage& coverage_;
    Dice dice_;
    World world_;
    Invariants invariants_;
    std::multimap<Time, std::function<void()>> agenda_;
    std::map<std::string, std::vector<std::string>> versions_;  ///< ever deployed, by service
    int made_ = 0, version_ = 1;
    bool asks_ = false;  ///< the configuration as reloaded
    std::string config_, config_asking_;
};

}  // namespace revertd::sim
