// SPDX-License-Identifier: Apache-2.0
// What is wrong with a configuration, where, and what to do about it. All findings are collected, never only the first.
#pragma once
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace revertd {

/// A place in the text: line and column from 1, the column counted in bytes; 0: the file as a whole.
struct Position {
    std::uint32_t line = 0, column = 0;
};

struct Diagnostic {
    enum class Severity : std::uint8_t { Error, Warning, Notice };

    std::string file;
    std::uint32_t line = 0, column = 0;  ///< from 1; the column in characters, so that a caret can stand under it
    Severity severity = Severity::Error;
    std::string what;
    std::string hint;         ///< may be empty
    std::string source_line;  ///< as it stands in the file
};

[[nodiscard]] std::string_view to_string(Diagnostic::Severity severity);

/// `file:line:column: what; hint`, with "warning: " or "notice: " before `what` where it is one.
[[nodiscard]] std::string to_line(const Diagnostic& diagnostic);

/// Collects findings about one text; the same finding at the same place (a default that many services share) once.
class Diagnostics {
  public:
    Diagnostics(std::string file, std::string_view text);

    /// The text is that of several files: from this line on that of `file`, whose lines count from 1 there.
    void begin_file(std::uint32_t line, const std::string& file);

    void error(Position at, std::string what, std::string hint = {});
    void warning(Position at, std::string what, std::string hint = {});
    void notice(Position at, std::string what, std::string hint = {});

    /// A secret that stands where it should not: no finding shows it, nor its line from there on.
    void hide(Position at, const std::string& secret);

    [[nodiscard]] bool has_errors() const { return errors_ > 0; }

    [[nodiscard]] std::string_view source_line(std::uint32_t line) const;
    /// Everything, in the order of the text.
    [[nodiscard]] std::vector<Diagnostic> take();

  private:
    [[nodiscard]] std::string shown_line(std::uint32_t line) const;
    void add(Position at, Diagnostic::Severity severity, std::string what, std::string hint);

    std::string file_;
    std::vector<std::pair<std::uint32_t, std::string>> files_;  ///< by their first line
    std::vector<std::string_view> lines_;
    std::vector<Diagnostic> found_;
    std::vector<std::pair<Position, std::string>> secrets_;
    std::set<std::tuple<std::uint32_t, std::uint32_t, std::string>> seen_;
    int errors_ = 0, remarks_ = 0;
};

}  // namespace revertd
