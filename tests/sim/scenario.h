// SPDX-License-Identifier: Apache-2.0
// A scenario: what a numbered sentence of the semantics promises, as a file that reads like it
// (tests/scenarios/README.md).
#pragma once
#include <string>
#include <vector>

#include "core/result.h"
#include "tests/sim/world.h"

namespace revertd::sim {

struct Line {
    Duration at{};
    std::string sentence;
    int number = 0;  ///< in the file
};

struct Scenario {
    std::string file, says, config;
    std::vector<std::string> proves;
    std::vector<Line> script;
};

[[nodiscard]] Result<Scenario> read_scenario(const std::string& path);

/// Runs it; the error names the line, what was expected and what is.
[[nodiscard]] Result<void> run_scenario(const Scenario& scenario);

/// One run: the world and what the sentences refer back to.
struct Stage {
    World world;
    std::string service = "api";  ///< of a sentence that names none
    std::string deploy;           ///< the last one started
    effect::Reply reply;          ///< to the last command
    std::string config;
    std::size_t invariant_violations = 0;
};

/// Does what the sentence says, or checks it. NotFound: no such sentence.
[[nodiscard]] Result<void> perform(Stage& stage, const std::string& sentence);
[[nodiscard]] Result<void> expect(Stage& stage, const std::string& what);

/// "90s", "2m30s", "1h".
[[nodiscard]] Result<Duration> duration_from(const std::string& text);

/// A person by name: root, or anybody with a uid of their own.
[[nodiscard]] Peer peer_named(const std::string& name);

}  // namespace revertd::sim
