// SPDX-License-Identifier: Apache-2.0
// Pure readings of state and settings that the Engine's transitions share.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/event.h"
#include "core/state.h"

namespace revertd {

/// S41: of the pinned and the current settings the stricter one counts at once. Either may be null.
[[nodiscard]] Mode stricter_mode(const ServiceSettings* pinned, const ServiceSettings* current);
[[nodiscard]] SeverityPolicy stricter_policy(Severity severity, const ServiceSettings* pinned,
                                             const ServiceSettings* current);
[[nodiscard]] Limits stricter_limits(const ServiceSettings* pinned, const ServiceSettings* current);

/// The hours in which everything asks, of the pinned or the current settings; null outside of them.
[[nodiscard]] const Hours* ask_only_hours(const ServiceSettings* pinned, const ServiceSettings* current, WallTime now);

/// An incident that waits for a person who has not said anything yet: what the ladder is for (S30).
[[nodiscard]] bool waits_for_people(const Incident& incident);

/// When the ladder climbs and what was promised comes due; in no order.
[[nodiscard]] std::vector<Time> reminders_due(const Incident& incident, const ServiceSettings& settings);

/// Owner, environment, class and runbook, as far as they are written.
[[nodiscard]] Meta facts_of(const ServiceSettings& settings);

/// Completes a page about an incident: its facts, its issue, and the people that the ladder begins with.
void describe(const Incident& incident, const ServiceSettings* settings, Paged& page);

/// What the Judge of a service is to do, as it follows from the state.
[[nodiscard]] JudgePhase judge_phase(const State& state, const ServiceState& service, const ServiceSettings* settings);

/// When a verification that has not succeeded has failed. After a restart it may still succeed: it is watched long
/// enough.
[[nodiscard]] Time verification_ends(const Incident& incident, const ServiceSettings& settings, Time started);

/// The next instant at which the state of a service changes by itself.
[[nodiscard]] std::optional<Time> next_due(const State& state, const ServiceState& service,
                                           const ServiceSettings* current, Time now);

/// S26 over the summaries of a bake (or of the watch at installation).
struct PassVerdict {
    bool passed = false;
    bool breached_at_end = false;  ///< a rule is still breached: judged on for at most its `for`
    bool blind_at_end = false;
    bool blind_too_long = false;  ///< more of its slots than a pass may lack could not be seen
    std::string rule;             ///< the one that decided
    Duration hold{};              ///< its `for`
    std::string words;
    std::vector<std::string> left_out, excluded;
};

/// "; not judged: errors > 5% (nothing happened in the window)"
[[nodiscard]] std::string left_out_words(const PassVerdict& pass);

[[nodiscard]] PassVerdict judge_summary(const ServiceSettings& settings, const std::vector<RuleSummary>& rules);

/// What pages about a quarantine are known by.
constexpr const char* kQuarantine = "quarantine";
constexpr const char* kJournal = "journal";  ///< pages about it (S43)

/// Rules that the Engine judges itself have these indices, beyond any configured rule.
constexpr std::uint32_t kRolloutStuck = 1'000'000, kDeployFailed = 1'000'001;

constexpr Duration kRecoveredWatch = 15min;  // S36: watched on for the report

}  // namespace revertd
