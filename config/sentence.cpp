// SPDX-License-Identifier: Apache-2.0
#include "config/sentence.h"

#include <algorithm>

#include "config/slips.h"
#include "config/values.h"

namespace revertd::config {

namespace {

constexpr std::string_view kSigns = "<>=!";
constexpr double kLongSeconds = 30;  // nobody's request may take longer: milliseconds are meant
constexpr double kShortSeconds = 0.001, kEndlessSeconds = 300;

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct Quantity {
    double number = 0;
    std::string_view suffix;
    std::size_t at = 0;
};

Quantity read_quantity(Words& words) {
    const Word word = words.next("a bound");
    const std::size_t digits = std::min(word.text.find_first_not_of("0123456789.-"), word.text.size());
    const auto number = parse_number(word.text.substr(0, digits));
    if (!number) {
        words.refuse(word.offset, "`" + std::string(word.text.substr(0, 40)) + "` is no bound",
                     "as in 5%, 0.05, 300ms, 2s, 1.5x baseline or 50% baseline");
        return {};
    }
    Quantity out{*number, word.text.substr(digits), word.offset};
    const Word* unit = words.peek();
    if (out.suffix.empty() && unit != nullptr &&
        (unit->text == "%" || unit->text == "x" || unit->text == "ms" || unit->text == "s")) {
        out.suffix = unit->text;
        words.skip();
    }
    return out;
}

/// `baseline`, `control` or `before`; nothing if none of them comes.
std::optional<Rule::Reference> accept_reference(Words& words, const Signal& signal) {
    const Word* word = words.peek();
    if (word == nullptr) return std::nullopt;
    const bool control = word->text == "control" || (word->text == "baseline" && signal.control);
    if (word->text != "baseline" && word->text != "control" && word->text != "before") return std::nullopt;
    if (control && !signal.control) {
        words.refuse(word->offset, "there is no control group for `" + signal.name + "`",
                     "name it by `compare: { canary: ..., baseline: ... }`");
        return Rule::Reference::Control;
    }
    words.skip();
    return control ? Rule::Reference::Control : Rule::Reference::Before;
}

Bound relative_bound(Words& words, const Quantity& quantity) {
    if (quantity.suffix != "x" && quantity.suffix != "%")
        words.refuse(quantity.at, "`baseline` follows a factor or a percentage", "as in 1.5x baseline or 50% baseline");
    if (quantity.number <= 0) words.refuse(quantity.at, "a share of the baseline is greater than 0", {});
    if (quantity.suffix == "x") return {quantity.number, Rule::Relative::TimesBaseline, quantity.at, {}, {}};
    return {quantity.number / 100, Rule::Relative::PercentBaseline, quantity.at, {}, {}};
}

Bound ratio_bound(Words& words, const Quantity& quantity, const Signal& signal) {
    if (quantity.suffix == "ms" || quantity.suffix == "s")
        words.refuse(quantity.at, "a bound in time on `" + signal.name + "`, which is a ratio", "write for example 5%");
    const double value = quantity.suffix == "%" ? quantity.number / 100 : quantity.number;
    if (value < 0 || value > 1) {
        std::string hint = quantity.suffix.empty() && value <= 100 ? "write it as a percentage, with %" : "";
        words.refuse(quantity.at, "`" + signal.name + "` is a ratio, from 0 to 1 (0% to 100%)", hint);
    }
    return {value, Rule::Relative::Absolute, quantity.at, {}, {}};
}

Bound plain_bound(Words& words, const Quantity& quantity, const Signal& signal) {
    if (quantity.suffix == "%")
        words.refuse(quantity.at, "a percent bound on `" + signal.name + "`, which is not a ratio",
                     "write a plain number, or compare with the baseline: `50% baseline`");
    const bool time = quantity.suffix == "ms" || quantity.suffix == "s";
    if (time && signal.unit != Unit::Seconds)
        words.refuse(quantity.at, "a bound in time on `" + signal.name + "`, whose name does not say that it is one",
                     "write a plain number in the unit of the metric");
    Bound out{quantity.suffix == "ms" ? quantity.number / 1000 : quantity.number,
              Rule::Relative::Absolute,
              quantity.at,
              {},
              {}};
    if (signal.unit == Unit::Seconds && !time && quantity.number >= kLongSeconds &&
        signal.kind == Signal::Kind::Quantile)
        out.warning = "the bound of `" + signal.name + "` is in seconds: is ms meant?";
    // Nothing that is measured over a network is faster, and nobody waits so long for an answer.
    if (signal.kind == Signal::Kind::Quantile && quantity.suffix == "ms" && out.value < kShortSeconds)
        out.warning = "the bound of `" + signal.name + "` is below a millisecond: is s meant?";
    if (signal.kind == Signal::Kind::Quantile && quantity.suffix == "s" && quantity.number > kEndlessSeconds)
        out.warning = "the bound of `" + signal.name + "` is longer than minutes: is ms meant?";
    return out;
}

}  // namespace

Words::Words(std::string_view text) : end_(text.size()) {
    for (std::size_t at = 0; at < text.size();) {
        if (is_blank(text[at])) {
            ++at;
            continue;
        }
        const bool sign = kSigns.find(text[at]) != std::string_view::npos;
        const auto ends = [&](char c) { return is_blank(c) || (kSigns.find(c) != std::string_view::npos) != sign; };
        const std::size_t length =
            static_cast<std::size_t>(std::find_if(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), ends) -
                                     text.begin()) -
            at;
        words_.push_back({text.substr(at, length), at});
        at += length;
    }
}

std::optional<Word> Words::maybe() {
    if (at_ == words_.size()) return std::nullopt;
    return words_[at_++];
}

Word Words::next(std::string_view expected) {
    if (at_ < words_.size()) return words_[at_++];
    refuse(end_, std::string(expected) + " is expected at the end of the rule", {});
    return {};
}

void Words::expect(std::string_view word) {
    const std::string expected = "`" + std::string(word) + "`";
    const Word found = next(expected);
    if (found.text != word) refuse(found.offset, expected + " is expected", {});
}

/// `2 minutes`: the number stands alone, and its unit behind it.
std::string Words::duration_hint(std::string_view number) const {
    static constexpr std::string_view kUnits = "smhdw";
    const bool bare = !number.empty() && number.find_first_not_of("0123456789") == std::string_view::npos;
    if (const std::string meant = meant_duration(number); !meant.empty()) return meant;
    if (bare && at_ >= words_.size())
        return "a unit is missing: " + std::string(number) + "s or " + std::string(number) + "m?";
    if (!bare || at_ >= words_.size() || number.size() > 6) return "as in 30s, 2m or 1h30m";
    const std::string_view unit = words_[at_].text;
    const bool known = kUnits.find(unit.front()) != std::string_view::npos && unit != "milliseconds";
    return known ? "write " + std::string(number) + unit.front() + ", without a blank" : "as in 30s, 2m or 1h30m";
}

Duration Words::duration() {
    const Word word = next("a duration");
    const auto value = parse_duration(word.text);
    if (!value || *value > 24h * 30)
        refuse(word.offset, "`" + std::string(word.text.substr(0, 40)) + "` is no duration", duration_hint(word.text));
    return value.value_or(Duration::zero());
}

void Words::refuse(std::size_t at, std::string what, std::string hint) {
    if (!error_) error_ = SentenceError{at, std::move(what), std::move(hint)};
    at_ = words_.size();
}

Bound read_bound(Words& words, const Signal& signal, Rule::Relative kind) {
    const Quantity quantity = read_quantity(words);
    const bool said_before = kind != Rule::Relative::Absolute && (quantity.suffix == "x" || quantity.suffix == "%");
    const auto reference = accept_reference(words, signal);
    if (reference || said_before) {
        Bound bound = relative_bound(words, quantity);
        bound.reference = reference.value_or(Rule::Reference::Before);
        return bound;
    }
    if (quantity.suffix == "x")
        words.refuse(quantity.at, "`baseline` is expected after a factor", "as in 1.5x baseline");
    if (!quantity.suffix.empty() && quantity.suffix != "%" && quantity.suffix != "ms" && quantity.suffix != "s")
        words.refuse(quantity.at, "`" + std::string(quantity.suffix.substr(0, 20)) + "` is no unit",
                     quantity.suffix.starts_with(',') ? "a decimal point, no comma: 0.5%"
                                                      : "units are %, ms, s, x baseline and % baseline");
    return signal.unit == Unit::Ratio ? ratio_bound(words, quantity, signal) : plain_bound(words, quantity, signal);
}

std::string trimmed(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return std::string(text);
}

}  // namespace revertd::config
