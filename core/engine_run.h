// SPDX-License-Identifier: Apache-2.0
// What the Engine remembers of this run of the daemon only: reads and questions that are simply asked again after a
// restart. Nothing of it is part of a decision's past.
#pragma once
#include <map>
#include <optional>
#include <string>

#include "core/engine.h"

namespace revertd {

struct Engine::Run {
    struct Service {
        // reads of the running version
        std::string candidate;  ///< another version, read `equal` times in a row since `candidate_since` (S5)
        int equal = 0;
        Time candidate_since{};
        int back = 0;  ///< reads of nothing but `from` after `to` (S7)
        Time back_since{};
        std::optional<Observation> last;
        int unanswered = 0;  ///< reads without an answer, the last one and those before it
        Time unanswered_since{};
        std::string unanswered_why;

        // the question that is out
        std::uint64_t token = 0;  ///< 0: none
        Time asked{}, stage_since{};
        std::optional<Time> late_since;  ///< intents reach the disk too late to be used
        std::optional<Time> ask_again;
        std::optional<Observation> before_action;  ///< the compare-and-set read (S32)

        /// Rules of P1 or worse that hold, by their sentence, and since when: told outside of guards, too, so that a
        /// deploy of a service that is broken already is known to be one (S9).
        std::map<std::string, Time> holding;
        std::map<std::string, RuleChange> judged;  ///< the last word on each rule, where `steady` is set

        // questions to resolvers
        std::string resolving;                  ///< the deployment that they were asked for
        std::optional<Time> resolve_again;      ///< those that have not answered
        std::map<int, std::string> unresolved;  ///< and why not, by their place in the list

        std::optional<JudgePhase> phase;
        std::optional<Time> judged_at;  ///< the last report of its Judge
        bool summary_asked = false;
        std::optional<Time> due;
    };

    std::map<std::string, Service> services;
    std::uint64_t next_token = 1;
    std::uint64_t durable = 0;
    std::uint64_t replayed = 0;      ///< the last record of earlier runs
    bool begun = false;              ///< event::Start has come: before it nothing is decided
    bool witnessed = false;          ///< the runner knows of no step that the journal does not
    std::string runner_silent;       ///< why this is not known although it was asked for; a gate
    bool journal_was_paged = false;  ///< that it failed, by an earlier run

    /// A pause before asking the platform once more; a new stage begins its own clock.
    static constexpr Duration kAskAgain = 1s;
};

template <class F>
void Engine::note(F fact) {
    Record record{state_.seq + 1, now_.at, now_.wall, std::move(fact)};
    state_.apply(record);
    out_->records.push_back(std::move(record));
}

template <class E>
void Engine::emit(E effect) {
    out_->effects.emplace_back(std::move(effect));
}

/// An instant at which something is due; the earliest one counts.
inline void sooner(std::optional<Time>& due, Time at) {
    if (!due || at < *due) due = at;
}

}  // namespace revertd
