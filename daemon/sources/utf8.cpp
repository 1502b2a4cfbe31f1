// SPDX-License-Identifier: Apache-2.0
#include "daemon/sources/utf8.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace revertd {
namespace {

struct Sequence {
    std::size_t length = 0;  // 0: no lead byte
    unsigned char second_low = 0x80, second_high = 0xbf;
};

/// Overlong forms, surrogates and values above U+10FFFF are all excluded by the range of the second byte.
Sequence sequence_of(unsigned char lead) {
    if (lead < 0x80) return {1};
    if (lead < 0xc2) return {};
    if (lead < 0xe0) return {2};
    if (lead == 0xe0) return {3, 0xa0};
    if (lead == 0xed) return {3, 0x80, 0x9f};
    if (lead < 0xf0) return {3};
    if (lead == 0xf0) return {4, 0x90};
    if (lead < 0xf4) return {4};
    if (lead == 0xf4) return {4, 0x80, 0x8f};
    return {};
}

}  // namespace

bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        std::uint64_t eight = 0;  // mostly ASCII
        for (; text.size() - i >= sizeof eight; i += sizeof eight) {
            std::memcpy(&eight, text.data() + i, sizeof eight);
            if ((eight & 0x8080'8080'8080'8080U) != 0) break;
        }
        if (i == text.size()) break;
        const Sequence sequence = sequence_of(static_cast<unsigned char>(text[i]));
        if (sequence.length == 0 || text.size() - i < sequence.length) return false;
        for (std::size_t k = 1; k < sequence.length; ++k) {
            const auto byte = static_cast<unsigned char>(text[i + k]);
            const unsigned char low = k == 1 ? sequence.second_low : 0x80;
            const unsigned char high = k == 1 ? sequence.second_high : 0xbf;
            if (byte < low || byte > high) return false;
        }
        i += sequence.length;
    }
    return true;
}

}  // namespace revertd
