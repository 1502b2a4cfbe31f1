// SPDX-License-Identifier: Apache-2.0
// The rows of text_format.tsv.
#pragma once
#include <string>
#include <vector>

namespace revertd {

struct FormatRow {
    bool accepted = false;
    int samples = 0;
    std::string first;  ///< value of the first series named "a"; "-": there is none
    std::string body;
    std::string why;
};

[[nodiscard]] std::vector<FormatRow> read_format_table();

}  // namespace revertd
