// SPDX-License-Identifier: Apache-2.0
// Runs of bytes of one class, sixteen at a time where the processor can (SSE2 is part of x86-64).
// The text that is scanned ends with a newline, which no class here contains: no run leaves the text.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace revertd::bytes {

[[nodiscard]] inline bool is_digit(char c) {
    return static_cast<unsigned char>(c - '0') < 10;
}

/// Metric names have colons, label names have not. A leading digit is the caller's business.
template <bool kColon>
[[nodiscard]] inline bool is_name(char c) {
    return static_cast<unsigned char>((c | 0x20) - 'a') < 26 || is_digit(c) || c == '_' || (kColon && c == ':');
}

[[nodiscard]] inline bool stops_value(char c) {
    return c == '"' || c == '\\' || static_cast<signed char>(c) < 0;
}

#if defined(__SSE2__)
namespace sse {

[[nodiscard]] inline __m128i load(const char* p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}

/// 0xff where `lowest` <= byte <= `lowest` + `span`.
[[nodiscard]] inline __m128i in_range(__m128i v, char lowest, char span) {
    const __m128i shifted = _mm_sub_epi8(v, _mm_set1_epi8(lowest));
    return _mm_cmpeq_epi8(_mm_min_epu8(shifted, _mm_set1_epi8(span)), shifted);
}

/// One bit a byte that is no part of a name. ':' follows '9'.
template <bool kColon>
[[nodiscard]] inline unsigned not_name(__m128i v) {
    const __m128i letter = in_range(_mm_or_si128(v, _mm_set1_epi8(0x20)), 'a', 25);
    const __m128i digit = in_range(v, '0', kColon ? 10 : 9);
    const __m128i underscore = _mm_cmpeq_epi8(v, _mm_set1_epi8('_'));
    return ~static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(letter, digit), underscore))) & 0xffffU;
}

/// One bit a byte that ends a run of plain label value: quote, backslash, beyond ASCII.
[[nodiscard]] inline unsigned value_stop(__m128i v) {
    const __m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
    const __m128i backslash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
    return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), v)));
}

}  // namespace sse
#endif

/// The first byte at or after `p` that is no part of a name.
template <bool kColon>
[[nodiscard]] inline const char* skip_name(const char* p, const char* end) {
#if defined(__SSE2__)
    for (; end - p >= 16; p += 16) {
        if (const unsigned stop = sse::not_name<kColon>(sse::load(p))) return p + __builtin_ctz(stop);
    }
#endif
    while (p != end && is_name<kColon>(*p)) ++p;
    return p;
}

/// The first quote, backslash or byte beyond ASCII; `end` if there is none (a label value may hold newlines).
[[nodiscard]] inline const char* skip_plain_value(const char* p, const char* end) {
#if defined(__SSE2__)
    for (; end - p >= 16; p += 16) {
        if (const unsigned stop = sse::value_stop(sse::load(p))) return p + __builtin_ctz(stop);
    }
#endif
    while (p != end && !stops_value(*p)) ++p;
    return p;
}

[[nodiscard]] inline const char* skip_blanks(const char* p) {
    while (*p == ' ' || *p == '\t') ++p;
    return p;
}

/// 64 bits that tell one series from another. `seed` is secret to the process, so that a target cannot choose bytes
/// that collide.
[[nodiscard]] inline std::uint64_t hash(const char* p, std::size_t size, std::uint64_t seed) {
    constexpr std::uint64_t kMultiplier = 0x9e3779b97f4a7c15ULL;
    std::uint64_t h = (seed ^ size) * kMultiplier;
    const auto mix = [&h](std::uint64_t word) {
        h = (h ^ word) * kMultiplier;
        h ^= h >> 32;
    };
    std::uint64_t word = 0;
    for (; size >= 8; p += 8, size -= 8) {
        std::memcpy(&word, p, 8);
        mix(word);
    }
    word = 0;
    std::memcpy(&word, p, size);
    mix(word);
    return h;
}

}  // namespace revertd::bytes
