// SPDX-License-Identifier: Apache-2.0
// One scalar against its row of the table of keys.
#pragma once
#include <optional>
#include <string>

#include "config/keys.h"
#include "config/values.h"

namespace revertd::config {

/// What a row wants, for people: "a duration such as 15m".
[[nodiscard]] std::string describe(const Key& key);

[[nodiscard]] std::optional<Complaint> check_scalar(const Node& node, const Key& key);

[[nodiscard]] bool is_mail_address(std::string_view text);

/// Letters, digits, `.`, `_`, `-`; begins with a letter or digit; at most 64.
[[nodiscard]] bool is_name(std::string_view text);

}  // namespace revertd::config
