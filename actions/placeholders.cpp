// SPDX-License-Identifier: Apache-2.0
#include "actions/placeholders.h"

#include <algorithm>

namespace revertd {
namespace {

struct Found {
    std::size_t begin = std::string_view::npos;  ///< of the brace
    std::size_t end = 0;                         ///< behind the closing brace
    std::string_view name;
};

Found next_placeholder(std::string_view text, std::size_t from) {
    for (std::size_t open = text.find('{', from); open != std::string_view::npos; open = text.find('{', open + 1)) {
        std::size_t end = open + 1;
        while (end < text.size() && ((text[end] >= 'a' && text[end] <= 'z') || text[end] == '_')) ++end;
        if (end < text.size() && text[end] == '}' && end > open + 1)
            return {open, end + 1, text.substr(open + 1, end - open - 1)};
    }
    return {};
}

const std::string* value_of(std::string_view name, const Placeholders& values) {
    const std::array<const std::string*, 6> fields{&values.to,     &values.from,     &values.service,
                                                   &values.deploy, &values.incident, &values.key};
    const auto found = std::find(kPlaceholders.begin(), kPlaceholders.end(), name);
    return found == kPlaceholders.end() ? nullptr : fields.at(static_cast<std::size_t>(found - kPlaceholders.begin()));
}

/// Length of the UTF-8 sequence at the front, 0 if there is none: no overlong form, no surrogate, below U+110000.
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
    if (first >= 0xE0 && first <= 0xEF) {
        if (!follows(1) || !follows(2)) return 0;
        if ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F)) return 0;
        return 3;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        if (!follows(1) || !follows(2) || !follows(3)) return 0;
        if ((first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F)) return 0;
        return 4;
    }
    return 0;
}

bool is_control(std::string_view character) {
    const auto first = static_cast<unsigned char>(character[0]);
    if (character.size() == 1) return first < 0x20 || first == 0x7F;
    return first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;  // C1: escapes of 8-bit terminals
}

}  // namespace

std::vector<std::string_view> placeholders_in(std::string_view text) {
    std::vector<std::string_view> names;
    for (Found f = next_placeholder(text, 0); f.end != 0; f = next_placeholder(text, f.end)) names.push_back(f.name);
    return names;
}

bool uses_placeholder(std::string_view text, std::string_view name) {
    const auto names = placeholders_in(text);
    return std::find(names.begin(), names.end(), name) != names.end();
}

Result<std::string> fill(std::string_view text, const Placeholders& values, FillPlace place) {
    std::string out;
    std::size_t at = 0;
    for (Found f = next_placeholder(text, 0); f.end != 0; f = next_placeholder(text, f.end)) {
        const std::string braced = "{" + std::string(f.name) + "}";
        const std::string* value = value_of(f.name, values);
        if (value == nullptr) return Error(ErrorCode::Invalid, braced + " is not a placeholder");
        if (value->empty()) return Error(ErrorCode::NotFound, braced + " is used, but its value is not known");
        if (!is_plain_text(*value))
            return Error(ErrorCode::Invalid, "the value of " + braced + " has control characters or is not UTF-8");
        out.append(text.substr(at, f.begin - at)).append(*value);
        at = f.end;
    }
    out.append(text.substr(at));
    if (place == FillPlace::Argument && out.starts_with('-') && !text.starts_with('-'))
        return Error(ErrorCode::Invalid, "'" + out + "' would be read as an option",
                     "a version that begins with '-' cannot be an argument of its own");
    return out;
}

bool is_plain_text(std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        if (length == 0 || is_control(text.substr(0, length))) return false;
        text.remove_prefix(length);
    }
    return true;
}

}  // namespace revertd
