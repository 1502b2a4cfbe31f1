// SPDX-License-Identifier: Apache-2.0
// Season after season, until the wanted number of deploys is made.
#pragma once
#include <iosfwd>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/invariants.h"

namespace revertd::sim {

struct RunOptions {
    std::uint64_t seed = 1;
    int deploys = 1000;
    bool faults = true, hash = false;
    Plant plant = Plant::None;
};

struct RunResult {
    int deploys = 0, violations = 0;
    std::set<std::string> violated;  ///< names of invariants; each season ends with its first
    Coverage coverage;
    std::uint64_t hash = 0;
};

/// Stories of violations, with the command that replays them, go to `out`.
[[nodiscard]] RunResult run(const RunOptions& options, std::ostream& out);

[[nodiscard]] std::vector<std::string> plant_names();
[[nodiscard]] Plant plant_named(const std::string& name);

constexpr int kCoverageFrom = 100'000;         ///< shorter runs say nothing about coverage
constexpr std::uint64_t kSeenAtLeast = 1'000;  ///< a state, verdict, fault kind or premise

/// What a run must have seen, and has not seen often enough.
[[nodiscard]] std::vector<std::string> rarely_seen(const Coverage& coverage);

}  // namespace revertd::sim
