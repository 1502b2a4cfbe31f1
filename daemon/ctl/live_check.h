// SPDX-License-Identifier: Apache-2.0
// `check --live`: everything that a configuration asks is asked once, by whoever calls it and from where it is called.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "config/load.h"

namespace revertd::ctl {

struct LiveFinding {
    std::string service;
    std::string what;  ///< "health http://…", "signal errors", "observe 1"
    bool good = false;
    std::string value;  ///< what was read, for people
    std::optional<std::size_t> series;
    Duration age{};     ///< from the question to the answer; what is read directly is as old as that
    std::string words;  ///< why it is not good, or how the value is meant
};

/// Asks all health targets, all /metrics targets and what runs, at the same time, each for at most 5 s. Programs are
/// run by a revertd-runner of its own, with the rights of the caller; it ends by itself. Errors: no place for it.
[[nodiscard]] Result<std::vector<LiveFinding>> check_live(const Loaded& loaded);

}  // namespace revertd::ctl
