// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/text.h"

#include <algorithm>

#include "core/text_direction.h"
#include "daemon/journal/utf8.h"

namespace revertd::api {

bool is_plain_text(std::string_view text) {
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    return journal::valid_utf8(text) == text && std::none_of(text.begin(), text.end(), is_control) &&
           !hides_order(text);
}

}  // namespace revertd::api
