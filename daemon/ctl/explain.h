// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "config/load.h"

namespace revertd::ctl {

/// `check --explain`: what a configuration means with every default in effect, service by service. Pure.
[[nodiscard]] std::string explain(const Loaded& loaded);

}  // namespace revertd::ctl
