// SPDX-License-Identifier: Apache-2.0
#include "config/yaml_traps.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "config/document.h"
#include "config/slips.h"

namespace revertd::config {

namespace {

/// Length of the UTF-8 sequence that begins `text`; 0 when it is none.
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xC0U) != 0x80U) return 0;
    const bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
    const bool surrogate = first == 0xED && byte(1) > 0x9F;
    const bool beyond = first == 0xF4 && byte(1) > 0x8F;
    return overlong || surrogate || beyond ? 0 : length;
}

bool is_forbidden_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7F;
}

bool has_tab_in_indentation(std::string_view line) {
    return line.substr(0, line.find_first_not_of(" \t")).find('\t') != std::string_view::npos;
}

/// The sign that begins the value in which the error was found, if YAML gives it a meaning; else nothing.
std::string_view sign_before(std::string_view line, std::size_t column) {
    constexpr std::string_view kSigns = "%>|@`!*&";
    for (const std::size_t at : {column, line.substr(0, column).rfind(": ") + 2, line.find_first_not_of(" -")})
        if (at < line.size() && kSigns.find(line[at]) != std::string_view::npos) return line.substr(at, 1);
    return {};
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

/// The line before is text without `: ` in it: yaml-cpp takes it and this one for one text, and stumbles here.
bool lacks_a_blank_after_colon(const Diagnostics& diagnostics, std::uint32_t line) {
    if (line < 2) return false;
    const std::string_view before = diagnostics.source_line(line - 1), now = diagnostics.source_line(line);
    const std::size_t begin = before.find_first_not_of(' ');
    if (begin == std::string_view::npos || begin != now.find_first_not_of(' ')) return false;
    const std::string_view text = before.substr(begin);
    return text.front() != '#' && text.front() != '-' && !contains(text, ": ") && !text.ends_with(':');
}

/// `{ channel: #incidents }`: YAML sees no closing bracket behind a #, and complains at the end of the file.
std::string comment_in_brackets(const Diagnostics& diagnostics, std::uint32_t line) {
    for (std::uint32_t at = line; at > 0; --at) {
        const std::string_view text = diagnostics.source_line(at);
        const std::size_t open = text.find_first_of("[{"), hash = text.find(" #");
        if (hash == std::string_view::npos || open == std::string_view::npos || open > hash) continue;
        if (text.substr(hash).find_first_of("]}") == std::string_view::npos) continue;
        return "line " + std::to_string(at) +
               ": what follows # is a comment, and so is the bracket: put the value in quotes";
    }
    return {};
}

}  // namespace

std::optional<BadByte> find_bad_byte(std::string_view text) {
    if (text.size() > kMaxConfigBytes)
        return BadByte{{1, 1}, "the file is larger than " + std::to_string(kMaxConfigBytes >> 20) + " MiB", {}};
    Position at{1, 1};
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t length = utf8_length(text.substr(i, 4));
        if (length == 0) return BadByte{at, "not valid UTF-8", "save the file as UTF-8"};
        if (is_forbidden_control(text[i])) return BadByte{at, "a control character", "remove it"};
        at = text[i] == '\n' ? Position{at.line + 1, 1}
                             : Position{at.line, at.column + static_cast<std::uint32_t>(length)};
        i += length;
    }
    return std::nullopt;
}

std::string explain_syntax_error(const Diagnostics& diagnostics, Position at, std::string_view message) {
    const std::string_view line = diagnostics.source_line(at.line);
    if (has_tab_in_indentation(line) || contains(message, "tab")) return "indent with spaces, YAML knows no tabs";
    for (const std::uint32_t near : {at.line, at.line - 1})
        if (std::string hint = near > 0 ? foreign_text(diagnostics.source_line(near)) : std::string(); !hint.empty())
            return near == at.line ? hint : "line " + std::to_string(near) + ": " + hint;
    if (contains(message, "anchor") || contains(message, "alias"))
        return "a text that begins with * or & must be put in quotes";
    if (const auto sign = sign_before(line, at.column - 1); !sign.empty())
        return "a text that begins with " + std::string(sign) + " must be put in quotes";
    if (contains(message, "illegal map value") && lacks_a_blank_after_colon(diagnostics, at.line))
        return "line " + std::to_string(at.line - 1) + " is no `key: value`: a colon and a blank stand behind a key";
    if (contains(message, "illegal map value"))
        return "a text that contains `: ` must be put in quotes; or the indentation is wrong";
    if (const std::string hint = comment_in_brackets(diagnostics, at.line); contains(message, "flow") && !hint.empty())
        return hint;
    if (contains(message, "flow"))
        return "a bracket is not closed, or a text with [ ] { } or a comma inside brackets needs quotes";
    if (contains(message, "end of map") || contains(message, "end of sequence"))
        return "the lines of one block must begin in the same column";
    if (contains(message, "EOF in scalar")) return "a quote is not closed";
    return {};
}

bool closes_quote(std::string_view text) {
    const char quote = text[0];
    for (std::size_t at = 1; at < text.size(); ++at) {
        if (quote == '"' && text[at] == '\\') {
            ++at;
        } else if (text[at] == quote) {
            if (quote == '"' || at + 1 == text.size() || text[at + 1] != quote) return true;
            ++at;  // '' inside '...' is one quote
        }
    }
    return false;
}

bool is_yaml_boolean(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
    static constexpr std::array<std::string_view, 9> kWords{"yes", "no", "on", "off", "true", "false", "y", "n", "~"};
    return std::find(kWords.begin(), kWords.end(), lower) != kWords.end();
}

bool is_sexagesimal(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) return false;
    return text.find_first_not_of("0123456789:") == std::string_view::npos;
}

bool is_octal(std::string_view text) {
    return text.size() > 1 && text[0] == '0' && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace revertd::config
