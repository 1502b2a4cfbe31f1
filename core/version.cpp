// SPDX-License-Identifier: Apache-2.0
#include "core/version.h"

#include <algorithm>

namespace revertd {

namespace {

constexpr std::size_t kLongest = 128;  // one argv element, one file name, one line of a report

bool alphanumeric(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool inner(char c) {
    return alphanumeric(c) || std::string_view("._+:@/-").find(c) != std::string_view::npos;
}

}  // namespace

bool valid_version(std::string_view text) {
    return !text.empty() && text.size() <= kLongest && alphanumeric(text.front()) &&
           std::all_of(text.begin(), text.end(), inner);
}

}  // namespace revertd
