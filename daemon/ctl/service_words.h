// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "core/clock.h"
#include "daemon/ctl/json.h"
#include "daemon/ctl/output.h"

namespace revertd::ctl {

/// What keeps everything from acting, a line each; nobody may overlook it.
[[nodiscard]] std::string brakes_words(const Json& status);

/// Where no deploys are wanted now, or everything asks: until when, and what it means; services alike are one line.
[[nodiscard]] std::string hours_words(const Json& status, WallTime now);

/// Who does not say which version runs, and since when, a line each; empty if everybody does.
[[nodiscard]] std::string silence_words(const Json& status, WallTime now);

/// What holds outside of deploys, a line each; empty if nothing does.
[[nodiscard]] std::string steady_words(const Json& status);

/// Of a service without a good version: which one becomes it, and why it has not yet; empty: nothing is watched for it.
[[nodiscard]] std::string adoption_words(const Json& service);

/// The same, a line for each service whose row does not say it.
[[nodiscard]] std::string adoptions_words(const Json& status);

/// Every service of the status in a row.
[[nodiscard]] Table services_table(const Json& status);

}  // namespace revertd::ctl
