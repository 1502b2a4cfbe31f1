// SPDX-License-Identifier: Apache-2.0
#include "config/schema_scalar.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "config/values.h"

namespace revertd::config {

namespace {

using Members = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kNumber = R"(-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)";
constexpr std::string_view kName = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}";
constexpr std::string_view kDuration =
    "(?=[0-9])(?:[0-9]{1,9}w)?(?:[0-9]{1,9}d)?(?:[0-9]{1,9}h)?(?:[0-9]{1,9}m)?(?:[0-9]{1,9}s)?(?:[0-9]{1,9}ms)?";
/// A comparison, or one of the sentences that have none.
constexpr std::string_view kRule =
    R"([<>]|^\s*(?:health\s+(?:down|fails)|rollout\s+stuck|deploy\s+failed|burn\s|alert\s|\S+\s+(?:absent|worse)\s))";

/// Hours of the week or days of the calendar, and a zone; which days and times there are, the daemon checks.
constexpr std::string_view kWhen =
    R"((?:[A-Za-z]{3,}(?:\s?-\s?[A-Za-z]{3,})?\s)?[0-9]{1,2}:[0-9]{2}\s?-\s?(?:[A-Za-z]{3,}\s)?[0-9]{1,2}:[0-9]{2}|)"
    R"([A-Za-z]{3,}(?:\s?-\s?[A-Za-z]{3,})?|)"
    R"([0-9]{4}-[0-9]{2}-[0-9]{2}(?:\s[0-9]{1,2}:[0-9]{2})?)"
    R"((?:\s?(?:-|\.\.)\s?[0-9]{4}-[0-9]{2}-[0-9]{2}(?:\s[0-9]{1,2}:[0-9]{2})?)?)";
constexpr std::string_view kZone = "(?:[A-Z][A-Za-z_]*(?:/[A-Za-z0-9_+-]+)+|[A-Z]{3,4})";

std::string whole(const std::string& pattern) {
    return "^(?:" + pattern + ")$";
}

std::string digits(std::size_t count) {
    return count == 0 ? "" : "[0-9]{" + std::to_string(count) + "}";
}

std::string digit_range(char low, char high) {
    return low == high ? std::string(1, low) : "[" + std::string(1, low) + "-" + std::string(1, high) + "]";
}

/// Numbers as long as `limit` that are not above it (or, with `least`, not below it), as alternatives: with 365 and not
/// `least` [0-2][0-9]{2}, 3[0-5][0-9], 36[0-4], 365.
std::vector<std::string> same_length(const std::string& limit, bool least) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < limit.size(); ++i) {
        const char first = i == 0 && limit.size() > 1 ? '1' : '0';
        const char low = least ? static_cast<char>(limit[i] + 1) : first;
        const char high = least ? '9' : static_cast<char>(limit[i] - 1);
        if (low <= high) out.push_back(limit.substr(0, i) + digit_range(low, high) + digits(limit.size() - i - 1));
    }
    out.push_back(limit);
    return out;
}

std::string joined(const std::vector<std::string>& parts) {
    std::string out;
    for (const std::string& part : parts) out += (out.empty() ? "" : "|") + part;
    return out;
}

/// A pattern of the whole numbers from `low` to `high`, both included; empty when there is none.
std::string interval(long long low, long long high) {
    if (low > high) return {};
    const std::string least = std::to_string(low), most = std::to_string(high);
    if (least.size() == most.size()) {
        // Both limits in one length: one by a look ahead, the other by what is consumed.
        return "(?=(?:" + joined(same_length(least, true)) + ")(?![0-9]))(?:" + joined(same_length(most, false)) + ")";
    }
    std::vector<std::string> out = same_length(least, true);
    for (std::size_t length = least.size() + 1; length < most.size(); ++length)
        out.push_back("[1-9]" + digits(length - 1));
    for (std::string& part : same_length(most, false)) out.push_back(std::move(part));
    return "(?:" + joined(out) + ")";
}

/// Durations within a range. Exact for those of one unit; of a sum like 1h30m the daemon checks the range.
std::string duration_pattern(std::string_view range) {
    struct Unit {
        std::string_view name;
        Duration size;
    };

    static constexpr std::array<Unit, 6> kUnits{
        {{"ms", 1ms}, {"s", 1s}, {"m", 1min}, {"h", 1h}, {"d", 24h}, {"w", 24h * 7}}};
    const auto dots = range.find("..");
    const auto low = parse_duration(range.substr(0, dots)), high = parse_duration(range.substr(dots + 2));
    std::vector<std::string> ways;
    for (const Unit& unit : kUnits) {
        const long long from = (*low + unit.size - Duration(1)) / unit.size;
        const long long to = std::min<long long>(*high / unit.size, 999'999'999);
        if (std::string counts = interval(from, to); !counts.empty())
            ways.push_back("0*" + counts + std::string(unit.name));
    }
    if (*low == Duration::zero()) ways.emplace_back("0");
    ways.push_back("(?=[0-9]+[a-z]+[0-9])" + std::string(kDuration));
    return joined(ways);
}

std::string url_pattern(std::string_view schemes) {
    constexpr std::string_view kPort =
        "(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])";
    const std::string host = R"([^\s"<>#{}@/?:\[\]])", port(kPort);
    const std::string bracketed = R"(\[[^\s"<>#{}@/?\]]+\])";
    const std::string rest = R"((?:[/?][^ \t"<>#{}]*)?)";
    std::vector<std::string> ways;
    for (const std::string_view scheme : split(schemes, '|')) {
        const std::string begin = std::string(scheme) + "://";
        const std::string authority = scheme == "tcp" ? "(?:" + bracketed + "|" + host + "+):" + port
                                                      : "(?:" + bracketed + "(?::" + port + ")?|" + host +
                                                            "+(?:(?::" + host + "*)*:" + port + ")?)";
        ways.push_back(begin + authority + (scheme == "tcp" ? std::string{} : rest));
    }
    return joined(ways);
}

Members texts(const std::string& types, const std::string& pattern) {
    return {{"type", types}, {"maxLength", "4096"}, {"pattern", json_string(pattern)}};
}

Members numbers(const Key& key, const char* type, const std::string& pattern) {
    const auto dots = key.range.find("..");
    return {{"type", json_list({json_string(type), json_string("string")})},
            {"minimum", std::string(key.range.substr(0, dots))},
            {"maximum", std::string(key.range.substr(dots + 2))},
            {"pattern", json_string(whole(pattern))}};
}

Members choice(const Key& key) {
    std::vector<std::string> words;
    for (const std::string_view word : split(key.range, '|')) {
        words.push_back(json_string(word));
        if (json_literal(word) != words.back()) words.push_back(json_literal(word));
    }
    return {{"enum", json_list(words)}};
}

Members duration(const Key& key) {
    const bool zero = parse_duration(key.range.substr(0, key.range.find(".."))) == Duration::zero();
    Members out{{"type", zero ? R"(["string","integer"])" : R"("string")"},
                {"pattern", json_string(whole(duration_pattern(key.range)))}};
    if (zero) out.insert(out.end(), {{"minimum", "0"}, {"maximum", "0"}});
    return out;
}

Members name(const std::string& pattern) {
    Members out = texts(R"(["string","number"])", whole(pattern));
    out.emplace_back("minimum", "0");
    return out;
}

bool is_rule(std::string_view path) {
    return path.find(".guard") != std::string_view::npos;
}

}  // namespace

std::string json_string(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') out += '\\';
        if (byte >= 0x20) {
            out += c;
            continue;
        }
        std::array<char, 8> escaped{};
        std::snprintf(escaped.data(), escaped.size(), "\\u%04x", byte);
        out += escaped.data();
    }
    return out + '"';
}

std::string json_list(const std::vector<std::string>& items) {
    std::string out;
    for (const std::string& item : items) out += (out.empty() ? "[" : ",") + item;
    return out.empty() ? "[]" : out + "]";
}

std::string json_object(const std::vector<std::pair<std::string, std::string>>& members) {
    std::string out;
    for (const auto& [name, value] : members) out += (out.empty() ? "{" : ",") + json_string(name) + ":" + value;
    return out.empty() ? "{}" : out + "}";
}

std::string json_literal(std::string_view word) {
    if (word == "true" || word == "false") return std::string(word);
    const auto number = parse_number(word);
    const bool plain = number && word.find_first_not_of("-0123456789.") == std::string_view::npos &&
                       word.back() != '.' && word.front() != '.';
    return plain ? std::string(word) : json_string(word);
}

std::vector<std::pair<std::string, std::string>> scalar_schema(const Key& key, std::string_view path) {
    switch (key.scalar) {
        case ScalarType::Period:
            return duration(key);
        case ScalarType::Count:
            return numbers(key, "integer", "0|[1-9][0-9]*");
        case ScalarType::Number:
            return numbers(key, "number", std::string(kNumber));
        case ScalarType::Percent:
            return texts(R"("string")", whole(std::string(kNumber) + "%"));
        case ScalarType::Factor:
            return texts(R"("string")", whole(R"((?:1\.[1-9][0-9]{0,2}|(?:[2-9]|[1-9][0-9])(?:\.[0-9]{1,3})?)x)"));
        case ScalarType::Rate:
            return texts(R"("string")", whole("(?:[1-9][0-9]{0,5}|1000000) per (?=.*[1-9])" + std::string(kDuration)));
        case ScalarType::Choice:
            return choice(key);
        case ScalarType::Name:
            return name(std::string(kName));
        case ScalarType::Member:
            return name("@?" + std::string(kName));
        case ScalarType::Url:
            return {{"type", R"("string")"},
                    {"maxLength", "2000"},
                    {"pattern", json_string(whole(url_pattern(key.range)))}};
        case ScalarType::Secret:
            // No path that climbs, and nothing that looks like the secret itself: long, of letters and digits.
            return name(R"((?!.*/\.\./)/.*|(?!(?=.*[0-9])[A-Za-z0-9]{20,}$))" + std::string(kName));
        case ScalarType::Statuses: {
            Members out = texts(R"(["string","integer"])", whole("[1-5][0-9]{2}(?:-[1-5][0-9]{2})?"));
            out.insert(out.end(), {{"minimum", "100"}, {"maximum", "599"}});
            return out;
        }
        case ScalarType::Mail:
            return texts(R"("string")", R"(^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+$)");
        case ScalarType::Hours:
            return texts(R"("string")",
                         whole(R"(\s*(?:)" + std::string(kWhen) + R"()\s+)" + std::string(kZone) + R"(\s*)"));
        case ScalarType::Text:
            return texts(R"(["string","number"])", R"([^ \t\n])");
        case ScalarType::Sentence:
            return texts(R"("string")", is_rule(path) ? std::string(kRule) : R"([^ \t\n])");
        case ScalarType::None:
        case ScalarType::Value:
            return texts(R"(["string","number","boolean"])", R"([^ \t\n])");
    }
    return {};
}

}  // namespace revertd::config
