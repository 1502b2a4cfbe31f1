// SPDX-License-Identifier: Apache-2.0
// One scalar of the table of keys in the words of JSON Schema.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/keys.h"

namespace revertd::config {

/// JSON text, put together.
[[nodiscard]] std::string json_string(std::string_view text);
[[nodiscard]] std::string json_list(const std::vector<std::string>& items);
[[nodiscard]] std::string json_object(const std::vector<std::pair<std::string, std::string>>& members);

/// What a reader of YAML 1.2 makes of a plain word: a number or a boolean where it is one, else a string.
[[nodiscard]] std::string json_literal(std::string_view word);

/// The schema of a scalar of this row, as members of an object.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> scalar_schema(const Key& key, std::string_view path);

}  // namespace revertd::config
