// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

namespace revertd::man {

/// A page in the man macros. Text is escaped; nothing of it can be a request.
class Page {
  public:
    /// `section` "1", "5" or "8"; `purpose` is the line behind the name, without a full stop.
    Page(const std::string& name, const std::string& section, const std::string& purpose);

    void heading(std::string_view text);
    void subheading(std::string_view text);
    void paragraph(std::string_view text);
    /// A term, bold, and what it means.
    void item(std::string_view term, std::string_view words);
    void example(std::string_view lines);
    /// Pages of the other programs.
    void see_also(std::string_view own);

    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    void begin_paragraph();

    std::string text_;
};

}  // namespace revertd::man
