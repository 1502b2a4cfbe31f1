// SPDX-License-Identifier: Apache-2.0
// I22: what the rules would have said, had we been blind now and then. Blindness must never bring an action about.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/judge.h"
#include "core/rule_state.h"
#include "tests/sim/dice.h"

namespace revertd::sim {

/// A second run of every rule that counts slots, fed with the same verdicts, but for some breaches that are made blind.
class Shadow {
  public:
    explicit Shadow(std::shared_ptr<const ServiceSettings> settings);

    /// A slot was judged. Words if a rule holds in the shadow only; `premises` counts the slots where it holds at all.
    std::string slot(const JudgeReport& report, Time at, std::uint64_t& premises);

    /// Between slots: only what the rules say is kept.
    void note(const JudgeReport& report);

    /// A phase began, or the daemon anew.
    void clear();

    [[nodiscard]] const ServiceSettings& settings() const { return *settings_; }

  private:
    struct One {
        RuleRun run;
        Verdict verdict = Verdict::Insufficient;
        bool holds = false;  ///< as the Judge says
    };

    std::shared_ptr<const ServiceSettings> settings_;
    std::vector<One> rules_;
    Dice dice_{22};
};

}  // namespace revertd::sim
