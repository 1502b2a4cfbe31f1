// SPDX-License-Identifier: Apache-2.0
#include "config/rules.h"

#include <array>
#include <cmath>
#include <sstream>

#include "config/detector_sentence.h"
#include "config/sentence.h"
#include "config/slips.h"
#include "config/values.h"

namespace revertd::config {

namespace {

constexpr int kMaxCount = 1000;  // of `n in a row` and `n of m`: more is a typing error

/// Reads one sentence from left to right.
class RuleReader {
  public:
    RuleReader(std::string_view text, SignalTable& signals) : words_(text), signals_(signals) {}

    std::variant<ParsedRule, SentenceError> read() {
        const Word subject = words_.next("a signal or `health`");
        if (subject.text == "health")
            health();
        else if (subject.text == "rollout")
            fixed(Rule::Kind::RolloutStuck, "stuck");
        else if (subject.text == "deploy")
            fixed(Rule::Kind::DeployFailed, "failed");
        else
            signal(subject);
        tail();
        if (!words_.error()) check();
        if (words_.error()) return *words_.error();
        return std::move(parsed_);
    }

  private:
    Rule& rule() { return parsed_.rule; }

    void fixed(Rule::Kind kind, std::string_view word) {
        rule().kind = kind;
        words_.expect(word);
    }

    void health() {
        const Word word = words_.next("`down` or `fails`");
        if (word.text == "down")
            rule().kind = Rule::Kind::HealthDown;
        else if (word.text == "fails")
            rule().kind = Rule::Kind::HealthFails;
        else
            words_.refuse(word.offset, "`down` or `fails` is expected after `health`",
                          did_you_mean(word.text, {"down", "fails"}));
    }

    void signal(const Word& subject) {
        if (refuse_not_built(subject)) return;
        const auto index = signals_.find(subject.text);
        if (!index && signals_.is_broken(subject.text)) return words_.refuse(subject.offset, {}, {});
        if (!index) {
            std::string hint = foreign_text(subject.text);
            if (hint.empty()) hint = meant_signal(subject.text);
            if (hint.empty()) hint = did_you_mean(subject.text, signals_.names());
            if (well_known_signal(subject.text))
                hint =
                    "it is found by well-known names where there is `metrics: http://...` or `prometheus: { url: "
                    "http://... }`";
            if (subject.text.starts_with('-') && subject.text.size() > 1)
                hint = "a blank belongs behind the `-` of a list";
            if (hint.empty()) {
                for (const std::string& name : signals_.names()) hint += ", " + name;
                hint = "name it under `signals`; known are" + hint.substr(1);
            }
            return words_.refuse(subject.offset, "unknown signal \"" + std::string(subject.text.substr(0, 60)) + "\"",
                                 hint);
        }
        rule().signal = *index;
        const Word word = words_.next("`>`, `>=`, `<`, `<=` or `absent`");
        if (const DetectorKind* kind = find_detector(word.text))
            return read_detector(*kind, word, signals_.at(*index), words_, rule());
        if (word.text == "absent") {
            rule().kind = Rule::Kind::Absent;
            return;
        }
        rule().op = comparison(word);
        const Bound bound = read_bound(words_, signals_.at(rule().signal));
        rule().bound = bound.value;
        rule().relative = bound.relative;
        rule().reference = bound.reference;
        parsed_.warning = bound.warning;
    }

    bool refuse_not_built(const Word& subject) {
        if (subject.text == "alert")
            words_.refuse(subject.offset, "`alert` is not built yet (alerts from Alertmanager)", "remove the rule");
        if (subject.text == "burn")
            words_.refuse(subject.offset, "`burn` is not built yet (error budgets)",
                          "write for example `errors > 5% for 2m`");
        return words_.error().has_value();
    }

    Rule::Op comparison(const Word& word) {
        static constexpr std::array<std::pair<std::string_view, Rule::Op>, 4> kOps{{{">", Rule::Op::Greater},
                                                                                    {">=", Rule::Op::GreaterEqual},
                                                                                    {"<", Rule::Op::Less},
                                                                                    {"<=", Rule::Op::LessEqual}}};
        for (const auto& [sign, op] : kOps)
            if (word.text == sign) return op;
        std::string hint = meant_comparison(word.text);
        if (hint.empty()) hint = did_you_mean(word.text, detector_verbs());
        if (hint.empty()) hint = "as in errors > 5% for 2m";
        words_.refuse(word.offset, "`>`, `>=`, `<`, `<=` or `absent` is expected", hint);
        return Rule::Op::Greater;
    }

    void tail() {
        while (const auto word = words_.maybe()) {
            if (word->text == "for")
                hold(*word);
            else if (word->text == "over")
                over(*word);
            else if (word->text == "clear")
                clear(*word);
            else if (word->text == "and" || word->text == "or")
                words_.refuse(word->offset, "a sentence is one rule",
                              word->text == "and" ? "combine rules by `{ all: [RULE, RULE] }`"
                                                  : "combine rules by `{ any: [RULE, RULE] }`");
            else
                count(*word);
        }
    }

    void hold(const Word& word) {
        once(hold_at_, word);
        rule().hold = words_.duration();
    }

    void over(const Word& word) {
        once(over_at_, word);
        rule().over = words_.duration();
        if (*rule().over <= Duration::zero()) words_.refuse(word.offset, "a window cannot be empty", {});
    }

    void count(const Word& word) {
        once(count_at_, word);
        const auto n = parse_count(word.text);
        if (!n)
            return words_.refuse(word.offset, "`" + std::string(word.text.substr(0, 40)) + "` is not understood",
                                 tail_hint(word.text));
        if (*n < 1 || *n > kMaxCount)
            return words_.refuse(word.offset, "a count from 1 to " + std::to_string(kMaxCount) + " is expected", {});
        const Word next = words_.next("`in a row` or `of`");
        if (next.text == "in") {
            words_.expect("a");
            words_.expect("row");
            rule().in_a_row = static_cast<int>(*n);
        } else if (next.text == "of") {
            count_of(static_cast<int>(*n));
        } else {
            words_.refuse(next.offset, "`in a row` or `of` is expected", "as in `3 in a row` or `3 of 5`");
        }
    }

    void count_of(int n) {
        const Word word = words_.next("a number of slots");
        const auto of = parse_count(word.text);
        if (!of || *of < n || *of > kMaxCount)
            return words_.refuse(
                word.offset, "a number from " + std::to_string(n) + " to " + std::to_string(kMaxCount) + " is expected",
                {});
        rule().n = n;
        rule().of = static_cast<int>(*of);
    }

    static std::string tail_hint(std::string_view word) {
        if (parse_duration(word)) return "write `for " + std::string(word) + "`";
        if (word == "*" || word == "times") return "a factor is written 1.5x baseline";
        const std::string mean = did_you_mean(word, {"for", "over", "clear"});
        return mean.empty() ? "after the bound may follow: over D, for D, n in a row, n of m, clear VALUE" : mean;
    }

    void clear(const Word& word) {
        once(clear_at_, word);
        if (rule().kind != Rule::Kind::Threshold)
            return words_.refuse(word.offset, "only a rule with a bound can have `clear`", {});
        const Bound bound = read_bound(words_, signals_.at(rule().signal), rule().relative);
        const bool absolute = rule().relative == Rule::Relative::Absolute;
        if (absolute != (bound.relative == Rule::Relative::Absolute))
            words_.refuse(bound.at, "`clear` must be of the kind of the bound",
                          "both relative to the baseline, or neither");
        const bool greater = rule().op == Rule::Op::Greater || rule().op == Rule::Op::GreaterEqual;
        if (greater ? bound.value > rule().bound : bound.value < rule().bound)
            words_.refuse(bound.at, "`clear` lies on the bad side of the bound", {});
        rule().clear = bound.value;
    }

    /// What each kind of rule needs and cannot have.
    void check() {
        if (hold_at_ && count_at_) words_.refuse(*count_at_, "either `for` or a count, not both", {});
        switch (rule().kind) {
            case Rule::Kind::Threshold:
                if (!rule().over) rule().over = signals_.window(rule().signal);
                return;
            case Rule::Kind::Absent:
                return needs(hold_at_ && !count_at_ && !over_at_, "`absent for D` is expected",
                             "as in `errors absent for 2m`");
            case Rule::Kind::Detector:
                return needs(rule().in_a_row == 0 && !over_at_, "only `for` and `n of m` may follow here", {});
            case Rule::Kind::HealthDown:
                return needs((hold_at_ || rule().n > 0) && !over_at_, "`health down for D` is expected",
                             "as in `health down for 30s`, or `health down 3 of 5`");
            case Rule::Kind::HealthFails:
                return needs(rule().in_a_row > 0 && !over_at_, "`health fails n in a row` is expected",
                             "as in `health fails 3 in a row`");
            case Rule::Kind::RolloutStuck:
            case Rule::Kind::DeployFailed:
            case Rule::Kind::Combined:  // is no sentence
                return needs(!hold_at_ && !count_at_ && !over_at_, "nothing may follow here", {});
        }
    }

    void needs(bool fulfilled, std::string_view what, std::string_view hint) {
        if (!fulfilled) words_.refuse(words_.last_offset(), std::string(what), std::string(hint));
    }

    void once(std::optional<std::size_t>& at, const Word& word) {
        if (at) words_.refuse(word.offset, "`" + std::string(word.text) + "` a second time", {});
        at = word.offset;
    }

    Words words_;
    SignalTable& signals_;
    ParsedRule parsed_;
    std::optional<std::size_t> hold_at_, over_at_, clear_at_, count_at_;
};

}  // namespace

std::variant<ParsedRule, SentenceError> parse_rule(std::string_view text, SignalTable& signals) {
    auto read = RuleReader(text, signals).read();
    if (auto* parsed = std::get_if<ParsedRule>(&read)) parsed->rule.text = trimmed(text);
    return read;
}

}  // namespace revertd::config
