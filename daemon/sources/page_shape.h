// SPDX-License-Identifier: Apache-2.0
// What stays the same from one answer of a target to the next: every line up to its value. A line that begins with
// bytes that were once validated needs no second look at them; they are compared, and only the value is read.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace revertd {

/// The lines of one page, in their order. 4 bytes a line beside the bytes themselves.
class PageShape {
  public:
    void clear();

    /// The next line: a sample up to its value, or all of another line (comment, HELP, TYPE, blank).
    void add(std::string_view start, bool is_sample);

    [[nodiscard]] std::size_t size() const { return ends_.size(); }

    [[nodiscard]] bool is_sample(std::size_t row) const { return (ends_[row] & 1U) != 0; }

    [[nodiscard]] std::string_view start(std::size_t row) const {
        const std::size_t begin = row == 0 ? 0 : ends_[row - 1] >> 1U;
        return {text_.data() + begin, (ends_[row] >> 1U) - begin};
    }

    [[nodiscard]] std::size_t bytes() const { return text_.size() + ends_.size() * sizeof(ends_[0]); }

    bool operator==(const PageShape&) const = default;

  private:
    std::string text_;
    std::vector<std::uint32_t> ends_;  // of each line in `text_`, times two; plus one: a sample
};

/// The shapes that are known, each once: targets that run the same program answer with the same lines. What finds no
/// room is read without a shape, more slowly and to the same end.
class PageShapes {
  public:
    /// The known one that is equal, or a copy, or nothing if there is no room.
    [[nodiscard]] std::shared_ptr<const PageShape> intern(const PageShape& shape);

  private:
    std::vector<std::shared_ptr<const PageShape>> known_;
    std::size_t bytes_ = 0;
};

}  // namespace revertd
