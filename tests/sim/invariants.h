// SPDX-License-Identifier: Apache-2.0
// What must be true after every event, whatever happens outside. Each looks at records, effects and the outside only.
#pragma once
#include <map>
#include <optional>
#include <string>

#include "tests/sim/facts.h"
#include "tests/sim/outputs.h"
#include "tests/sim/shadow.h"
#include "tests/sim/world.h"

namespace revertd::sim {

/// How often something was seen: states, verdicts, faults, and the premise of each invariant.
using Coverage = std::map<std::string, std::uint64_t>;

struct Violation {
    std::string invariant, words, service;
};

/// A start of a step, and what is known at that instant.
struct Start {
    const Facts& facts;
    const effect::RunStep& step;
    const IncidentFacts& incident;
    const ServiceFacts& service;
    Time now{};
    Limits limits;
    RateLimit overall;
    const StepRun* before = nullptr;  ///< the last step of this incident, as it really ended

    /// Not the continuation of what was started: the first step of an entry or of an attempt.
    [[nodiscard]] bool begins() const;
    [[nodiscard]] const PlannedStep& planned() const;

    /// revertd itself decided: no person ordered it.
    [[nodiscard]] bool automatic() const { return !incident.ordered; }
};

/// Watches a world: installs itself in its hooks.
class Invariants {
  public:
    Invariants(World& world, Coverage& coverage);
    Invariants(const Invariants&) = delete;
    Invariants& operator=(const Invariants&) = delete;

    /// A person has said something, and this was answered.
    void told(const Command& command, const effect::Reply& reply);
    /// The same deploy was said twice: both answers (I22).
    void said_twice(const std::string& service, const effect::Reply& once, const effect::Reply& again);
    /// Somebody has changed what runs.
    void deployed(const std::string& service);
    void crashed();
    void restarted();
    /// I11, where nothing is on its way to the disk.
    void compare_with_fold();
    /// I9: faults have stopped, people have answered and time has passed.
    void ended();

    [[nodiscard]] const std::optional<Violation>& violation() const { return violation_; }

    [[nodiscard]] const Facts& facts() const { return facts_; }

  private:
    void fed(const Event& event);
    void durable(const Record& record);
    void started(const effect::RunStep& step);
    void judged(const std::string& service, const std::shared_ptr<const ServiceSettings>& settings,
                const JudgeReport& report, bool is_sample);
    void effect(const Effect& effect);
    void check_sight(const std::string& service, const ServiceSettings& settings, const JudgeReport& report);
    void left_unknown(const VerificationStarted& verifying);
    [[nodiscard]] const StepRun* last_step_of(const std::string& incident) const;
    void check_told(Time now);
    void check_bounds();
    void check(const char* invariant, const std::string& service, const std::string& words);

    World& world_;
    Coverage& coverage_;
    Facts facts_;
    std::optional<Violation> violation_;
    std::map<std::string, Shadow> shadows_;

    /// What the judge of a service has said since the daemon is up.
    struct Sight {
        Time begun{}, judged{}, unhealthy{};  ///< first slot, last slot, last slot that met a fault of its own
        std::map<std::uint32_t, Verdict> verdicts;
    };

    std::map<std::string, Sight> sights_;
    ChainedJournal journal_;
};

}  // namespace revertd::sim
