// SPDX-License-Identifier: Apache-2.0
#include "config/redact.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>

#include "config/document.h"

namespace revertd::config {
namespace {

constexpr const char* kSecret = "<secret>";

/// `routing-key`, `ROUTING_KEY` and `routingKey` are one name.
std::string letters_of(std::string_view name) {
    std::string out;
    for (const char c : name)
        if (const char lower = static_cast<char>(c | 0x20); lower >= 'a' && lower <= 'z') out += lower;
    return out;
}

bool is_secret_name(std::string_view name) {
    static constexpr std::array kWords{"password",   "passwd",   "passphrase", "secret",     "token",
                                       "credential", "authoriz", "apikey",     "routingkey", "privatekey",
                                       "accesskey",  "authkey",  "cookie",     "bearer",     "signature"};
    const std::string letters = letters_of(name);
    if (letters.ends_with("file")) return false;  // the name of a file is none
    return std::any_of(kWords.begin(), kWords.end(),
                       [&](const char* word) { return letters.find(word) != std::string::npos; });
}

/// `token=abc&x=1` -> `token=<secret>&x=1`
std::string redacted_query(std::string_view query) {
    std::string out;
    while (true) {
        const auto end = std::min(query.find('&'), query.size());
        const auto part = query.substr(0, end);
        const auto equals = part.find('=');
        const bool hide = equals != std::string_view::npos && is_secret_name(part.substr(0, equals));
        out += hide ? std::string(part.substr(0, equals + 1)) + kSecret : std::string(part);
        if (end == query.size()) return out;
        out += '&';
        query.remove_prefix(end + 1);
    }
}

/// Userinfo and tokens of a URL; of one that pages go to (`opaque`) all that is behind the host: such paths are keys.
std::string redacted_url(const std::string& url, bool opaque) {
    const auto scheme_end = url.find("://");
    if (scheme_end == std::string::npos) return url;
    const auto host_begin = scheme_end + 3;
    const auto host_end = std::min(url.find_first_of("/?#", host_begin), url.size());
    std::string authority = url.substr(host_begin, host_end - host_begin);
    if (const auto at = authority.rfind('@'); at != std::string::npos)
        authority = std::string(kSecret) + authority.substr(at);
    std::string out = url.substr(0, host_begin) + authority;
    if (opaque && host_end + 1 < url.size()) return out + "/" + kSecret;
    const auto question = url.find('?', host_end);
    if (question == std::string::npos) return out + url.substr(host_end);
    return out + url.substr(host_end, question + 1 - host_end) + redacted_query(url.substr(question + 1));
}

/// Where a value stands, as far as it matters.
struct Place {
    bool in_notify = false, in_headers = false, hidden = false;
};

Node redacted(Node node, const Place& place);

/// `--token=abc` and `--token abc` of a command.
void redact_list(Node& list, const Place& place) {
    bool next_is_secret = false;
    for (Node& item : list.items) {
        Place here = place;
        here.hidden = here.hidden || next_is_secret;
        const auto equals = item.text.find('=');
        const bool is_option = item.is_scalar() && item.text.starts_with('-');
        next_is_secret = is_option && equals == std::string::npos && is_secret_name(item.text);
        if (is_option && equals != std::string::npos && is_secret_name(item.text.substr(0, equals)))
            item.text = item.text.substr(0, equals + 1) + kSecret;
        item = redacted(std::move(item), here);
    }
}

Node redacted(Node node, const Place& place) {
    for (Node::Entry& entry : node.entries) {
        Place here = place;
        here.in_notify = here.in_notify || entry.key == "notify";
        here.in_headers = entry.key == "headers";
        here.hidden = place.hidden || place.in_headers || is_secret_name(entry.key);
        entry.value = redacted(std::move(entry.value), here);
    }
    if (node.is_list()) redact_list(node, place);
    if (!node.is_scalar()) return node;
    if (place.hidden) node.text = kSecret, node.plain = false;
    node.text = redacted_url(node.text, place.in_notify);
    return node;
}

void emit(YAML::Emitter& out, const Node& node) {
    switch (node.kind) {
        case Node::Kind::Null:
            out << YAML::Null;
            return;
        case Node::Kind::Scalar:
            if (!node.plain) out << YAML::DoubleQuoted;
            out << node.text;
            return;
        case Node::Kind::List:
            out << YAML::Flow << YAML::BeginSeq;
            for (const Node& item : node.items) emit(out, item);
            out << YAML::EndSeq;
            return;
        case Node::Kind::Map:
            out << YAML::BeginMap;
            for (const Node::Entry& entry : node.entries) {
                out << YAML::Key << entry.key << YAML::Value;
                emit(out, entry.value);
            }
            out << YAML::EndMap;
            return;
    }
}

}  // namespace

std::string redacted(const std::string& text) {
    Diagnostics ignored("configuration", text);
    auto root = parse_document(text, ignored);
    if (!root) return kSecret;
    YAML::Emitter out;
    emit(out, redacted(std::move(*root), {}));
    return out.good() ? std::string(out.c_str()) + "\n" : kSecret;
}

}  // namespace revertd::config
