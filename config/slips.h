// SPDX-License-Identifier: Apache-2.0
// What hands write when another thing is meant: the hint that says what to write instead. Empty where nothing is known.
#pragma once
#include <string>
#include <string_view>

namespace revertd::config {

/// `5min`, `5 m`, `1.5h`, `90 seconds`, `PT5M`, `1h 30m`: "write 5m".
[[nodiscard]] std::string meant_duration(std::string_view text);

/// A template's placeholder that was not filled in, typographic quotes, a no-break space, a full-width sign.
[[nodiscard]] std::string foreign_text(std::string_view text);

/// What stands where `>` is expected: `&gt;`, `greater`, `=`, `above`.
[[nodiscard]] std::string meant_comparison(std::string_view word);

/// A signal that nobody named: `p99`, `error_rate`, `latency`.
[[nodiscard]] std::string meant_signal(std::string_view name);

/// The page of a Prometheus in a browser, `http://prometheus:9090/graph`: what stands before it; else empty.
[[nodiscard]] std::string without_page(std::string_view url);

}  // namespace revertd::config
