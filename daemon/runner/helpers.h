// SPDX-License-Identifier: Apache-2.0
// Steps and probes that revertd-runner brings itself: `revertd-runner flip ...`. Exit codes as any command's:
// 0 done, 10 already there, 3 nothing runs, 78 the configuration cannot be right, 1 anything else.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"

namespace revertd::runner {

struct HelperArguments {
    std::map<std::string, std::string> options;  ///< `--name value`
    std::vector<std::string> words;              ///< behind `--`
};

/// Runs argv[1] if it is one of the helpers; the result is its exit code.
[[nodiscard]] std::optional<int> run_helper(const std::vector<std::string>& argv);

/// --link L --releases D --to ID: lets L point at D/ID by one rename; no reader ever finds no link.
[[nodiscard]] int flip(const HelperArguments& arguments);

/// --releases D --current L --systemctl S -- UNIT...: the release that the first unit's process runs from.
[[nodiscard]] int observe_systemd(const HelperArguments& arguments);

/// --systemctl S -- UNIT: clears a start limit that the bad release ran into, then restarts and waits for the job.
[[nodiscard]] int restart_unit(const HelperArguments& arguments);

struct Captured {
    int exit = -1;
    std::string output;
};

/// Runs a program of the same trust as a step's in this process group; stderr goes to ours.
[[nodiscard]] Result<Captured> capture(const std::vector<std::string>& argv);

}  // namespace revertd::runner
