// SPDX-License-Identifier: Apache-2.0
#include "actions/json_text.h"

#include <cstdio>

#include "actions/placeholders.h"

namespace revertd {
namespace {

void append_string(std::string& out, std::string_view text) {
    out += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            std::array<char, 8> escaped{};
            std::snprintf(escaped.data(), escaped.size(), "\\u%04x", static_cast<unsigned>(c));
            out += escaped.data();
        } else {
            out += c;
        }
    }
    out += '"';
}

std::size_t skip_digits(std::string_view text, std::size_t at) {
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at;
}

/// RFC 8259's number: no leading zero (a commit like 0123456 is a string), no bare dot.
bool is_json_number(std::string_view text) {
    std::size_t at = text.starts_with('-') ? 1 : 0;
    const std::size_t digits = skip_digits(text, at);
    if (digits == at || (text[at] == '0' && digits > at + 1)) return false;
    at = digits;
    if (at < text.size() && text[at] == '.') {
        const std::size_t end = skip_digits(text, at + 1);
        if (end == at + 1) return false;
        at = end;
    }
    return at == text.size();
}

bool is_bare(const Param& scalar) {
    const std::string& t = scalar.text;
    return !scalar.quoted && (t == "true" || t == "false" || t == "null" || is_json_number(t));
}

Result<void> append(std::string& out, const Param& tree, const Placeholders& values) {
    if (tree.is_scalar()) {
        if (is_bare(tree)) {
            out += tree.text;
            return {};
        }
        const Result<std::string> text = fill(tree.text, values, FillPlace::Text);
        if (!text) return text.error();
        append_string(out, *text);
        return {};
    }
    out += tree.is_map() ? '{' : '[';
    for (const Param& item : tree.items) {
        if (&item != &tree.items.front()) out += ',';
        if (tree.is_map()) {
            append_string(out, item.key);
            out += ':';
        }
        if (Result<void> done = append(out, item, values); !done) return done;
    }
    out += tree.is_map() ? '}' : ']';
    return {};
}

}  // namespace

Result<std::string> to_json(const Param& tree, const Placeholders& values) {
    std::string out;
    if (const Result<void> done = append(out, tree, values); !done) return done.error();
    return out;
}

}  // namespace revertd
