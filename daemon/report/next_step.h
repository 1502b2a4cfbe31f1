// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "daemon/report/report.h"

namespace revertd {

/// What a person can do now, with the commands to do it: "revertctl approve i-12 goes back to v1; ...". Empty: nothing
/// waits for a person.
[[nodiscard]] std::string next_step(const ReportInput& input);

}  // namespace revertd
