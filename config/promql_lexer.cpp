// SPDX-License-Identifier: Apache-2.0
#include "config/promql_lexer.h"

#include <algorithm>
#include <array>

#include "config/slips.h"

namespace revertd::config::promql {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_name_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
}

bool is_name_char(char c) {
    return is_name_start(c) || is_digit(c);
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

class Lexer {
  public:
    explicit Lexer(std::string_view text) : text_(text) {}

    Tokens run() {
        while (!out_.error && skip_space()) token();
        out_.all.push_back({Token::Kind::End, text_.size(), text_.size(), {}});
        return std::move(out_);
    }

  private:
    [[nodiscard]] char peek(std::size_t ahead = 0) const {
        return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
    }

    bool skip_space() {
        for (; at_ < text_.size(); ++at_) {
            if (text_[at_] == '#')
                at_ = std::min(text_.find('\n', at_), text_.size() - 1);
            else if (text_[at_] != ' ' && text_[at_] != '\t' && text_[at_] != '\n' && text_[at_] != '\r')
                return true;
        }
        return false;
    }

    void push(Token::Kind kind, std::size_t begin, std::string text) {
        out_.all.push_back({kind, begin, at_, std::move(text)});
    }

    void token() {
        const char c = peek();
        if (c == '[') in_range_ = true;
        if (c == ']') in_range_ = false;
        if (c == '"' || c == '\'' || c == '`') return string(c);
        if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number();
        // Inside of [5m:1m] a colon separates; elsewhere it is part of a name.
        if (is_name_start(c) && !(c == ':' && in_range_)) return name();
        sign();
    }

    void name() {
        const std::size_t begin = at_;
        while (is_name_char(peek())) ++at_;
        push(Token::Kind::Name, begin, std::string(text_.substr(begin, at_ - begin)));
    }

    void number() {
        const std::size_t begin = at_;
        while (is_digit(peek()) || peek() == '.') ++at_;
        const bool hex = at_ == begin + 1 && text_[begin] == '0' && lower(peek()) == 'x';
        const bool exponent = lower(peek()) == 'e' && (is_digit(peek(1)) || is_digit(peek(2)));
        if (exponent) {
            at_ += 2;
            while (is_digit(peek())) ++at_;
        } else if (hex) {
            for (++at_; is_digit(peek()) || (lower(peek()) >= 'a' && lower(peek()) <= 'f');) ++at_;
        } else if (is_name_start(peek()) && peek() != ':') {
            while (is_name_char(peek()) && peek() != ':') ++at_;
            return push(Token::Kind::Duration, begin, std::string(text_.substr(begin, at_ - begin)));
        }
        push(Token::Kind::Number, begin, std::string(text_.substr(begin, at_ - begin)));
    }

    void string(char quote) {
        const std::size_t begin = at_++;
        std::string out;
        while (at_ < text_.size() && text_[at_] != quote) {
            if (text_[at_] != '\\' || quote == '`')
                out += text_[at_++];
            else if (!escape(out))
                return;
        }
        if (at_ >= text_.size()) return fail(begin, "a quote is not closed", {});
        ++at_;
        push(Token::Kind::String, begin, std::move(out));
    }

    /// A code such as \x41 stays as written.
    bool escape(std::string& out) {
        static constexpr std::string_view kPlain = "abfnrtv\\\"'";
        static constexpr std::string_view kMeaning = "\a\b\f\n\r\t\v\\\"'";
        const char c = peek(1);
        const std::size_t which = kPlain.find(c);
        const bool plain = c != '\0' && which != std::string_view::npos;
        if (!plain && c != 'x' && c != 'u' && c != 'U' && !is_digit(c)) {
            fail(at_, std::string("unknown escape \\") + c,
                 "in a regular expression write it twice: \\\\" + std::string(1, c));
            return false;
        }
        if (plain)
            out += kMeaning[which];
        else
            out.append({'\\', c});
        at_ += 2;
        return true;
    }

    void sign() {
        static constexpr std::array<std::string_view, 6> kDouble{"=~", "!~", "!=", "==", ">=", "<="};
        const std::size_t begin = at_;
        for (const std::string_view two : kDouble) {
            if (!text_.substr(at_).starts_with(two)) continue;
            at_ += 2;
            return push(Token::Kind::Sign, begin, std::string(two));
        }
        if (std::string_view("(){}[],=+-*/%^<>@:").find(peek()) == std::string_view::npos)
            return fail(at_, "`" + std::string(text_.substr(at_, 1)) + "` has no place in PromQL", sign_hint());
        ++at_;
        push(Token::Kind::Sign, begin, std::string(text_.substr(begin, 1)));
    }

    [[nodiscard]] std::string sign_hint() const {
        if (peek() == '$')
            return in_range_ ? "nobody fills in variables of a dashboard: write [5m]"
                             : "nobody fills in variables of a dashboard: write the value";
        return foreign_text(text_.substr(at_, 4));
    }

    void fail(std::size_t at, std::string what, std::string hint) {
        if (!out_.error) out_.error = SentenceError{at, std::move(what), std::move(hint)};
    }

    std::string_view text_;
    std::size_t at_ = 0;
    bool in_range_ = false;
    Tokens out_;
};

}  // namespace

bool Token::is_word(std::string_view word) const {
    return kind == Kind::Name &&
           std::equal(text.begin(), text.end(), word.begin(), word.end(), [](char a, char b) { return lower(a) == b; });
}

Tokens tokens_of(std::string_view text) {
    return Lexer(text).run();
}

}  // namespace revertd::config::promql
