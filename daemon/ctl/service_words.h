// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "daemon/ctl/json.h"
#include "daemon/ctl/output.h"

namespace revertd::ctl {

/// What keeps everything from acting, a line each; nobody may overlook it.
[[nodiscard]] std::string brakes_words(const Json& status);

/// Every service of the status in a row.
/// What holds outside of deploys, a line each; empty if nothing does.
[[nodiscard]] std::string steady_words(const Json& status);

[[nodiscard]] Table services_table(const Json& status);

}  // namespace revertd::ctl
