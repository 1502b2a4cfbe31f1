// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/plain_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <utility>

namespace revertd::ctl {

namespace {

constexpr std::array<std::pair<std::string_view, char>, 12> kLooksLike{{{"█", '#'},
                                                                        {"░", '.'},
                                                                        {"▁", '_'},
                                                                        {"▂", '.'},
                                                                        {"▃", '-'},
                                                                        {"▄", '='},
                                                                        {"▅", '+'},
                                                                        {"▆", '*'},
                                                                        {"▇", '%'},
                                                                        {"…", '~'},
                                                                        {"·", '.'},
                                                                        {"–", '-'}}};

/// How many bytes the character has that begins with this one; 1 for what is none.
std::size_t length_of(unsigned char first) {
    return first > 0xF4 || first < 0xC2 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
}

char plain(std::string_view character) {
    const auto known = std::ranges::find(kLooksLike, character, &std::pair<std::string_view, char>::first);
    return known == kLooksLike.end() ? '?' : known->second;
}

}  // namespace

bool wants_plain_text(const std::function<std::optional<std::string>(const char* name)>& environment) {
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const auto value = environment(name);
        if (!value || value->empty()) continue;
        std::string locale = *value;
        std::ranges::transform(locale, locale.begin(), [](unsigned char c) { return std::tolower(c); });
        return locale.find("utf-8") == std::string::npos && locale.find("utf8") == std::string::npos;
    }
    return false;
}

PlainText::int_type PlainText::overflow(int_type byte) {
    if (traits_type::eq_int_type(byte, traits_type::eof())) return traits_type::not_eof(byte);
    const char c = traits_type::to_char_type(byte);
    const auto value = static_cast<unsigned char>(c);
    if (value < 0x80) {
        sequence_.clear();
        return behind_.sputc(c);
    }
    const bool continues = (value & 0xC0U) == 0x80U;
    if (!continues) sequence_.clear();
    sequence_ += c;
    if (sequence_.size() < length_of(static_cast<unsigned char>(sequence_.front()))) return byte;
    const char out = plain(std::exchange(sequence_, {}));
    return traits_type::eq_int_type(behind_.sputc(out), traits_type::eof()) ? traits_type::eof() : byte;
}

}  // namespace revertd::ctl
