// SPDX-License-Identifier: Apache-2.0
#include "core/narrate.h"

namespace revertd {

namespace {

template <class T>
std::string text(T value) {
    return std::string(to_string(value));
}

std::string with_reason(const std::string& who, const std::string& reason) {
    return reason.empty() ? who : who + ": " + reason;
}

struct Narrator {
    std::string operator()(const ConfigLoaded& f) const {
        return "configuration " + f.config.substr(0, 12) + " loaded";
    }

    std::string operator()(const VersionSeen& f) const { return f.version + " " + f.words; }

    std::string operator()(const StandingChanged& f) const {
        return f.version + " is " + (f.standing == Standing::Unknown ? "no longer marked" : text(f.standing)) + ": " +
               f.why + (f.by.empty() ? "" : " (" + f.by + ")");
    }

    std::string operator()(const AdoptionStarted& f) const {
        if (f.version.empty()) return {};
        if (f.words.empty()) return f.version + " is watched for one bake before it counts as good";
        return f.version + " does not count as good yet and is watched for another bake: " + f.words;
    }

    std::string operator()(const GuardOpened& f) const {
        return "deploy " + f.deploy + " of " + f.version + (f.from.empty() ? "" : " (was " + f.from + ")") +
               " opened by " + (f.by.empty() ? f.opened_by : f.by);
    }

    std::string operator()(const GuardNamed& f) const { return "deploy " + f.deploy + " is also " + f.alias; }

    std::string operator()(const FirstSeen& f) const {
        return "deploy " + f.deploy + ": the new version is seen, the bake begins";
    }

    std::string operator()(const Settled& f) const { return "deploy " + f.deploy + ": the rollout has settled"; }

    std::string operator()(const RolloutFinished& f) const {
        return "deploy " + f.deploy + ": the deploy tool says that it is complete";
    }

    std::string operator()(const BrokenBefore& f) const { return "broken before the deploy: " + f.rule; }

    std::string operator()(const BakeExtended& f) const {
        return "still breached at the end of the bake, judged on: " + f.rule;
    }

    std::string operator()(const PowerKnown& f) const {
        std::string out = "deploy " + f.deploy + " can show";
        for (const std::string& words : f.words) out += (&words == &f.words.front() ? ": " : "; ") + words;
        return out;
    }

    std::string operator()(const BakeShortened& f) const { return "the bake ends early: " + f.words; }

    std::string operator()(const BlindPaged& f) const { return "deploy " + f.deploy + " cannot be judged: blind"; }

    std::string operator()(const GuardClosed& f) const {
        return "deploy " + f.deploy + " " + text(f.state) + " (" + std::to_string(f.exit_code) + "): " + f.words;
    }

    std::string operator()(const RuleChanged& f) const {
        return f.text + ": " + (f.holds ? "holds" : text(f.verdict)) + (f.words.empty() ? "" : ", " + f.words) +
               (f.where.empty() ? "" : "; " + f.where);
    }

    std::string operator()(const HealthChanged& f) const {
        return "health " + text(f.health) + (f.words.empty() ? "" : ": " + f.words);
    }

    std::string operator()(const IncidentOpened& f) const { return text(f.severity) + " opened: " + f.words; }

    std::string operator()(const SeverityRaised& f) const { return "raised to " + text(f.severity) + ": " + f.words; }

    std::string operator()(const Ordered& f) const {
        return "rollback to " + f.to + " " + f.words + (f.force ? " (forced)" : "");
    }

    std::string operator()(const Decided& f) const { return "decided: " + f.words; }

    std::string operator()(const ApprovalAsked& f) const {
        return "approval asked of " + (f.role.empty() ? "root or the group revertd" : f.role) +
               (f.quorum > 1 ? ", " + std::to_string(f.quorum) + " of them" : "");
    }

    std::string operator()(const ApprovalGiven& f) const {
        return "approved by " + f.by + (f.reason.empty() ? "" : ": " + f.reason);
    }

    std::string operator()(const ApprovalVoided& f) const { return "approval " + f.words; }

    std::string operator()(const WaitEnded& f) const { return f.words; }

    std::string operator()(const Answered& f) const {
        return f.answer + " by " + f.by + (f.reason.empty() ? "" : ": " + f.reason);
    }

    std::string operator()(const IncidentMoved& f) const {
        return text(f.state) + (f.gate == Reason::None ? "" : " (" + text(f.gate) + ")") +
               (f.words.empty() ? "" : ": " + f.words);
    }

    std::string operator()(const Intent& f) const {
        return "intent " + std::to_string(f.attempt) + ": " + f.step + ", " + f.from + " -> " + f.to + ", key " + f.key;
    }

    std::string operator()(const Outcome& f) const {
        return "step " + text(f.outcome) + (f.exit == 0 ? "" : ", exit " + std::to_string(f.exit)) +
               (f.words.empty() ? "" : ": " + f.words);
    }

    std::string operator()(const AttemptBegun& f) const {
        return "attempt " + std::to_string(f.attempt) + (f.words.empty() ? "" : ": " + f.words);
    }

    std::string operator()(const Exhausted& f) const {
        std::string steps;
        for (const PlannedStep& step : f.steps) steps += (steps.empty() ? "" : ", then ") + step.name;
        return "no attempt is left (" + f.words + "): " + steps;
    }

    std::string operator()(const Suspended& f) const {
        return "revertd was suspended for " + to_words(std::chrono::floor<std::chrono::seconds>(f.lasted)) +
               "; everything is judged anew";
    }

    std::string operator()(const Crashed& f) const { return "the run before crashed while busy with " + f.input; }

    std::string operator()(const Quarantined& f) const { return f.words; }

    std::string operator()(const TargetNamed& f) const {
        return f.resolver + (f.version.empty() ? " " + f.words : " names " + f.version + " as good");
    }

    std::string operator()(const SteadyChanged& f) const {
        return "outside of a deploy, " + f.rule + ": " + (f.holds ? "holds" : "no longer holds") +
               (f.words.empty() ? "" : ", " + f.words);
    }

    std::string operator()(const Confirmed& f) const { return "confirmed: " + f.words; }

    std::string operator()(const VerificationStarted&) const { return "verification begins"; }

    std::string operator()(const VerificationEnded& f) const {
        return (f.recovered ? "recovered: " : "NOT recovered: ") + f.words;
    }

    std::string operator()(const IncidentClosed& f) const { return "closed" + (f.words.empty() ? "" : ": " + f.words); }

    std::string operator()(const Halted& f) const {
        return (f.service.empty() ? "everything" : f.service) + " halted by " + with_reason(f.by, f.reason);
    }

    std::string operator()(const Resumed& f) const {
        return (f.service.empty() ? "everything" : f.service) + " resumed by " + with_reason(f.by, f.reason);
    }

    std::string operator()(const Frozen& f) const {
        return (f.service.empty() ? "all deploys" : "deploys of " + f.service) + " frozen by " + f.by +
               (f.reason.empty() ? "" : ": " + f.reason);
    }

    std::string operator()(const Unfrozen& f) const {
        return (f.service.empty() ? "all deploys" : "deploys of " + f.service) + " welcome again, by " + f.by +
               (f.reason.empty() ? "" : ": " + f.reason);
    }

    std::string operator()(const LadderClimbed& f) const { return "told " + f.to + ": " + f.words; }

    std::string operator()(const Reminded& f) const { return f.words; }

    std::string operator()(const ObserveOnlySet& f) const { return "observing only: " + f.words; }

    std::string operator()(const Started& f) const { return f.words; }

    std::string operator()(const StateAccepted& f) const { return "journal accepted by " + f.by + ": " + f.reason; }

    std::string operator()(const Pruned& f) const {
        return std::to_string(f.more) + " records of deploys that are over were pruned by " + f.by;
    }

    std::string operator()(const Paged& f) const {
        return f.level == "none" ? "" : "told at level " + f.level + ": " + f.summary;
    }
};

}  // namespace

std::string narrate(const Fact& fact) {
    return std::visit(Narrator{}, fact);
}

}  // namespace revertd
