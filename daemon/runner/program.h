// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "core/result.h"

namespace revertd::runner {

/// The file to execute for `argv[0]`: itself when it is an absolute path and nobody but root and the runner's user can
/// have written it, the runner's own binary for the word `revertd-runner`. Between this look and exec the file can
/// still be replaced by whoever may write its directory: those are root and the runner's user, too, or it is refused.
[[nodiscard]] Result<std::string> find_program(const std::string& argv0);

}  // namespace revertd::runner
