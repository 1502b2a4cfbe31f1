// SPDX-License-Identifier: Apache-2.0
// `{to}` and its five kin: found in texts, filled as a whole or a part of ONE argv element or JSON string.
#pragma once
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "actions/rollback.h"
#include "core/result.h"

namespace revertd {

inline constexpr std::array<std::string_view, 6> kPlaceholders{"to", "from", "service", "deploy", "incident", "key"};

/// Every `{word}` in the text, known or not, in order. `{{.Name}}`, `${HOME}` and `{"json": 1}` are none.
[[nodiscard]] std::vector<std::string_view> placeholders_in(std::string_view text);

[[nodiscard]] bool uses_placeholder(std::string_view text, std::string_view name);

enum class FillPlace : std::uint8_t { Argument, Text };

/// What is filled in is never looked at again. An Argument does not begin with `-` where its template did not.
[[nodiscard]] Result<std::string> fill(std::string_view text, const Placeholders& values, FillPlace place);

/// Valid UTF-8 without control characters: what may become a part of a command, a body or a terminal line.
[[nodiscard]] bool is_plain_text(std::string_view text);

}  // namespace revertd
