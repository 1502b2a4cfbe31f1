// SPDX-License-Identifier: Apache-2.0
#include "core/record.h"

#include <array>
#include <string_view>

namespace revertd {

namespace {

/// Names in the order of the enumerators; beyond the last: empty, which enum_from never matches.
template <std::size_t N, class E>
std::string_view name_at(const std::array<std::string_view, N>& names, E value) {
    const auto index = static_cast<std::size_t>(value);
    return index < N ? names[index] : std::string_view{};
}

}  // namespace

std::string_view to_string(Standing value) {
    static constexpr std::array<std::string_view, 5> kNames{"unknown", "declared", "good", "suspect", "bad"};
    static_assert(static_cast<std::size_t>(Standing::Bad) + 1 == kNames.size());
    return name_at(kNames, value);
}

std::string_view to_string(DeployState value) {
    static constexpr std::array<std::string_view, 9> kNames{
        "rolling", "baking", "suspected", "incident", "healthy", "regression", "superseded", "inconclusive", "aborted"};
    static_assert(static_cast<std::size_t>(DeployState::Aborted) + 1 == kNames.size());
    return name_at(kNames, value);
}

std::string_view to_string(IncidentState value) {
    static constexpr std::array<std::string_view, 10> kNames{
        "watching",  "deciding",  "awaiting_approval", "held",      "acting",
        "verifying", "recovered", "not_recovered",     "escalated", "closed"};
    static_assert(static_cast<std::size_t>(IncidentState::Closed) + 1 == kNames.size());
    return name_at(kNames, value);
}

std::string_view to_string(Stage value) {
    static constexpr std::array<std::string_view, 7> kNames{"none",   "observing",   "intending", "running",
                                                            "asking", "reconciling", "confirming"};
    static_assert(static_cast<std::size_t>(Stage::Confirming) + 1 == kNames.size());
    return name_at(kNames, value);
}

std::string_view to_string(StepOutcome value) {
    static constexpr std::array<std::string_view, 4> kNames{"done", "failed", "unknown", "not_started"};
    static_assert(static_cast<std::size_t>(StepOutcome::NotStarted) + 1 == kNames.size());
    return name_at(kNames, value);
}

std::string_view to_string(Reason value) {
    static constexpr std::array<std::string_view, 38> kNames{"none",
                                                             "bake_passed",
                                                             "rule_held",
                                                             "trigger",
                                                             "order",
                                                             "rolled_back",
                                                             "not_applied",
                                                             "not_recovered",
                                                             "denied",
                                                             "taken",
                                                             "hold_fix",
                                                             "policy",
                                                             "newer",
                                                             "third_version",
                                                             "undone_elsewhere",
                                                             "never_seen",
                                                             "blind",
                                                             "inconclusive",
                                                             "recovered_by_itself",
                                                             "aborted_by_person",
                                                             "removed",
                                                             "tool_gave_up",
                                                             "nothing_changed",
                                                             "halted",
                                                             "service_limit",
                                                             "overall_limit",
                                                             "cooldown",
                                                             "no_target",
                                                             "bad_target",
                                                             "stale",
                                                             "platform_silent",
                                                             "platform_unsettled",
                                                             "unknown_outcome",
                                                             "observe_only",
                                                             "no_answer",
                                                             "restart_pending",
                                                             "deploying",
                                                             "runner_silent"};
    static_assert(static_cast<std::size_t>(Reason::RunnerSilent) + 1 == kNames.size());
    return name_at(kNames, value);
}

const char* name_of(const Fact& fact) {
    return std::visit([](const auto& f) { return std::decay_t<decltype(f)>::kName; }, fact);
}

}  // namespace revertd
