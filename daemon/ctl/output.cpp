// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/output.h"

#include <algorithm>
#include <ostream>

#include "daemon/ctl/text.h"

namespace revertd::ctl {

Table::Table(std::vector<std::string> header) : rows_{std::move(header)} {}

void Table::add(std::vector<std::string> row) {
    row.resize(rows_.front().size());
    for (auto& cell : row) cell = cell.empty() ? "-" : printable(cell);
    rows_.push_back(std::move(row));
}

void Table::print(std::ostream& out) const {
    std::vector<std::size_t> widths(rows_.front().size());
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i]));
    }
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i + 1 < row.size(); ++i) out << pad(row[i], widths[i] + 2);
        out << row.back() << '\n';
    }
}

void print_json(std::ostream& out, const Json& value, Format format) {
    if (format != Format::JsonLines) {
        out << value.pretty() << '\n';
    } else if (value.is_array()) {
        for (const auto& item : value.items()) out << item.line() << '\n';
    } else {
        out << value.line() << '\n';
    }
}

void print_error(std::ostream& err, std::string_view what, const Error& error) {
    err << "error: " << what << ": " << printable(error.message) << '\n';
    if (!error.hint.empty()) err << "hint: " << printable(error.hint) << '\n';
}

}  // namespace revertd::ctl
