// SPDX-License-Identifier: Apache-2.0
// Characters that nobody sees and that change how a line is read: what a person approves must be what stands there.
#pragma once
#include <string_view>

namespace revertd {

/// Marks and overrides of the writing direction, separators of lines: U+061C, U+200E, U+200F, U+2028 to U+202E, U+2066
/// to U+2069. `character` is one code point in UTF-8.
[[nodiscard]] constexpr bool hides_its_order(std::string_view character) {
    if (character == "\u061c") return true;
    if (character.size() != 3 || character[0] != '\xe2') return false;
    const auto last = static_cast<unsigned char>(character[2]);
    if (character[1] == '\x80') return last == 0x8e || last == 0x8f || (last >= 0xa8 && last <= 0xae);
    return character[1] == '\x81' && last >= 0xa6 && last <= 0xa9;
}

/// One of them anywhere in valid UTF-8.
[[nodiscard]] constexpr bool hides_order(std::string_view text) {
    for (std::size_t at = 0; at < text.size(); ++at)
        if (hides_its_order(text.substr(at, 3)) || hides_its_order(text.substr(at, 2))) return true;
    return false;
}

}  // namespace revertd
