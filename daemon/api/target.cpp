// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/target.h"

#include <algorithm>

#include "daemon/api/text.h"

namespace revertd::api {
namespace {

Error refused(const char* why) {
    return {ErrorCode::Invalid, std::string("the request's path ") + why, "paths are those of the documentation"};
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

Result<std::string> decode(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%') {
            out += text[at];
            continue;
        }
        const int high = at + 2 < text.size() ? hex_value(text[at + 1]) : -1;
        const int low = at + 2 < text.size() ? hex_value(text[at + 2]) : -1;
        if (high < 0 || low < 0) return refused("has an escape that is not %XX");
        out += static_cast<char>(high * 16 + low);
        at += 2;
    }
    if (!is_plain_text(out)) return refused("has a control character or is not UTF-8");
    return out;
}

/// Calls `take` for each part; the first error ends it.
template <class F>
Result<void> each_part(std::string_view text, char separator, F take) {
    for (;;) {
        const auto end = text.find(separator);
        if (auto taken = take(text.substr(0, end)); !taken) return taken;
        if (end == std::string_view::npos) return {};
        text.remove_prefix(end + 1);
    }
}

Result<void> take_segment(std::string_view text, Request& request) {
    auto segment = decode(text);
    if (!segment) return segment.error();
    if (segment->empty() || *segment == "." || *segment == "..") return refused("has an empty or a dot segment");
    request.path.push_back(std::move(*segment));
    return {};
}

Result<void> take_parameter(std::string_view text, Request& request) {
    const auto equals = std::min(text.find('='), text.size());
    auto name = decode(text.substr(0, equals));
    auto value = decode(equals < text.size() ? text.substr(equals + 1) : std::string_view());
    if (!name || !value) return name ? value.error() : name.error();
    for (const auto& [known, unused] : request.query)
        if (known == *name) return refused("has a parameter twice");
    request.query.emplace_back(std::move(*name), std::move(*value));
    return {};
}

}  // namespace

Result<void> parse_target(std::string_view target, Request& request) {
    if (!target.starts_with('/')) return refused("does not start with /");
    const auto question = target.find('?');
    const auto segment = [&](std::string_view part) { return take_segment(part, request); };
    if (target.substr(1, question - 1).empty()) {
        request.path.clear();  // the root has no segment
    } else if (auto path = each_part(target.substr(1, question - 1), '/', segment); !path) {
        return path;
    }
    if (question == std::string_view::npos || question + 1 == target.size()) return {};
    return each_part(target.substr(question + 1), '&',
                     [&](std::string_view part) { return take_parameter(part, request); });
}

}  // namespace revertd::api
