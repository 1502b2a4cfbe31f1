// SPDX-License-Identifier: Apache-2.0
// For whoever names a service that is not configured.
#pragma once
#include <string>

#include "core/settings.h"

namespace revertd {

/// "configured are api and shop", those that are spelled most like `name` first and a long list cut.
[[nodiscard]] std::string known_services(const Settings* settings, const std::string& name);

}  // namespace revertd
