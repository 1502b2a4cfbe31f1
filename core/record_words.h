// SPDX-License-Identifier: Apache-2.0
// The closed sets of words that the facts of the journal are made of. Each has a text that never changes: the journal
// holds the text.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/clock.h"

namespace revertd {

enum class Standing : std::uint8_t { Unknown, Declared, Good, Suspect, Bad };
enum class DeployState : std::uint8_t {
    Rolling,
    Baking,
    Suspected,
    Incident,
    Healthy,
    Regression,
    Superseded,
    Inconclusive,
    Aborted
};
enum class IncidentState : std::uint8_t {
    Watching,
    Deciding,
    AwaitingApproval,
    Held,
    Acting,
    Verifying,
    Recovered,
    NotRecovered,
    Escalated,
    Closed
};
/// Where the action protocol stands (architecture, S31-S34); None outside of it.
enum class Stage : std::uint8_t { None, Observing, Intending, Running, Asking, Reconciling, Confirming };
enum class StepOutcome : std::uint8_t { Done, Failed, Unknown, NotStarted };
/// Why a guard, an incident or a hold is as it is; the words beside it carry the numbers.
enum class Reason : std::uint8_t {
    None,
    BakePassed,
    RuleHeld,
    Trigger,
    Order,
    RolledBack,
    NotApplied,
    NotRecovered,
    Denied,
    Taken,
    HoldFix,
    Policy,
    Newer,
    ThirdVersion,
    UndoneElsewhere,
    NeverSeen,
    Blind,
    Inconclusive,
    RecoveredByItself,
    AbortedByPerson,
    Removed,
    ToolGaveUp,
    NothingChanged,
    Halted,
    ServiceLimit,
    OverallLimit,
    Cooldown,
    NoTarget,
    BadTarget,
    Stale,
    PlatformSilent,
    PlatformUnsettled,
    UnknownOutcome,
    ObserveOnly,
    NoAnswer,
    RestartPending,
    Deploying,
    RunnerSilent
};

[[nodiscard]] std::string_view to_string(Standing value);
[[nodiscard]] std::string_view to_string(DeployState value);
[[nodiscard]] std::string_view to_string(IncidentState value);
[[nodiscard]] std::string_view to_string(Stage value);
[[nodiscard]] std::string_view to_string(StepOutcome value);
[[nodiscard]] std::string_view to_string(Reason value);

/// The value of enum E whose to_string is `text`; values are numbered from 0 without a gap.
template <class E>
[[nodiscard]] std::optional<E> enum_from(std::string_view text, int count = 64) {
    for (int i = 0; i < count && !text.empty(); ++i)
        if (const auto value = static_cast<E>(i); to_string(value) == text) return value;
    return std::nullopt;
}

using Meta = std::vector<std::pair<std::string, std::string>>;

struct PlannedStep {
    std::string name, digest;
    Duration deadline{};
    int entry = 0;  ///< of the list of recipes
    bool first_of_entry = true, last_of_entry = true;
    bool observed = false;  ///< its recipe can say what runs
    std::string recipe = {};
    int place = -1;  ///< among all steps of the configuration; -1: its own index here

    template <class Self, class F>
    static void fields(Self& r, F&& f) {
        f("name", r.name), f("digest", r.digest), f("deadline", r.deadline), f("entry", r.entry);
        f("first_of_entry", r.first_of_entry), f("last_of_entry", r.last_of_entry), f("observed", r.observed);
        f("recipe", r.recipe), f("place", r.place);
    }
};

// Each record: kName, members, and `fields` over them. `Self` is the record or the const record.
#define REVERTD_RECORD(NAME)                   \
    static constexpr const char* kName = NAME; \
    template <class Self, class F>             \
    static void fields(Self& r, F&& f)

}  // namespace revertd
