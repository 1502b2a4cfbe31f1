// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "daemon/ctl/json.h"

namespace revertd::ctl {

enum class Format { Table, Json, JsonLines, Markdown, Html, GitHub, JUnit };

/// Columns aligned by what is displayed; the last one is not padded.
class Table {
  public:
    explicit Table(std::vector<std::string> header);

    /// Cells from the daemon: control characters are taken out, an empty one is shown as `-`.
    void add(std::vector<std::string> row);

    void print(std::ostream& out) const;

  private:
    std::vector<std::vector<std::string>> rows_;
};

/// `json`: the value as it came, indented; `jsonl`: a line for each element of a list.
void print_json(std::ostream& out, const Json& value, Format format);

/// `error: <what>: <why>` and, where there is one, `hint: …`.
void print_error(std::ostream& err, std::string_view what, const Error& error);

}  // namespace revertd::ctl
