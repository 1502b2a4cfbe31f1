// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

namespace revertd::journal {

/// The same text with each byte that does not belong to a UTF-8 character replaced by U+FFFD.
[[nodiscard]] std::string valid_utf8(std::string_view bytes);

}  // namespace revertd::journal
