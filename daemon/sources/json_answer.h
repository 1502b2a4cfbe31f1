// SPDX-License-Identifier: Apache-2.0
// JSON from outside: strict UTF-8, depth and size capped, keys that come twice refused (the parser would take the
// first, others take the last), parsed without recursion.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/settings.h"

namespace revertd {

/// Holds if every matcher reaches at least one value and every value that it reaches equals the expected text, letters
/// in any case. Otherwise the words say what does not: "/checks/db/status is 'down', 'ok' is expected".
[[nodiscard]] Result<void> check_json(std::string_view body, const std::vector<JsonMatcher>& matchers);

/// The one string, number or boolean that the pointer (without `*`) reaches.
[[nodiscard]] Result<std::string> json_text_at(std::string_view body, std::string_view pointer);

/// Text of others in words for people: printable ASCII, at most 64 bytes.
[[nodiscard]] std::string quotable(std::string_view text);

}  // namespace revertd
