// SPDX-License-Identifier: Apache-2.0
#include "config/scalars.h"

#include <algorithm>
#include <cctype>

#include "config/hours.h"
#include "config/slips.h"
#include "config/yaml_traps.h"

namespace revertd::config {

namespace {

std::string quoted(std::string_view text) {
    return "`" + std::string(text.substr(0, 60)) + "`";
}

bool is_alnum(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

std::string words_of(std::string_view range) {
    std::string out;
    for (const std::string_view word : split(range, '|')) out += (out.empty() ? "" : ", ") + std::string(word);
    return out;
}

struct Bounds {
    std::string_view low, high;
};

Bounds bounds_of(std::string_view range) {
    const auto dots = range.find("..");
    return {range.substr(0, dots), range.substr(dots + 2)};
}

Complaint out_of_range(std::string_view text, const Bounds& bounds) {
    if (bounds.low == bounds.high) return {"only " + std::string(bounds.low) + " is possible yet", {}};
    return {quoted(text) + " is out of range", "from " + std::string(bounds.low) + " to " + std::string(bounds.high)};
}

/// Why a number was no number, where YAML's own reading is the trap.
std::string number_hint(std::string_view text) {
    if (is_sexagesimal(text))
        return "YAML 1.1 reads minutes and seconds with a colon as one number: write for example 1m30s";
    if (is_octal(text)) return "YAML 1.1 reads a leading 0 as octal: write it without";
    return {};
}

std::optional<Complaint> check_duration(std::string_view text, std::string_view range) {
    const auto value = parse_duration(text);
    if (!value) {
        std::string hint = number_hint(text);
        if (hint.empty()) hint = meant_duration(text);
        if (hint.empty()) hint = foreign_text(text);
        if (hint.empty() && parse_number(text)) hint = "a unit is missing: " + std::string(text) + "s?";
        if (hint.empty()) hint = "units are ms, s, m, h, d, w, as in 1h30m";
        return Complaint{quoted(text) + " is no duration", hint};
    }
    const Bounds bounds = bounds_of(range);
    if (*value < *parse_duration(bounds.low) || *value > *parse_duration(bounds.high))
        return out_of_range(text, bounds);
    return std::nullopt;
}

template <class Number>
std::optional<Complaint> check_bounds(std::string_view text, std::string_view range,
                                      const std::optional<Number>& value) {
    if (!value || is_octal(text)) return Complaint{quoted(text) + " is no number", number_hint(text)};
    const Bounds bounds = bounds_of(range);
    const auto number = static_cast<double>(*value);
    if (number < *parse_number(bounds.low) || number > *parse_number(bounds.high)) return out_of_range(text, bounds);
    return std::nullopt;
}

std::optional<Complaint> check_choice(std::string_view text, std::string_view range) {
    std::vector<std::string> words;
    for (const std::string_view word : split(range, '|')) words.emplace_back(word);
    if (std::find(words.begin(), words.end(), text) != words.end()) return std::nullopt;
    std::string mean = did_you_mean(text, words);
    const bool asks = std::find(words.begin(), words.end(), "after approval") != words.end();
    if (asks && (text == "auto" || text == "automatic" || text == "yes" || text == "true" || text == "immediately"))
        mean = "to act at once write `now`";
    if (asks && (text == "approval" || text == "ask" || text == "manual")) mean = "did you mean \"after approval\"?";
    return Complaint{quoted(text) + " is none of: " + words_of(range), mean};
}

std::optional<Complaint> check_name(const Node& node, bool group_allowed) {
    if (node.plain && is_yaml_boolean(node.text))
        return Complaint{quoted(node.text) + " is a boolean in YAML", "if it is a name, put it in quotes"};
    std::string_view name = node.text;
    if (group_allowed && name.starts_with('@')) name.remove_prefix(1);
    if (!is_name(name) && name.find("${") != std::string_view::npos)
        return Complaint{quoted(node.text) + " is no name",
                         "nothing is filled in from the environment; write the value"};
    if (!is_name(name))
        return Complaint{quoted(node.text) + " is no name", "letters, digits, `.`, `_` and `-`, at most 64"};
    return std::nullopt;
}

std::optional<Complaint> check_text(const Node& node) {
    if (node.text.find_first_not_of(" \t\n") == std::string::npos) return Complaint{"the value is blank", "fill it in"};
    if (node.text.size() > 4096) return Complaint{"the value is longer than 4096 characters", {}};
    return std::nullopt;
}

std::optional<Complaint> check_secret(std::string_view text) {
    constexpr std::string_view kHint = "a bare name is a systemd credential, an absolute path a file";
    const bool key_like = text.size() >= 20 && std::all_of(text.begin(), text.end(), is_alnum) &&
                          std::any_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (key_like)
        return Complaint{"this looks like the secret itself", "put it in a file and write the file's name here"};
    if (text.starts_with('/') && text.find("/../") == std::string_view::npos) return std::nullopt;
    if (text.find('/') != std::string_view::npos) return Complaint{"a relative path", std::string(kHint)};
    if (!is_name(text)) return Complaint{quoted(text) + " is no file", std::string(kHint)};
    return std::nullopt;
}

std::optional<Complaint> check_statuses(std::string_view text) {
    const auto parts = split(text, '-');
    const auto status = [](std::string_view part) {
        const auto value = parse_count(part);
        return value && *value >= 100 && *value <= 599 ? value : std::nullopt;
    };
    const auto from = status(parts.front()), to = status(parts.back());
    if (parts.size() > 2 || !from || !to || *from > *to)
        return Complaint{quoted(text) + " is no status", "write 200, or a range such as 200-399"};
    return std::nullopt;
}

}  // namespace

bool is_name(std::string_view text) {
    if (text.empty() || text.size() > 64 || !is_alnum(text[0])) return false;
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return is_alnum(c) || c == '.' || c == '_' || c == '-'; });
}

bool is_mail_address(std::string_view text) {
    const auto at = text.find('@');
    if (at == std::string_view::npos || at == 0 || at + 1 == text.size() || text.size() > 254) return false;
    const auto rest = text.substr(at + 1);
    return rest.find('@') == std::string_view::npos && std::all_of(text.begin(), text.end(), [](char c) {
               return is_alnum(c) || std::string_view("@.!#$%&'*+/=?^_`{|}~-").find(c) != std::string_view::npos;
           });
}

std::string describe(const Key& key) {
    switch (key.scalar) {
        case ScalarType::None:
            return "a value";
        case ScalarType::Period:
            return "a duration such as 15m";
        case ScalarType::Count:
            return "a whole number";
        case ScalarType::Number:
            return "a number";
        case ScalarType::Percent:
            return "a share such as 30%";
        case ScalarType::Factor:
            return "a factor such as 1.5x";
        case ScalarType::Rate:
            return "a limit such as `1 per 6h`";
        case ScalarType::Choice:
            return "one of: " + words_of(key.range);
        case ScalarType::Name:
            return "a name";
        case ScalarType::Member:
            return "a user or @group";
        case ScalarType::Text:
        case ScalarType::Value:
            return "a text";
        case ScalarType::Url:
            return "a URL";
        case ScalarType::Secret:
            return "the name of a credential or an absolute path";
        case ScalarType::Statuses:
            return "a status such as 200 or 200-399";
        case ScalarType::Mail:
            return "an address of mail";
        case ScalarType::Hours:
            return "hours such as `Fri 16:00-Mon 08:00 Europe/Berlin`";
        case ScalarType::Sentence:
            return "a sentence";
    }
    return "a value";
}

std::optional<Complaint> check_scalar(const Node& node, const Key& key) {
    if (auto complaint = check_text(node)) return complaint;
    const std::string_view text = node.text;
    switch (key.scalar) {
        case ScalarType::Period:
            return check_duration(text, key.range);
        case ScalarType::Count:
            return check_bounds(text, key.range, parse_count(text));
        case ScalarType::Number:
            return check_bounds(text, key.range, parse_number(text));
        case ScalarType::Percent:
            if (!parse_percent(text)) return Complaint{quoted(text) + " is no share", "write for example 30%"};
            return std::nullopt;
        case ScalarType::Factor:
            if (!parse_factor(text))
                return Complaint{quoted(text) + " is no factor", "write for example 1.5x, at least 1.1x"};
            return std::nullopt;
        case ScalarType::Rate:
            if (!parse_rate(text))
                return Complaint{quoted(text) + " is no limit", "write for example `1 per 6h`, or `off`"};
            return std::nullopt;
        case ScalarType::Choice:
            return check_choice(text, key.range);
        case ScalarType::Name:
            return check_name(node, false);
        case ScalarType::Member:
            return check_name(node, true);
        case ScalarType::Url:
            return check_url(text, key.range);
        case ScalarType::Secret:
            return check_secret(text);
        case ScalarType::Statuses:
            return check_statuses(text);
        case ScalarType::Mail:
            if (!is_mail_address(text))
                return Complaint{quoted(text) + " is no address of mail", "as in ana@example.com"};
            return std::nullopt;
        case ScalarType::Hours:
            return check_hours(text);
        case ScalarType::Text:
            if (node.plain && is_yaml_boolean(text))
                return Complaint{quoted(text) + " is a boolean in YAML", "if it is meant as a word, put it in quotes"};
            return std::nullopt;
        case ScalarType::None:
        case ScalarType::Value:
        case ScalarType::Sentence:
            return std::nullopt;
    }
    return std::nullopt;
}

}  // namespace revertd::config
