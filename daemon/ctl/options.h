// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "daemon/ctl/session.h"

namespace CLI {
class App;
}

namespace revertd::ctl {

/// The whole grammar, for the manual.
void describe(CLI::App& root);

/// One run of revertctl: parses the arguments (without the program's name), runs the command, returns the exit code.
[[nodiscard]] int run(const std::vector<std::string>& arguments, Outside& outside);

}  // namespace revertd::ctl
