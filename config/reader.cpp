// SPDX-License-Identifier: Apache-2.0
#include "config/reader.h"

namespace revertd::config {

Position inside(const Node& scalar, std::size_t offset, const Diagnostics& diagnostics) {
    const std::string_view line = diagnostics.source_line(scalar.at.line);
    const std::size_t begin = scalar.at.column - 1 + (scalar.plain ? 0 : 1);
    if (begin > line.size() || line.substr(begin, scalar.text.size()) != scalar.text) return scalar.at;
    return {scalar.at.line, static_cast<std::uint32_t>(begin + offset) + 1};
}

}  // namespace revertd::config
