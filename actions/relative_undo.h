// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <vector>

namespace revertd {

struct LintFinding {
    std::string message;
    std::string hint;
};

/// A command that undoes "the last one" instead of going to a version: run twice it restores the bad one (F46).
/// Looks into texts with blanks too, because a script may be one argument of a shell.
[[nodiscard]] std::optional<LintFinding> find_relative_undo(const std::vector<std::string>& argv);

/// A placeholder inside the script of `sh -c`: the version would be read as shell text.
[[nodiscard]] std::optional<LintFinding> find_shell_text(const std::vector<std::string>& argv);

}  // namespace revertd
