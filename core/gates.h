// SPDX-License-Identifier: Apache-2.0
// Where an action is allowed: one list of gates, asked before the approval is sought, before the intent and again when
// the intent is durable. Each passes or holds, and names itself.
#pragma once
#include <optional>
#include <string>

#include "core/state.h"

namespace revertd {

struct GateInput {
    const State& state;
    const ServiceState& service;
    const Incident& incident;
    const Deployment* deployment = nullptr;  ///< null: a person's order on a service without one
    Limits limits;                           ///< the stricter of the pinned and the current ones (S41)
    RateLimit overall;
    Time now{};
    std::string runner_silent;  ///< why the runner cannot be trusted with a step; empty: it can, or was not asked yet
};

struct Held {
    Reason gate = Reason::None;
    std::string words;
};

/// The first gate that holds, in the order of the list in gates.cpp; nothing when all pass.
[[nodiscard]] std::optional<Held> check_gates(const GateInput& input);

/// Before the steps of `on_exhausted`, which change no version: only what stops everything holds them.
[[nodiscard]] std::optional<Held> check_last_gates(const GateInput& input);

/// A rule is fresh when it was breached within the last `for`, at least two minutes, and sees (S28).
struct Freshness {
    bool breached_lately = false;
    bool blind = false;    ///< what decided cannot be seen now
    bool cleared = false;  ///< ok for max(`for`, 2 m): closes by itself
    bool holds = false;
    bool stale_since_restart = false;
    std::string words;
};

[[nodiscard]] Freshness freshness(const ServiceState& service, const Incident& incident,
                                  const ServiceSettings* settings, Time now, Time started);

/// `for` of a rule by its sentence; zero if it has none.
[[nodiscard]] Duration hold_of(const ServiceSettings* settings, const std::string& rule);

/// Held for what could not be seen while revertd was away, and it has not been back for as long as its rule needs
/// (S38).
[[nodiscard]] bool sees_again_soon(const State& state, const Incident& incident, const ServiceSettings* settings,
                                   Time now);

constexpr Duration kFreshAtLeast = 2min;  // S28: a rule without `for` would otherwise make approvals a race
constexpr Duration kObservationAge = 5s;  // S32: what runs was read at most this long before the step starts

}  // namespace revertd
