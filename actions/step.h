// SPDX-License-Identifier: Apache-2.0
// What a rollback does, as data: steps to run once, probes to ask as often as one likes.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/clock.h"

namespace revertd {

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// A program without a shell. `argv[0]` is an absolute path or the word kRunnerWord.
struct ExecCall {
    std::vector<std::string> argv;
    std::string cwd = "/";
    Pairs env;  ///< all of it, but for PATH and what the runner knows (REVERTD_DEADLINE_UNIX)

    bool operator==(const ExecCall&) const = default;
};

/// As `argv[0]`: the runner itself, which brings flip, observe-systemd and restart-unit.
inline constexpr const char* kRunnerWord = "revertd-runner";

struct HttpCall {
    std::string method = "POST";
    std::string url;
    Pairs headers;
    std::string body;

    bool operator==(const HttpCall&) const = default;
};

/// One intent, one receipt, one process group or request.
struct Step {
    std::string name;  ///< for people: "restart api.service"
    std::variant<ExecCall, HttpCall> call;
    Duration deadline{};
    int entry = 0;               ///< which entry of `rollback:`, from 0
    bool last_of_entry = false;  ///< after it the entry is confirmed
    std::string digest;          ///< SHA-256, hex, of what it does; the same for every attempt and key
};

/// "What runs now?" Never changes anything.
/// A command prints the version as its first line, ` settling` behind it while the rollout goes on; exit 3: nothing
/// runs.
struct HttpProbe {
    std::string url;
    std::string json;  ///< JSON pointer; empty: the first line of the body

    bool operator==(const HttpProbe&) const = default;
};

using Probe = std::variant<ExecCall, HttpProbe>;

inline constexpr int kExitNothingRuns = 3;

/// `confirm`: observe until it shows the target, settled, for at most `within`.
struct Entry {
    std::string recipe;
    std::optional<Probe> observe;
    Duration confirm_within{};
};

struct Plan {
    std::vector<Step> steps;     ///< in this order, each with its own intent and key (S31)
    std::vector<Entry> entries;  ///< in the order of `rollback:`
    bool reports_progress = false;
    std::string digest;  ///< of all steps: what an approval is bound to (S28)
};

/// What the first line of a probe command says.
struct Observed {
    std::string version;  ///< empty: nothing runs
    bool settled = true;
    std::string tried = {};  ///< where nothing runs: what was started last, and did not stay up

    bool operator==(const Observed&) const = default;
};

}  // namespace revertd
