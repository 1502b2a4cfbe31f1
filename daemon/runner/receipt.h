// SPDX-License-Identifier: Apache-2.0
// What is known of a step: the answer to a start, and to the question what became of a key.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "actions/step.h"
#include "core/clock.h"

namespace revertd {

enum class StepState : std::uint8_t {
    None,     ///< nothing was ever started under this key; to a start: nothing was started, `reason` says why
    Running,  ///< only to a query, and to a start whose key runs already
    Done,     ///< exit 0 or 10, answer 2xx; whether it helped, `confirm` says
    Failed,   ///< it ended and says so; `exit`, or the status of the answer
    Unknown,  ///< a signal, the deadline, a runner that died: ask the platform
    NoAnswer  ///< the runner could not be reached, or was lost after the order was sent: ask again by key
};

struct Receipt {
    StepState state = StepState::None;
    std::optional<int> exit;  ///< exit code, or HTTP status
    std::string reason;       ///< in words, for anything but a plain exit
    std::string output;       ///< tail of stdout and stderr, or of the answer; UTF-8, control characters visible
    bool survivors = false;   ///< processes of its group still run
    std::string newest;       ///< only to that question: the key with the highest number ever started
    bool repeated = false;    ///< refused: the key was started before, this is what its receipt says
    WallTime started{}, ended{};
};

/// The number behind the last dot of a key: its intent's place in the journal. 0: it has none.
[[nodiscard]] std::uint64_t number_of(std::string_view key);

/// One step under one idempotency key.
struct StepOrder {
    std::string key;
    Step step;
    std::string context;  ///< JSON on stdin; empty: /dev/null
};

/// What a probe command answered.
struct ProbeResult {
    int exit = -1;       ///< -1: no answer (not started, a signal, the deadline, too much output); `error` says why
    std::string output;  ///< stdout, at most 64 KiB
    std::string error;   ///< or stderr
};

[[nodiscard]] std::string_view to_string(StepState state);
[[nodiscard]] std::optional<StepState> step_state_from(std::string_view text);

}  // namespace revertd
