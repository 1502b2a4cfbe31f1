// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

namespace revertd {

/// `[A-Za-z0-9][A-Za-z0-9._+:@/-]{0,127}`: the only form in which a version or an id is taken from outside.
[[nodiscard]] bool valid_version(std::string_view text);

}  // namespace revertd
