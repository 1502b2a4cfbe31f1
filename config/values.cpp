// SPDX-License-Identifier: Apache-2.0
#include "config/values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numeric>

#include "config/slips.h"

namespace revertd::config {

namespace {

constexpr std::array<std::string_view, 6> kUrlForbidden{" ", "\t", "\"", "<", ">", "#"};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

std::size_t digits_at(std::string_view text, std::size_t from) {
    std::size_t count = 0;
    while (from + count < text.size() && is_digit(text[from + count])) ++count;
    return count;
}

std::string in_words(const std::vector<std::string_view>& words) {
    std::string out;
    for (const std::string_view word : words) out += (out.empty() ? "" : ", ") + std::string(word);
    return out;
}

struct UrlParts {
    std::string_view scheme, authority, path;
};

std::optional<UrlParts> split_url(std::string_view url) {
    const auto colon = url.find("://");
    if (colon == std::string_view::npos || colon == 0) return std::nullopt;
    const std::string_view rest = url.substr(colon + 3);
    const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
    return UrlParts{url.substr(0, colon), rest.substr(0, end), rest.substr(end)};
}

/// The port behind the last colon that is not part of `[::1]`; empty when there is none.
std::optional<std::string_view> port_of(std::string_view authority) {
    const auto colon = authority.rfind(':');
    const auto bracket = authority.rfind(']');
    if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) return std::nullopt;
    return authority.substr(colon + 1);
}

std::optional<Complaint> check_authority(const UrlParts& parts) {
    if (parts.authority.find('@') != std::string_view::npos)
        return Complaint{"a user or password inside a URL", "a secret is never written in the configuration"};
    const auto port = port_of(parts.authority);
    if (parts.authority.empty() || parts.authority[0] == ':') return Complaint{"a URL without a host", {}};
    if (port) {
        const auto number = parse_count(*port);
        if (!number || *number < 1 || *number > 65535) return Complaint{"a port is a number from 1 to 65535", {}};
    }
    const auto is_of_a_host = [](char c) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        return plain || std::string_view(".-_:[]%").find(c) != std::string_view::npos ||
               static_cast<signed char>(c) < 0;
    };
    const auto strange = std::find_if_not(parts.authority.begin(), parts.authority.end(), is_of_a_host);
    if (strange != parts.authority.end())
        return Complaint{"a host with `" + std::string(1, *strange) + "`",
                         *strange == '$' ? "nothing is taken from the environment: write it out" : ""};
    if (parts.scheme == "tcp" && (!port || !parts.path.empty()))
        return Complaint{"a tcp check is a host and a port", "for example tcp://127.0.0.1:5432"};
    return std::nullopt;
}

/// Optimal string alignment: the number of insertions, deletions, replacements and swaps of neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
    std::iota(last.begin(), last.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, replace});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
        std::swap(before, last);
        std::swap(last, row);
    }
    return last[b.size()];
}

/// `healthcheck`, `bake_time`: the longest candidate with which the word begins or ends, or that begins with it.
std::optional<std::string> longer_or_shorter(std::string_view word, const std::vector<std::string>& candidates) {
    constexpr std::size_t kLeast = 4;
    std::optional<std::string> best;
    for (const std::string& one : candidates) {
        const bool inside = one.size() >= kLeast && (word.starts_with(one) || word.ends_with(one));
        const bool around = word.size() >= kLeast && one.starts_with(word);
        if ((inside || around) && word.size() <= 64 && (!best || one.size() > best->size())) best = one;
    }
    return best;
}

}  // namespace

std::optional<double> parse_number(std::string_view text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
    return value;
}

std::optional<long long> parse_count(std::string_view text) {
    if (text.empty() || digits_at(text, 0) != text.size() || (text.size() > 1 && text[0] == '0')) return std::nullopt;
    long long value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} ? std::optional(value) : std::nullopt;
}

std::optional<double> parse_percent(std::string_view text) {
    if (text.empty() || text.back() != '%') return std::nullopt;
    const auto number = parse_number(text.substr(0, text.size() - 1));
    return number ? std::optional(*number / 100) : std::nullopt;
}

std::optional<double> parse_factor(std::string_view text) {
    constexpr double kLeast = 1.1, kBeyond = 100;
    constexpr std::size_t kDecimals = 3;
    if (text.empty() || text.back() != 'x') return std::nullopt;
    text.remove_suffix(1);
    const auto point = text.find('.');
    const auto decimals = point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
    const auto digits = [](std::string_view part) {
        return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    };
    const bool plain = digits(text.substr(0, point)) && text.front() != '0' &&
                       (point == std::string_view::npos || (digits(decimals) && decimals.size() <= kDecimals));
    const auto number = plain ? parse_number(text) : std::nullopt;
    return number && *number >= kLeast && *number < kBeyond ? number : std::nullopt;
}

std::optional<RateLimit> parse_rate(std::string_view text) {
    const auto per = text.find(" per ");
    if (per == std::string_view::npos) return std::nullopt;
    const auto count = parse_count(text.substr(0, per));
    const auto duration = parse_duration(text.substr(per + 5));
    if (!count || *count < 1 || *count > 1'000'000 || !duration || *duration <= Duration::zero()) return std::nullopt;
    return RateLimit{static_cast<int>(*count), *duration};
}

std::optional<Complaint> check_url(std::string_view url, std::string_view schemes) {
    if (std::string hint = foreign_text(url); !hint.empty()) return Complaint{"a URL is expected", std::move(hint)};
    if (url.starts_with('$'))
        return Complaint{"a URL is expected", "nothing is taken from the environment: write it out"};
    for (const std::string_view forbidden : kUrlForbidden)
        if (url.find(forbidden) != std::string_view::npos)
            return Complaint{"a URL cannot contain `" + std::string(forbidden) + "`", {}};
    if (url.size() > 2000) return Complaint{"a URL of more than 2000 characters", {}};
    const auto parts = split_url(url);
    if (!parts) {
        const bool path = url.starts_with('/');
        const std::string scheme(split(schemes, '|').front());
        return Complaint{"a URL is expected", "write for example " + scheme + "://" +
                                                  std::string(path ? "127.0.0.1:8080" : "") +
                                                  std::string(url.substr(0, 60))};
    }
    const auto allowed = split(schemes, '|');
    if (std::find(allowed.begin(), allowed.end(), parts->scheme) == allowed.end())
        return Complaint{"`" + std::string(parts->scheme.substr(0, 20)) + "://` is not possible here",
                         "possible: " + in_words(allowed)};
    if (url.find_first_of("{}") != std::string_view::npos)
        return Complaint{"a placeholder in a URL", url.find("${") != std::string_view::npos
                                                       ? "nothing is taken from the environment: write it out"
                                                       : "only `rollback` takes placeholders"};
    return check_authority(*parts);
}

std::string authority_of(std::string_view url) {
    const auto parts = split_url(url);
    if (!parts || parts->authority.empty()) return {};
    std::string out(parts->authority);
    if (!port_of(parts->authority)) out += parts->scheme == "https" ? ":443" : ":80";
    return out;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> out;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find(separator, begin), text.size());
        out.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return out;
}

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates,
                                   std::size_t most) {
    if (word.size() > 64) return std::nullopt;
    const std::size_t allowed = std::min<std::size_t>(most, word.size() <= 3 ? 1 : word.size() <= 8 ? 2 : 3);
    std::optional<std::string> best;
    std::size_t best_distance = allowed + 1;
    for (const std::string& candidate : candidates) {
        const std::size_t distance = edit_distance(word, candidate);
        if (distance >= best_distance || distance >= candidate.size()) continue;
        best = candidate;
        best_distance = distance;
    }
    return best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
    auto best = nearest(word, candidates);
    if (!best) best = longer_or_shorter(word, candidates);
    return best ? "did you mean \"" + *best + "\"?" : std::string{};
}

}  // namespace revertd::config
