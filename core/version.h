// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <string_view>

namespace revertd {

inline constexpr std::size_t kMaxVersionBytes = 128;

/// `[A-Za-z0-9][A-Za-z0-9._+:@/-]{0,127}`: a tag, a commit, an image reference. Nothing in it means anything to a
/// shell, a terminal or a markup language.
[[nodiscard]] bool valid_version(std::string_view version);

}  // namespace revertd
