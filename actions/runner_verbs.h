// SPDX-License-Identifier: Apache-2.0
// What `revertd-runner` brings itself, behind its own name as `argv[0]`: a recipe may say these and nothing else.
#pragma once
#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace revertd {

struct RunnerVerb {
    std::string_view name;
    std::array<std::string_view, 3> options;      ///< each once, with a value; empty ones are none
    std::size_t least_words = 0, most_words = 0;  ///< behind `--`
};

inline constexpr std::array kRunnerVerbs{
    RunnerVerb{"flip", {"--link", "--releases", "--to"}, 0, 0},
    RunnerVerb{"observe-systemd", {"--releases", "--current", "--systemctl"}, 1, 1000},
    RunnerVerb{"restart-unit", {"--systemctl"}, 1, 1},
};

}  // namespace revertd
