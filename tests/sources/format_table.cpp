// SPDX-License-Identifier: Apache-2.0
#include "tests/sources/format_table.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace revertd {
namespace {

std::string unescape(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            out += text[i];
            continue;
        }
        switch (text[++i]) {
            case 'n':
                out += '\n';
                break;
            case 't':
                out += '\t';
                break;
            case 'r':
                out += '\r';
                break;
            case '0':
                out += '\0';
                break;
            case 'x':
                out += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
                i += 2;
                break;
            default:
                out += text[i];
        }
    }
    return out;
}

FormatRow parse_row(const std::string& line) {
    std::istringstream stream(line);
    std::string ours, prometheus, samples, first, body, why;
    for (std::string* column : {&ours, &prometheus, &samples, &first, &body, &why}) std::getline(stream, *column, '\t');
    return {ours == "accept", samples == "-" ? 0 : std::stoi(samples), first, unescape(body), why};
}

}  // namespace

std::vector<FormatRow> read_format_table() {
    std::ifstream file(REVERTD_SOURCE_DIR "/tests/sources/text_format.tsv");
    std::vector<FormatRow> rows;
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with("# ")) rows.push_back(parse_row(line));
    }
    return rows;
}

}  // namespace revertd
