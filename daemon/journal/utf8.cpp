// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/utf8.h"

#include <cstdint>

namespace revertd::journal {

namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

std::uint32_t byte_at(std::string_view bytes, std::size_t index) {
    return index < bytes.size() ? static_cast<unsigned char>(bytes[index]) : 0;
}

// Bytes of the character at the beginning, 0 if there is none (Unicode 15, table 3-7: no overlong form, no surrogate).
std::size_t character_length(std::string_view bytes) {
    const std::uint32_t first = byte_at(bytes, 0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4) return 0;
    std::uint32_t low = 0x80;
    std::uint32_t high = 0xbf;
    if (first == 0xe0) low = 0xa0;
    if (first == 0xed) high = 0x9f;
    if (first == 0xf0) low = 0x90;
    if (first == 0xf4) high = 0x8f;
    for (std::size_t i = 1; i < length; ++i, low = 0x80, high = 0xbf) {
        if (byte_at(bytes, i) < low || byte_at(bytes, i) > high) return 0;
    }
    return length;
}

}  // namespace

std::string valid_utf8(std::string_view bytes) {
    std::string text;
    text.reserve(bytes.size());
    while (!bytes.empty()) {
        const std::size_t length = character_length(bytes);
        text += length > 0 ? bytes.substr(0, length) : kReplacement;
        bytes.remove_prefix(length > 0 ? length : 1);
    }
    return text;
}

}  // namespace revertd::journal
