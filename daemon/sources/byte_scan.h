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

[[nodiscard]] inline unsigned not_digit(__m128i v) {
    return ~static_cast<unsigned>(_mm_movemask_epi8(in_range(v, '0', 9))) & 0xffffU;
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

[[nodiscard]] inline const char* skip_digits(const char* p, const char* end) {
#if defined(__SSE2__)
    for (; end - p >= 16; p += 16) {
        if (const unsigned stop = sse::not_digit(sse::load(p))) return p + __builtin_ctz(stop);
    }
#endif
    while (p != end && is_digit(*p)) ++p;
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

/// How many of the first `size` bytes are the same.
[[nodiscard]] inline std::size_t common_prefix(const char* a, const char* b, std::size_t size) {
    std::size_t i = 0;
#if defined(__SSE2__)
    for (; size - i >= 16; i += 16) {
        const auto same = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(sse::load(a + i), sse::load(b + i))));
        if (same != 0xffffU) return i + static_cast<std::size_t>(__builtin_ctz(~same));
    }
#endif
    while (i < size && a[i] == b[i]) ++i;
    return i;
}

[[nodiscard]] inline bool ends_token(char c) {
    return c == '\n' || c == ' ' || c == '\t';
}

[[nodiscard]] inline const char* skip_blanks(const char* p) {
    while (*p == ' ' || *p == '\t') ++p;
    return p;
}

/// 64 bits that tell one series from another. `seed` is secret to the process, so that a target cannot choose bytes
/// that collide. Two lanes, because one would wait for its own multiplication.
[[nodiscard]] inline std::uint64_t hash(const char* p, std::size_t size, std::uint64_t seed) {
    constexpr std::uint64_t kMultiplier = 0x9e3779b97f4a7c15ULL;
    const auto mix = [](std::uint64_t lane, const char* at, std::size_t bytes) {
        std::uint64_t word = 0;
        std::memcpy(&word, at, bytes);
        lane = (lane ^ word) * kMultiplier;
        return lane ^ (lane >> 32);
    };
    std::uint64_t a = (seed ^ size) * kMultiplier, b = ~seed;
    for (; size >= 16; p += 16, size -= 16) {
        a = mix(a, p, 8);
        b = mix(b, p + 8, 8);
    }
    if (size >= 8) {
        a = mix(a, p, 8);
        p += 8;
        size -= 8;
    }
    b = mix(b, p, size);
    const std::uint64_t h = (a ^ (b << 29 | b >> 35)) * kMultiplier;
    return h ^ (h >> 32);
}

}  // namespace revertd::bytes
