// SPDX-License-Identifier: Apache-2.0
// The scalars of the configuration: one parser each, used by the table of keys, the rules and the loader alike.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/settings.h"

namespace revertd::config {

/// A decimal number; no sign but `-`, no hexadecimal, no NaN or infinity.
[[nodiscard]] std::optional<double> parse_number(std::string_view text);

/// Whole numbers from 0; no leading zero, so that nobody's `010` is 8.
[[nodiscard]] std::optional<long long> parse_count(std::string_view text);

/// `30%` as 0.3.
[[nodiscard]] std::optional<double> parse_percent(std::string_view text);
/// "1.5x", from 1.1x to below 100x, at most three digits after the point.
[[nodiscard]] std::optional<double> parse_factor(std::string_view text);

/// `1 per 6h`.
[[nodiscard]] std::optional<RateLimit> parse_rate(std::string_view text);

struct Complaint {
    std::string what, hint;
};

/// Nothing when it is an absolute URL of one of the schemes (separated by `|`) with a host; `tcp` needs a port and no
/// path.
[[nodiscard]] std::optional<Complaint> check_url(std::string_view url, std::string_view schemes);

/// `host:port` of a URL, the port of its scheme filled in; empty when it has no host.
[[nodiscard]] std::string authority_of(std::string_view url);

[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

/// The nearest candidate by edit distance (insert, delete, replace, swap), if it is near enough to be meant: at most
/// `most` away, less in short words.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates,
                                                 std::size_t most = 3);

/// `did you mean "errors"?`, or empty.
[[nodiscard]] std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace revertd::config
