// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/sim_run.h"

#include <algorithm>
#include <ostream>

#include "tests/sim/sim_season.h"

namespace revertd::sim {

namespace {

constexpr int kDeploysOfSeason = 200;
constexpr int kStories = 3;  // a defect shows in many seasons; a few tell enough

struct PlantName {
    const char* name;
    Plant plant;
};

constexpr PlantName kPlants[] = {{"none", Plant::None},
                                 {"starts-twice", Plant::StartsTwice},
                                 {"starts-early", Plant::StartsEarly},
                                 {"judges-blind", Plant::JudgesBlind},
                                 {"ignores-halt", Plant::IgnoresHalt},
                                 {"skips-compare", Plant::SkipsCompare},
                                 {"bad-target", Plant::BadTarget},
                                 {"forgets-limits", Plant::ForgetsLimits},
                                 {"forgets-crashes", Plant::ForgetsCrashes},
                                 {"guards-restored", Plant::GuardsRestored},
                                 {"forges-approvals", Plant::ForgesApprovals},
                                 {"loses-answers", Plant::LosesAnswers},
                                 {"unknown-is-failed", Plant::UnknownIsFailed},
                                 {"loses-records", Plant::LosesRecords},
                                 {"loses-tail", Plant::LosesTail},
                                 {"loses-pages", Plant::LosesPages},
                                 {"hides-failures", Plant::HidesFailures},
                                 {"stalls-journal", Plant::StallsJournal},
                                 {"needs-blindness", Plant::NeedsBlindness},
                                 {"forgets-names", Plant::ForgetsNames},
                                 {"touches-others", Plant::TouchesOthers},
                                 {"turns-round", Plant::TurnsRound},
                                 {"edits-records", Plant::EditsRecords},
                                 {"blinds-neighbours", Plant::BlindsNeighbours},
                                 {"tells-secrets", Plant::TellsSecrets},
                                 {"rolls-own-dice", Plant::RollsOwnDice}};

// What must be seen besides the faults, which count when they are made. Not there: the verdict `stale`, which only a
// history server gives, and states that nothing enters (suspected, not_recovered).
constexpr const char* kMustBeSeen[] = {"guard rolling",
                                       "guard baking",
                                       "guard incident",
                                       "guard healthy",
                                       "guard regression",
                                       "guard superseded",
                                       "guard inconclusive",
                                       "guard aborted",
                                       "incident watching",
                                       "incident deciding",
                                       "incident awaiting_approval",
                                       "incident held",
                                       "incident acting",
                                       "incident verifying",
                                       "incident recovered",
                                       "incident escalated",
                                       "incident closed",
                                       "steady told",
                                       "targets named",
                                       "inputs quarantined",
                                       "steps of on_exhausted",
                                       "verdict ok",
                                       "verdict breach",
                                       "verdict no_data",
                                       "verdict partial",
                                       "verdict error",
                                       "verdict ambiguous",
                                       "verdict insufficient",
                                       "premise I1",
                                       "premise I1 of on_exhausted",
                                       "premise I2",
                                       "premise I3",
                                       "premise I4",
                                       "premise I5",
                                       "premise I6",
                                       "premise I7",
                                       "premise I8",
                                       "premise I9",
                                       "premise I10",
                                       "premise I11",
                                       "premise I12",
                                       "premise I13",
                                       "premise I14",
                                       "premise I15",
                                       "premise I16",
                                       "premise I17",
                                       "premise I17 of a quarantine",
                                       "premise I18",
                                       "premise I19",
                                       "premise I21",
                                       "premise I22"};

}  // namespace

std::vector<std::string> plant_names() {
    std::vector<std::string> names;
    for (const PlantName& p : kPlants) names.emplace_back(p.name);
    return names;
}

Plant plant_named(const std::string& name) {
    const auto* found =
        std::find_if(std::begin(kPlants), std::end(kPlants), [&](const auto& p) { return p.name == name; });
    return found == std::end(kPlants) ? Plant::None : found->plant;
}

std::vector<std::string> rarely_seen(const Coverage& coverage) {
    std::vector<std::string> rare;
    for (const char* what : kMustBeSeen)
        if (const auto it = coverage.find(what); it == coverage.end() || it->second < kSeenAtLeast)
            rare.emplace_back(what);
    for (const auto& [what, times] : coverage)
        if (what.rfind("fault ", 0) == 0 && times < kSeenAtLeast) rare.push_back(what);
    return rare;
}

RunResult run(const RunOptions& options, std::ostream& out) {
    RunResult result;
    for (std::uint64_t seed = options.seed; result.deploys < options.deploys; ++seed) {
        const int deploys = std::min(kDeploysOfSeason, options.deploys - result.deploys);
        Season season({seed, deploys, options.faults, options.plant}, result.coverage);
        season.run();
        result.deploys += deploys;
        if (options.hash) result.hash = result.hash * 31 + season.hash();
        if (!season.violation()) continue;
        const Violation& v = *season.violation();
        result.violated.insert(v.invariant);
        if (++result.violations > kStories) continue;
        out << v.invariant << " is violated: " << v.words << "\n"
            << season.story(v.service) << "  again: revertd-sim --seed " << seed << " --deploys " << deploys
            << " --faults " << (options.faults ? "all" : "none");
        for (const PlantName& p : kPlants)
            if (p.plant == options.plant && p.plant != Plant::None) out << " --plant " << p.name;
        out << "\n";
    }
    return result;
}

}  // namespace revertd::sim
