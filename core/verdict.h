// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace revertd {

/// What one evaluation of one rule says. Only `Breach` counts towards a rollback; only `Ok` counts towards a pass.
enum class Verdict : std::uint8_t { Ok, Breach, NoData, Stale, Partial, Error, Ambiguous, Insufficient };
inline constexpr std::size_t kVerdicts = 8;

/// The runbook's scale; P0 is the worst. `None` is below P3.
enum class Severity : std::uint8_t { P0, P1, P2, P3, None };

/// Health of one target in one slot (S16). Blind is never down.
enum class Health : std::uint8_t { Unknown, Up, Down, Blind };

[[nodiscard]] std::string_view to_string(Verdict verdict);
[[nodiscard]] std::string_view to_string(Severity severity);
[[nodiscard]] std::string_view to_string(Health health);

/// "P0" .. "P3"; nothing for any other text.
[[nodiscard]] std::optional<Severity> severity_from(std::string_view text);

/// Every verdict but ok, breach and insufficient: the rule could not see.
[[nodiscard]] constexpr bool is_blind(Verdict verdict) {
    return verdict != Verdict::Ok && verdict != Verdict::Breach && verdict != Verdict::Insufficient;
}

[[nodiscard]] constexpr bool worse(Severity a, Severity b) {
    return static_cast<int>(a) < static_cast<int>(b);
}

}  // namespace revertd
