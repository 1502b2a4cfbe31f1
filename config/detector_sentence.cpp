// SPDX-License-Identifier: Apache-2.0
#include "config/detector_sentence.h"

#include "config/values.h"
#include "detectors/registry.h"

namespace revertd::config {

namespace {

std::string_view first_word(std::string_view sentence) {
    return sentence.substr(0, sentence.find(' '));
}

double read_count(Words& words) {
    constexpr int kMost = 1'000'000;
    const Word word = words.next("a count");
    const auto count = parse_count(word.text);
    if (!count || *count < 1 || *count > kMost) words.refuse(word.offset, "a count of at least 1 is expected", {});
    return static_cast<double>(count.value_or(1));
}

double read_duration(Words& words) {
    const Duration duration = words.duration();
    if (duration <= Duration::zero()) words.refuse(words.last_offset(), "a time above 0 is expected", "as in 10m");
    return seconds(duration);
}

double read_share(Words& words) {
    const Word word = words.next("a share");
    std::string_view text = word.text;
    const bool percent = text.ends_with('%');
    if (percent) text.remove_suffix(1);
    const auto number = parse_number(text);
    const Word* sign = words.peek();
    const bool apart = !percent && sign != nullptr && sign->text == "%";
    if (apart) words.skip();
    if (!number) words.refuse(word.offset, "a share is expected", "as in 20% or 0.2");
    return number.value_or(0) / (percent || apart ? 100 : 1);
}

bool is_place(std::string_view part) {
    return part == "COUNT" || part == "DURATION" || part == "SHARE" || part == "BOUND";
}

double read_argument(std::string_view place, const Signal& signal, Words& words) {
    if (place == "COUNT") return read_count(words);
    if (place == "DURATION") return read_duration(words);
    if (place == "SHARE") return read_share(words);
    const Bound bound = read_bound(words, signal);
    if (bound.relative != Rule::Relative::Absolute) words.refuse(bound.at, "a plain bound is expected here", {});
    return bound.value;
}

}  // namespace

const DetectorKind* find_detector(std::string_view verb) {
    for (const DetectorKind* kind : detectors::all())
        if (first_word(kind->sentence) == verb) return kind;
    return nullptr;
}

std::vector<std::string> detector_verbs() {
    std::vector<std::string> verbs;
    for (const DetectorKind* kind : detectors::all()) verbs.emplace_back(first_word(kind->sentence));
    return verbs;
}

void read_detector(const DetectorKind& kind, const Word& verb, const Signal& signal, Words& words, Rule& rule) {
    rule.kind = Rule::Kind::Detector;
    rule.detector = &kind;
    std::size_t argument = 0;
    Words rest(kind.sentence.substr(first_word(kind.sentence).size()));
    for (; rest.peek() != nullptr && !words.error(); rest.skip()) {
        const std::string_view part = rest.peek()->text;
        if (is_place(part))
            rule.arguments.at(argument++) = read_argument(part, signal, words);
        else
            words.expect(part);
    }
    if (words.error()) return;
    const std::string why = kind.refuse == nullptr ? "" : kind.refuse(signal, rule.arguments);
    if (!why.empty()) words.refuse(verb.offset, why, "the sentence is `<signal> " + std::string(kind.sentence) + "`");
}

}  // namespace revertd::config
