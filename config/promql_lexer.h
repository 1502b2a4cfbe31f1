// SPDX-License-Identifier: Apache-2.0
// PromQL cut into tokens.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/signals.h"

namespace revertd::config::promql {

struct Token {
    enum class Kind : std::uint8_t { Name, Number, Duration, String, Sign, End };

    Kind kind = Kind::End;
    std::size_t begin = 0, end = 0;
    std::string text;  ///< of a string: what it means; else as written

    [[nodiscard]] bool is(std::string_view sign) const { return kind == Kind::Sign && text == sign; }

    [[nodiscard]] bool is_word(std::string_view word) const;
};

/// Ends in a token of Kind::End, or at the first mistake.
struct Tokens {
    std::vector<Token> all;
    std::optional<SentenceError> error;
};

[[nodiscard]] Tokens tokens_of(std::string_view text);

}  // namespace revertd::config::promql
