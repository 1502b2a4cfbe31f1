// SPDX-License-Identifier: Apache-2.0
#include "core/version.h"

#include <algorithm>

namespace revertd {
namespace {

bool is_alphanumeric(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool is_inner(char c) {
    return is_alphanumeric(c) || std::string_view("._+:@/-").find(c) != std::string_view::npos;
}

}  // namespace

bool valid_version(std::string_view version) {
    return !version.empty() && version.size() <= kMaxVersionBytes && is_alphanumeric(version.front()) &&
           std::all_of(version.begin(), version.end(), is_inner);
}

}  // namespace revertd
