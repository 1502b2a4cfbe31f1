// SPDX-License-Identifier: Apache-2.0
// revertd-sim --seed N --deploys N --faults all|none [--hash] [--coverage] [--plant NAME]
#include <CLI/CLI.hpp>
#include <ctime>
#include <iostream>

#include "tests/sim/sim_run.h"

int main(int argc, char** argv) {
    using namespace revertd::sim;
    CLI::App app{"Random deploys, faults, restarts and people in virtual time; invariants after every event"};
    RunOptions options;
    std::string faults = "all", plant = "none";
    bool hash = false, coverage = false;
    app.add_option("--seed", options.seed, "of the first season; each further one takes the next");
    app.add_option("--deploys", options.deploys)->check(CLI::PositiveNumber);
    app.add_option("--faults", faults)->check(CLI::IsMember({"all", "none"}));
    app.add_option("--plant", plant, "a defect that an invariant must find")->check(CLI::IsMember(plant_names()));
    app.add_flag("--hash", hash, "print a hash of everything that happened");
    app.add_flag("--coverage", coverage, "print how often everything was seen");
    CLI11_PARSE(app, argc, argv);
    options.faults = faults == "all";
    options.plant = plant_named(plant);
    options.hash = hash;

    const std::clock_t begin = std::clock();  // of the processor: what else runs does not count
    const RunResult result = run(options, std::cout);
    const double took = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    if (coverage)
        for (const auto& [what, times] : result.coverage) std::cout << times << "\t" << what << "\n";
    const auto rare = result.deploys >= kCoverageFrom ? rarely_seen(result.coverage) : std::vector<std::string>{};
    for (const std::string& what : rare) std::cout << "seen less than " << kSeenAtLeast << " times: " << what << "\n";
    if (hash) std::cout << "hash=" << std::hex << result.hash << std::dec << "\n";
    std::cout << "deploys=" << result.deploys << " violations=" << result.violations
              << " deploys/s=" << static_cast<long>(result.deploys / std::max(took, 1e-9)) << std::endl;
    return result.violations > 0 || !rare.empty() ? 1 : 0;
}
