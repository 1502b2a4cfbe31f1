// SPDX-License-Identifier: Apache-2.0
#include "daemon/runner/output.h"

#include <array>
#include <cstdio>

#include "actions/placeholders.h"

namespace revertd::runner {

void OutputTail::append(std::string_view bytes) {
    total_ += bytes.size();
    if (bytes.size() > limit_) bytes.remove_prefix(bytes.size() - limit_);
    const std::string_view fits = bytes.substr(0, limit_ - bytes_.size());
    bytes_.append(fits);
    for (const char c : bytes.substr(fits.size())) {
        bytes_[next_] = c;
        next_ = (next_ + 1) % limit_;
    }
}

std::string OutputTail::text() const {
    return bytes_.substr(next_) + bytes_.substr(0, next_);
}

std::string printable(std::string_view bytes) {
    std::string out;
    while (!bytes.empty()) {
        std::size_t length = 1;  // of the character at the front: the shortest piece that is plain text
        while (length <= 4 && length <= bytes.size() && !is_plain_text(bytes.substr(0, length))) ++length;
        const auto first = static_cast<unsigned char>(bytes.front());
        if (length <= 4 && length <= bytes.size()) {
            out += bytes.substr(0, length);
            bytes.remove_prefix(length);
            continue;
        }
        if (first == '\n' || first == '\t') {
            out += bytes.front();
        } else if (first < 0x20 || first == 0x7F) {
            std::array<char, 8> escaped{};
            std::snprintf(escaped.data(), escaped.size(), "\\x%02x", static_cast<unsigned>(first));
            out += escaped.data();
        } else {
            out += "\xEF\xBF\xBD";
        }
        bytes.remove_prefix(1);
    }
    return out;
}

}  // namespace revertd::runner
