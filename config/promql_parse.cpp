// SPDX-License-Identifier: Apache-2.0
// The grammar of PromQL: precedence climbing over tokens. The first mistake ends it.
#include <re2/re2.h>

#include <algorithm>
#include <array>

#include "config/promql.h"
#include "config/promql_lexer.h"
#include "config/slips.h"
#include "config/values.h"

namespace revertd::config::promql {

namespace {

constexpr int kMaxDepth = 64;  // no query of a person nests so deep; the stack must not end

constexpr std::array<std::string_view, 13> kAggregates{"sum",          "avg",    "min",   "max",     "count",
                                                       "stddev",       "stdvar", "topk",  "bottomk", "quantile",
                                                       "count_values", "group",  "limitk"};

struct Operator {
    std::string_view text;
    int precedence;
    bool right;
};

constexpr std::array<Operator, 17> kOperators{{{"or", 1, false},
                                               {"and", 2, false},
                                               {"unless", 2, false},
                                               {"==", 3, false},
                                               {"!=", 3, false},
                                               {"<", 3, false},
                                               {"<=", 3, false},
                                               {">", 3, false},
                                               {">=", 3, false},
                                               {"+", 4, false},
                                               {"-", 4, false},
                                               {"*", 5, false},
                                               {"/", 5, false},
                                               {"%", 5, false},
                                               {"atan2", 5, false},
                                               {"^", 6, true},
                                               {"default", 1, false}}};

constexpr int kUnaryPrecedence = 6;

bool is_aggregate(const Token& token) {
    return std::any_of(kAggregates.begin(), kAggregates.end(), [&](auto name) { return token.is_word(name); });
}

class Parser {
  public:
    Parser(std::string_view text, Tokens tokens) : text_(text), tokens_(std::move(tokens.all)), error_(tokens.error) {}

    std::variant<Expr, SentenceError> run() {
        if (error_) return *error_;
        Expr root = binary(0);
        if (!error_ && here().kind != Token::Kind::End)
            fail(here().begin, "`" + here().text.substr(0, 20) + "` after the end of the query", {});
        if (error_) return *error_;
        return root;
    }

  private:
    [[nodiscard]] const Token& here(std::size_t ahead = 0) const {
        return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
    }

    void next() {
        if (at_ + 1 < tokens_.size()) ++at_;
    }

    bool accept(std::string_view sign) {
        if (!here().is(sign)) return false;
        next();
        return true;
    }

    void expect(std::string_view sign) {
        if (!accept(sign)) fail(here().begin, "`" + std::string(sign) + "` is expected", end_hint());
    }

    [[nodiscard]] std::string end_hint() const {
        if (here().kind != Token::Kind::End) return {};
        return "the text ends here: a bracket is not closed; inside { } or [ ] of YAML a signal must be put in quotes";
    }

    /// Where a value should stand.
    [[nodiscard]] std::string value_hint() const {
        if (here().is("=")) return "one `=` is written, for the very text, or `=~` for a pattern";
        return end_hint();
    }

    void fail(std::size_t at, std::string what, std::string hint) {
        if (!error_) error_ = SentenceError{at, std::move(what), std::move(hint)};
        at_ = tokens_.size() - 1;
    }

    [[nodiscard]] std::size_t last_end() const { return at_ == 0 ? 0 : tokens_[at_ - 1].end; }

    [[nodiscard]] const Operator* operator_here() const {
        for (const Operator& one : kOperators) {
            const bool word = one.text[0] >= 'a';
            if (word ? here().is_word(one.text) : here().is(one.text)) return &one;
        }
        return nullptr;
    }

    Expr binary(int least) {
        if (++depth_ > kMaxDepth) fail(here().begin, "the query nests too deep", {});
        Expr left = unary();
        while (!error_) {
            const Operator* op = operator_here();
            if (op == nullptr || op->precedence < least) break;
            Expr out;
            out.kind = Expr::Kind::Binary;
            out.name = op->text;
            out.begin = left.begin;
            next();
            modifiers(out);
            Expr right = binary(op->precedence + (op->right ? 0 : 1));
            out.end = right.end;
            out.args.push_back(std::move(left));
            out.args.push_back(std::move(right));
            left = std::move(out);
        }
        --depth_;
        return left;
    }

    void modifiers(Expr& out) {
        while (!error_) {
            const Token& word = here();
            if (word.is_word("bool")) {
                out.bool_modifier = true;
                next();
            } else if (word.is_word("on") || word.is_word("ignoring")) {
                out.matching = true;
                next();
                out.labels = label_list();
            } else if (word.is_word("group_left") || word.is_word("group_right")) {
                out.matching = true;
                next();
                if (here().is("(")) (void)label_list();
            } else {
                return;
            }
        }
    }

    Expr unary() {
        if (!here().is("-") && !here().is("+")) return postfix(primary());
        Expr out;
        out.kind = Expr::Kind::Unary;
        out.name = here().text;
        out.begin = here().begin;
        next();
        out.args.push_back(binary(kUnaryPrecedence));
        out.end = out.args.front().end;
        return out;
    }

    Expr primary() {
        const Token token = here();
        Expr out;
        out.begin = token.begin;
        out.end = token.end;
        switch (token.kind) {
            case Token::Kind::Number:
            case Token::Kind::Duration:  // a number of seconds, in newer servers
                out.name = token.text;
                next();
                return out;
            case Token::Kind::String:
                out.kind = Expr::Kind::String;
                out.name = token.text;
                next();
                return out;
            case Token::Kind::Name:
                return word();
            case Token::Kind::Sign:
                if (token.is("(")) return parentheses();
                if (token.is("{")) return selector();
                break;
            case Token::Kind::End:
                break;
        }
        fail(token.begin, "a metric, a function or a number is expected", end_hint());
        return out;
    }

    Expr parentheses() {
        const std::size_t begin = here().begin;
        next();
        Expr inner = binary(0);
        expect(")");
        inner.begin = begin;
        inner.end = last_end();
        return inner;
    }

    Expr word() {
        const Token& token = here();
        const bool call = here(1).is("(");
        const bool grouping = here(1).is_word("by") || here(1).is_word("without");
        if (is_aggregate(token) && (call || grouping)) return aggregate();
        if (call) return function();
        const bool number = token.is_word("inf") || token.is_word("nan");
        if (!number) return selector();
        Expr out;
        out.begin = token.begin;
        out.end = token.end;
        out.name = token.text;
        next();
        return out;
    }

    Expr function() {
        Expr out;
        out.kind = Expr::Kind::Call;
        out.begin = here().begin;
        out.name = here().text;
        next();
        arguments(out);
        return out;
    }

    Expr aggregate() {
        Expr out;
        out.kind = Expr::Kind::Aggregate;
        out.begin = here().begin;
        out.name = here().text;
        std::transform(out.name.begin(), out.name.end(), out.name.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
        next();
        grouping(out);
        arguments(out);
        if (!out.grouped) grouping(out);
        out.end = last_end();
        return out;
    }

    void grouping(Expr& out) {
        if (!here().is_word("by") && !here().is_word("without")) return;
        out.grouped = true;
        out.without = here().is_word("without");
        next();
        out.labels = label_list();
    }

    void arguments(Expr& out) {
        expect("(");
        while (!error_ && !here().is(")")) {
            out.args.push_back(binary(0));
            if (!accept(",") && !here().is(")")) fail(here().begin, "`,` or `)` is expected", end_hint());
        }
        expect(")");
        out.end = last_end();
    }

    std::vector<std::string> label_list() {
        std::vector<std::string> out;
        expect("(");
        while (!error_ && !here().is(")")) {
            if (here().kind != Token::Kind::Name) fail(here().begin, "a label is expected", end_hint());
            out.push_back(here().text);
            next();
            if (!accept(",") && !here().is(")")) fail(here().begin, "`,` or `)` is expected", end_hint());
        }
        expect(")");
        return out;
    }

    Expr selector() {
        Expr out;
        out.kind = Expr::Kind::Selector;
        out.begin = out.name_end = here().begin;
        if (here().kind == Token::Kind::Name) {
            out.name = here().text;
            out.name_end = here().end;
            next();
        }
        if (accept("{")) {
            out.brace = last_end();
            while (!error_ && !here().is("}")) {
                if (auto one = matcher()) out.matchers.push_back(std::move(*one));
                if (!accept(",") && !here().is("}")) fail(here().begin, "`,` or `}` is expected", end_hint());
            }
            expect("}");
        }
        out.end = last_end();
        return out;
    }

    std::optional<Matcher> matcher() {
        Matcher out;
        const Token label = here();
        if (label.kind == Token::Kind::String) {  // a quoted metric, as newer servers have it
            next();
            return std::nullopt;
        }
        if (label.kind != Token::Kind::Name || label.text.find(':') != std::string::npos) {
            const bool colon = label.text.ends_with(':');
            fail(label.begin, "a label is expected, as in code=~\"5..\"",
                 colon ? "write `=`, no colon: " + label.text.substr(0, label.text.size() - 1) + "=\"...\""
                       : end_hint());
            return std::nullopt;
        }
        out.label = label.text;
        next();
        static constexpr std::array<std::pair<std::string_view, Matcher::Op>, 4> kOps{{{"=~", Matcher::Op::Regex},
                                                                                       {"!~", Matcher::Op::NotRegex},
                                                                                       {"!=", Matcher::Op::NotEqual},
                                                                                       {"=", Matcher::Op::Equal}}};
        const auto* op = std::find_if(kOps.begin(), kOps.end(), [this](const auto& o) { return here().is(o.first); });
        if (op == kOps.end()) fail(here().begin, "one of =, !=, =~, !~ is expected", end_hint());
        if (error_) return std::nullopt;
        out.op = op->second;
        next();
        if (here().kind != Token::Kind::String)
            fail(here().begin, "a value in quotes is expected, as in code=\"500\"", value_hint());
        out.value = here().text;
        if (out.op == Matcher::Op::Regex || out.op == Matcher::Op::NotRegex) check_regex(out.value, here().begin);
        next();
        return out;
    }

    void check_regex(const std::string& pattern, std::size_t at) {
        RE2::Options options;
        options.set_log_errors(false);
        options.set_max_mem(1 << 20);  // a pattern may not cost more than this
        const RE2 regex(pattern, options);
        if (!regex.ok()) fail(at, "no valid regular expression: " + regex.error(), {});
    }

    Expr postfix(Expr inner) {
        while (!error_) {
            if (here().is("[")) {
                range(inner);
            } else if (here().is_word("offset")) {
                next();
                (void)accept("-");
                (void)duration();
                inner.moved = true;
            } else if (here().is("@")) {
                next();
                (void)accept("-");
                (void)primary();
                inner.moved = true;
            } else {
                break;
            }
            inner.end = last_end();
        }
        return inner;
    }

    /// A range of a selector, or a subquery over anything else.
    void range(Expr& inner) {
        const std::size_t begin = here().begin;
        next();
        const bool bare = here().kind == Token::Kind::Number;
        const Duration length = duration();
        const bool subquery = accept(":");
        if (subquery && !here().is("]")) (void)duration();
        expect("]");
        if (!subquery && inner.kind != Expr::Kind::Selector && !error_)
            fail(begin, "a range such as [5m] belongs to a metric", "a subquery is written [5m:1m]");
        if (!subquery) {
            inner.range = length;
            inner.matrix = true;
            inner.bare_range = bare;
            return;
        }
        Expr out;
        out.kind = Expr::Kind::Call;  // in effect: something computed over a range
        out.begin = inner.begin;
        out.range = length;
        out.matrix = true;
        out.args.push_back(std::move(inner));
        inner = std::move(out);
    }

    Duration duration() {
        const Token token = here();
        const bool number = token.kind == Token::Kind::Number;
        const auto value = number ? std::optional<Duration>() : parse_duration(token.text);
        const auto plain = number ? parse_number(token.text) : std::nullopt;
        if (!value && !plain) {
            const std::string meant = meant_duration(token.text);
            fail(token.begin, "a duration such as 5m is expected", meant.empty() ? end_hint() : meant);
            return {};
        }
        next();
        if (value) return *value;
        return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*plain));
    }

    std::string_view text_;
    std::vector<Token> tokens_;
    std::size_t at_ = 0;
    int depth_ = 0;
    std::optional<SentenceError> error_;
};

}  // namespace

std::variant<Expr, SentenceError> parse(std::string_view text) {
    return Parser(text, tokens_of(text)).run();
}

}  // namespace revertd::config::promql
