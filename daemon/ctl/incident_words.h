// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "core/clock.h"
#include "daemon/ctl/json.h"

namespace revertd::ctl {

/// An incident of the API for people: what, why, who is asked, what was done, and when. Pure.
[[nodiscard]] std::string incident_words(const Json& incident, WallTime now);

}  // namespace revertd::ctl
