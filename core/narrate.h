// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "core/record.h"

namespace revertd {

/// One sentence for people: timeline, report, event stream and log say the same. Empty: nothing worth telling.
[[nodiscard]] std::string narrate(const Fact& fact);

}  // namespace revertd
