// SPDX-License-Identifier: Apache-2.0
// What YAML makes of a text that people do not expect, in words.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "config/diagnostic.h"

namespace revertd::config {

struct BadByte {
    Position at;
    std::string what, hint;
};

/// Too large, NUL and other control characters, invalid UTF-8: yaml-cpp would replace or pass them silently.
[[nodiscard]] std::optional<BadByte> find_bad_byte(std::string_view text);

/// The likeliest cause of a syntax error, from the line where it was found; may be empty.
[[nodiscard]] std::string explain_syntax_error(const Diagnostics& diagnostics, Position at, std::string_view message);

/// `text` begins with a quote: whether it is closed. yaml-cpp takes the end of the file for a closing one.
[[nodiscard]] bool closes_quote(std::string_view text);

/// A plain scalar that YAML 1.1 readers take for a boolean or null: `yes`, `no`, `on`, `off`, `true`, `~` ...
[[nodiscard]] bool is_yaml_boolean(std::string_view text);

/// `1:30`, which YAML 1.1 reads as 90.
[[nodiscard]] bool is_sexagesimal(std::string_view text);

/// `010`, which YAML 1.1 reads as 8.
[[nodiscard]] bool is_octal(std::string_view text);

}  // namespace revertd::config
