// SPDX-License-Identifier: Apache-2.0
// The character classes of RFC 9110, without the locale.
#pragma once
#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

#include "daemon/io/http.h"

namespace revertd {

[[nodiscard]] inline char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Compares ignoring case; `expected` is in lower case.
[[nodiscard]] inline bool is_same(std::string_view text, std::string_view expected) {
    return text.size() == expected.size() &&
           std::equal(text.begin(), text.end(), expected.begin(), [](char a, char b) { return to_lower(a) == b; });
}

/// Without blanks and tabs at both ends.
[[nodiscard]] inline std::string_view trim(std::string_view text) {
    const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

[[nodiscard]] inline bool is_token(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (c != '\0' && std::strchr("!#$%&'*+-.^_`|~", c) != nullptr);
    });
}

[[nodiscard]] inline bool is_field_value(std::string_view value) {
    return std::all_of(value.begin(), value.end(),
                       [](char c) { return static_cast<unsigned char>(c) >= 0x20 ? c != 0x7f : c == '\t'; });
}

[[nodiscard]] inline bool has_header(const std::vector<HttpHeader>& headers, std::string_view lower_name) {
    return std::any_of(headers.begin(), headers.end(),
                       [&](const HttpHeader& h) { return is_same(h.first, lower_name); });
}

}  // namespace revertd
