// SPDX-License-Identifier: Apache-2.0
// What a step of GitHub Actions understands: workflow commands on stdout, outputs and a summary in the files that the
// runner names.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "daemon/ctl/json.h"
#include "daemon/ctl/session.h"

namespace revertd::ctl {

/// `::error file=…,line=…::message`; `level` is error, warning or notice. Nothing of the arguments can be a command.
[[nodiscard]] std::string workflow_command(const std::string& level,
                                           const std::vector<std::pair<std::string, std::string>>& properties,
                                           const std::string& message);

/// Appends `name=value` lines to $GITHUB_OUTPUT, if there is one. Error: it cannot be written.
[[nodiscard]] Result<void> set_outputs(const Outside& outside,
                                       const std::vector<std::pair<std::string, std::string>>& outputs);

/// A guard that has ended, in all three places.
[[nodiscard]] Result<void> tell_github(Session& session, const Json& deployment, const Json& report,
                                       bool inconclusive_passes);

}  // namespace revertd::ctl
