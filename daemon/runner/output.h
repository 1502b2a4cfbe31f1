// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace revertd::runner {

/// Keeps the last `limit` bytes of what it is given.
class OutputTail {
  public:
    explicit OutputTail(std::size_t limit) : limit_(limit) {}

    void append(std::string_view bytes);

    [[nodiscard]] std::string text() const;

    [[nodiscard]] std::size_t total() const { return total_; }

  private:
    std::size_t limit_;
    std::size_t total_ = 0;
    std::string bytes_;  // a ring once it is full
    std::size_t next_ = 0;
};

/// For people and JSON: what is not UTF-8 becomes U+FFFD, control characters but newline and tab become `\x1b`.
[[nodiscard]] std::string printable(std::string_view bytes);

}  // namespace revertd::runner
