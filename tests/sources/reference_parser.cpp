// SPDX-License-Identifier: Apache-2.0
#include "tests/sources/reference_parser.h"

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <map>
#include <regex>
#include <set>

namespace revertd {
namespace {

struct Wrong {};

void expect(bool condition) {
    if (!condition) throw Wrong{};
}

bool is_utf8_text(const std::string& text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
        if (length == 0 || i + length > text.size()) return false;
        unsigned code = length == 1 ? lead : lead & (0x7fU >> length);
        for (std::size_t k = 1; k < length; ++k) {
            const auto byte = static_cast<unsigned char>(text[i + k]);
            if (byte >> 6 != 2) return false;
            code = code << 6 | (byte & 0x3fU);
        }
        constexpr unsigned kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
        if (code < kSmallest[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
        i += length;
    }
    return true;
}

std::string unescape(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::string two = text.substr(i, 2);
        if (two == "\\\\" || two == "\\\"" || two == "\\n") {
            out += two[1] == 'n' ? '\n' : two[1];
            ++i;
        } else {
            out += text[i];
        }
    }
    return out;
}

double to_number(const std::string& token) {
    static const std::regex special("([+-]?(inf|infinity)|nan)", std::regex::icase);
    static const std::regex decimal("[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?");
    const bool is_special = std::regex_match(token, special);
    expect(is_special || std::regex_match(token, decimal));
    const double value = std::strtod(token.c_str(), nullptr);
    expect(is_special || std::isfinite(value));
    return value;
}

class Text {
  public:
    explicit Text(const std::string& body) : text_(body + '\n') {}

    [[nodiscard]] bool at_end() const { return i_ == text_.size(); }

    [[nodiscard]] char peek() const { return i_ < text_.size() ? text_[i_] : '\0'; }

    [[nodiscard]] bool sees(char c) const { return !at_end() && text_[i_] == c; }

    void blanks() {
        while (sees(' ') || sees('\t')) ++i_;
    }

    void eat(char c) {
        expect(sees(c));
        ++i_;
    }

    bool try_eat(char c) {
        if (!sees(c)) return false;
        ++i_;
        return true;
    }

    std::string while_in(const std::string& set) {
        const std::size_t start = i_;
        while (!at_end() && set.find(text_[i_]) != std::string::npos) ++i_;
        return text_.substr(start, i_ - start);
    }

    std::string until(const std::string& set) {
        const std::size_t start = i_;
        while (!at_end() && set.find(text_[i_]) == std::string::npos) ++i_;
        return text_.substr(start, i_ - start);
    }

    /// In quotes, with a backslash before anything but a newline.
    std::string quoted() {
        eat('"');
        std::string raw;
        while (!sees('"')) {
            expect(!at_end());
            if (sees('\\')) {
                raw += text_[i_++];
                expect(!at_end() && !sees('\n'));
            }
            raw += text_[i_++];
        }
        ++i_;
        expect(is_utf8_text(raw));
        return raw;
    }

  private:
    std::string text_;
    std::size_t i_ = 0;
};

const std::string kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
const std::string kDigits = "0123456789";

std::string identifier(Text& text, const std::string& first) {
    expect(first.find(text.peek()) != std::string::npos);
    return text.while_in(first + kDigits);
}

void comment(Text& text) {
    text.eat('#');
    const bool blank = text.sees(' ') || text.sees('\t');
    text.blanks();
    const std::string word = blank ? text.until(" \t\n") : std::string();
    if ((word == "HELP" || word == "TYPE") && !text.sees('\n')) {
        text.blanks();
        if (text.sees('"')) {
            expect(text.quoted().find('\n') == std::string::npos);
        } else {
            identifier(text, kLetters + ":");
        }
        std::string rest = text.until("\n");
        if (!rest.empty()) rest.erase(0, 1);
        if (word == "HELP") expect(is_utf8_text(rest));
        static const std::set<std::string> types{"counter", "gauge", "histogram", "summary", "untyped"};
        if (word == "TYPE") expect(types.count(rest) == 1);
    }
    text.until("\n");
    text.eat('\n');
}

/// After the opening brace: the name if it stands here, and the labels.
void labels(Text& text, std::string& name, std::map<std::string, std::string>& found) {
    std::set<std::string> names{"__name__"};
    for (text.blanks(); !text.try_eat('}'); text.blanks()) {
        const bool quoted = text.sees('"');
        const std::string label = quoted ? text.quoted() : identifier(text, kLetters);
        expect(!label.empty());
        text.blanks();
        if (quoted && (text.sees(',') || text.sees('}'))) {
            expect(name.empty());
            name = unescape(label);
        } else {
            text.eat('=');
            text.blanks();
            const std::string value = text.quoted();
            expect(names.insert(label).second);
            if (!value.empty()) found[unescape(label)] = unescape(value);
            text.blanks();
        }
        text.try_eat(',');
    }
}

ReferenceSample sample(Text& text) {
    std::string name;
    std::map<std::string, std::string> found;
    if (!text.sees('{')) name = identifier(text, kLetters + ":");
    text.blanks();
    if (text.try_eat('{')) labels(text, name, found);
    expect(!name.empty());
    text.blanks();
    const double value = to_number(text.until(" \t\n{"));
    text.blanks();
    if (!text.sees('\n')) {
        const std::string sign = text.try_eat('-') ? "-" : "";
        const std::string digits = text.while_in(kDigits);
        expect(!digits.empty());
        errno = 0;
        (void)std::strtoll((sign + digits).c_str(), nullptr, 10);
        expect(errno == 0);
        text.blanks();
    }
    text.eat('\n');
    std::string canonical;
    for (const auto& [label, text_of] : found) {
        canonical += std::to_string(label.size()) + ':' + label + std::to_string(text_of.size()) + ':' + text_of;
    }
    return {name, canonical, value};
}

}  // namespace

std::optional<ReferenceSamples> reference_parse(const std::string& body) {
    ReferenceSamples samples;
    try {
        for (Text text(body); !text.at_end();) {
            text.blanks();
            if (text.try_eat('\n')) continue;
            if (text.sees('#')) {
                comment(text);
            } else {
                samples.push_back(sample(text));
            }
        }
    } catch (const Wrong&) {
        return std::nullopt;
    }
    return samples;
}

}  // namespace revertd
