// SPDX-License-Identifier: Apache-2.0
#include "config/slips.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <optional>
#include <utility>

#include "config/values.h"

namespace revertd::config {

namespace {

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

/// Milliseconds of a unit, however it is written; 0: unknown.
double unit_of(std::string_view word) {
    struct Unit {
        double ms;
        std::array<std::string_view, 6> words;
    };

    static constexpr std::array<Unit, 6> kUnits{{{1, {"ms", "msec", "msecs", "millis", "millisecond", "milliseconds"}},
                                                 {1e3, {"s", "sec", "secs", "second", "seconds", ""}},
                                                 {6e4, {"m", "min", "mins", "minute", "minutes", ""}},
                                                 {3.6e6, {"h", "hr", "hrs", "hour", "hours", ""}},
                                                 {8.64e7, {"d", "day", "days", "", "", ""}},
                                                 {6.048e8, {"w", "wk", "week", "weeks", "", ""}}}};
    for (const Unit& unit : kUnits)
        if (!word.empty() && std::ranges::find(unit.words, word) != unit.words.end()) return unit.ms;
    return 0;
}

bool is_of_number(char c) {
    return (c >= '0' && c <= '9') || c == '.' || c == ',';
}

/// The parts of `1 hour, 30 minutes` added up, in milliseconds.
std::optional<double> sum_of(std::string_view text) {
    double sum = 0;
    const auto blank = [](char c) { return c == ' ' || c == ',' || c == '\t'; };
    while (!text.empty()) {
        const auto number_end = std::ranges::find_if_not(text, is_of_number) - text.begin();
        std::string digits(text.substr(0, static_cast<std::size_t>(number_end)));
        std::ranges::replace(digits, ',', '.');
        const auto number = parse_number(digits);
        text.remove_prefix(static_cast<std::size_t>(number_end));
        while (!text.empty() && blank(text.front())) text.remove_prefix(1);
        const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
        const auto word_end = static_cast<std::size_t>(std::ranges::find_if_not(text, is_letter) - text.begin());
        const double unit = unit_of(text.substr(0, word_end));
        if (!number || *number < 0 || unit == 0) return std::nullopt;
        sum += *number * unit;
        text.remove_prefix(word_end);
        while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    }
    return sum;
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

}  // namespace

std::string meant_duration(std::string_view text) {
    constexpr std::size_t kLongest = 40;
    constexpr double kMost = 3.2e10;  // a year: more is no slip
    std::string plain = lower(text.substr(0, kLongest));
    if (text.size() > kLongest || plain.empty()) return {};
    if (plain.starts_with("pt")) plain.erase(0, 2);  // ISO 8601
    const auto sum = sum_of(plain);
    if (!sum || *sum < 1 || *sum > kMost || *sum != std::floor(*sum)) return {};
    return "write " + to_words(std::chrono::milliseconds(static_cast<long long>(*sum)));
}

std::string foreign_text(std::string_view text) {
    for (const std::string_view placeholder : {"{{", "{%", "<%", "%{"})
        if (contains(text, placeholder))
            return "`" + std::string(placeholder) +
                   "` is a template's placeholder: fill it in before revertd reads the file";
    if (contains(text, "${")) return "nothing is taken from the environment: write the value";
    for (const std::string_view quote :
         {"\u201c", "\u201d", "\u201e", "\u2018", "\u2019", "\u00ab", "\u00bb", "\u2033"})
        if (contains(text, quote)) return "`" + std::string(quote) + "` is no quote of YAML: write a plain \" or '";
    if (contains(text, "\u00a0") || contains(text, "\u202f") || contains(text, "\u3000"))
        return "there is a blank that is none to YAML (no-break space, pasted from a web page?): type it again";
    if (contains(text, "\uff1a")) return "`\uff1a` is no colon of YAML: write `: `";
    for (const std::string_view dash : {"\u2013", "\u2014", "\u2212"})
        if (contains(text, dash)) return "`" + std::string(dash) + "` is no hyphen: write `-`";
    return {};
}

std::string meant_comparison(std::string_view word) {
    const std::string plain = lower(word.substr(0, 20));
    for (const auto& [html, sign] : {std::pair("&gt", ">"), std::pair("&lt", "<")})
        if (plain.starts_with(html)) return "`" + std::string(html) + ";` is how HTML writes it: write `" + sign + "`";
    for (const std::string_view more :
         {"greater", "above", "over", "exceeds", "more", "gt", "gte", "higher", "bigger", "=>"})
        if (plain == more) return "write `>`, as in errors > 5% for 2m";
    for (const std::string_view less : {"less", "below", "under", "lt", "lte", "lower", "smaller", "fewer", "=<"})
        if (plain == less) return "write `<`, as in orders < 50% baseline for 5m";
    if (plain == "=" || plain == "==" || plain == "!=" || plain == "is" || plain == "equals")
        return "a value is compared by >, >=, < or <=";
    return {};
}

std::string meant_signal(std::string_view name) {
    const std::string plain = lower(name.substr(0, 40));
    const bool percentile = (plain.size() == 3 || plain.size() == 4) && plain[0] == 'p' &&
                            plain.find_first_not_of("0123456789", 1) == std::string::npos;
    if (percentile)
        return "name it under `signals`, as in " + plain + ": 'quantile(0." + plain.substr(1) +
               ", http_request_duration_seconds)'";
    if (contains(plain, "error") || contains(plain, "5xx") || contains(plain, "fail"))
        return "did you mean \"errors\"?";
    if (contains(plain, "laten") || contains(plain, "duration") || contains(plain, "response"))
        return "`p95` is found by well-known names; another one is named under `signals`, as in " + plain +
               ": 'quantile(0.95, http_request_duration_seconds)'";
    return {};
}

std::string without_page(std::string_view url) {
    const std::size_t query = std::min(url.find_first_of("?#"), url.size());
    url = url.substr(0, query);
    while (url.ends_with('/')) url.remove_suffix(1);
    for (const std::string_view page : {"/graph", "/query", "/targets", "/alerts", "/rules", "/status", "/vmui",
                                        "/metrics", "/-/healthy", "/-/ready", "/api"})
        if (url.ends_with(page)) return std::string(url.substr(0, url.size() - page.size()));
    return {};
}

}  // namespace revertd::config
