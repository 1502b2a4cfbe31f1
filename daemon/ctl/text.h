// SPDX-License-Identifier: Apache-2.0
// Words, numbers and times for people. Everything here is pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"

namespace revertd::ctl {

/// The text without control characters, so that a version or a log line cannot move the cursor of a terminal.
[[nodiscard]] std::string printable(std::string_view text);

/// Columns that the text takes: one for each code point (escape sequences of colour take none).
[[nodiscard]] std::size_t display_width(std::string_view text);

/// The text cut to `columns` columns, with `…` where something was left out; colour sequences are kept.
[[nodiscard]] std::string fit(std::string_view text, std::size_t columns);

/// Broken between words into lines of at most `columns`; a word that is longer is cut. Lines behind the first are
/// indented by `indent` blanks.
[[nodiscard]] std::vector<std::string> wrapped(std::string_view text, std::size_t columns, std::size_t indent);

/// The text and blanks up to `columns` columns.
[[nodiscard]] std::string pad(std::string_view text, std::size_t columns);

/// `███░░`: `share` of 0 to 1 in `columns` cells; full only when the share is.
[[nodiscard]] std::string bar(double share, std::size_t columns);

/// `▁▂▅█`: the values from 0 to the largest, the last `columns` of them.
[[nodiscard]] std::string sparkline(const std::vector<double>& values, std::size_t columns);

/// A value with its unit, three digits at most: `0.4%` (ratio), `212 ms` (seconds), `31` (none).
[[nodiscard]] std::string value_words(double value, std::string_view unit);

/// `1.1x`.
[[nodiscard]] std::string factor_words(double factor);

/// Seconds of the contract as `2m30s`; whole seconds.
[[nodiscard]] std::string seconds_words(double seconds);

/// RFC 3339 as the daemon writes it; nothing for any other text.
[[nodiscard]] std::optional<WallTime> parse_rfc3339(std::string_view text);

/// Local time of a person: `03:12:07`, with the date where it is another day than `now`.
[[nodiscard]] std::string local_time(WallTime at, WallTime now);

/// `03:12:07 (4m10s ago)`, or `(in 7m50s)`; the text itself if it is no time, nothing if it is empty.
[[nodiscard]] std::string when_words(std::string_view rfc3339, WallTime now);

}  // namespace revertd::ctl
