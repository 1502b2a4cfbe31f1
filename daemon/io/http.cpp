// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>

#include "daemon/io/http.h"
#include "daemon/io/limits.h"

namespace revertd {
namespace {

Error refuse(const std::string& why) {
    return {ErrorCode::Invalid, "URL " + why};
}

bool is_visible(char c) {
    return c > ' ' && c < 0x7f;
}

bool is_host_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
}

bool is_ipv6_char(char c) {
    return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || (c >= '0' && c <= '9') || c == '.' || c == ':';
}

Result<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port == 0) {
        return refuse("has no valid port: expected 1 to 65535");
    }
    return port;
}

/// Splits "host", "host:port", "[v6]" or "[v6]:port"; the port's text is empty if there is none.
Result<void> split_authority(std::string_view authority, HttpTarget& target) {
    const bool bracketed = authority.starts_with('[');
    const std::size_t end = bracketed ? authority.find(']') : authority.find(':');
    if (bracketed && end == std::string_view::npos) return refuse("has an IPv6 address without its closing bracket");
    target.host = authority.substr(bracketed ? 1 : 0, bracketed ? end - 1 : end);
    if (target.host.empty()) return refuse("names no host");
    if (!std::all_of(target.host.begin(), target.host.end(), bracketed ? is_ipv6_char : is_host_char)) {
        return refuse("has a host with characters that no host name has");
    }
    const std::string_view rest = end == std::string_view::npos ? "" : authority.substr(end + (bracketed ? 1 : 0));
    if (rest.empty()) return {};
    if (rest.front() != ':') return refuse("has something else than a port after its host");
    auto port = parse_port(rest.substr(1));
    if (!port) return port.error();
    target.port = *port;
    return {};
}

}  // namespace

Result<HttpTarget> parse_url(std::string_view url) {
    if (url.size() > kMaxUrlBytes) return refuse("is longer than " + std::to_string(kMaxUrlBytes) + " bytes");
    if (!std::all_of(url.begin(), url.end(), is_visible)) return refuse("has blanks or unprintable characters");
    HttpTarget target;
    target.url = url;
    target.https = url.starts_with("https://");
    if (!target.https && !url.starts_with("http://")) return refuse("starts with neither http:// nor https://");
    const std::string_view rest = url.substr(target.https ? 8 : 7);
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    if (authority.find('@') != std::string_view::npos) return refuse("holds credentials: name a header file instead");
    if (rest.find('#') != std::string_view::npos) return refuse("has a fragment, which is never sent");
    target.port = target.https ? 443 : 80;
    if (auto split = split_authority(authority, target); !split) return split.error();
    target.authority = authority;
    target.path = rest.substr(authority.size());
    if (!target.path.starts_with('/')) target.path.insert(0, 1, '/');
    return target;
}

const char* to_string(FetchError error) {
    switch (error) {
        case FetchError::None:
            return "answered";
        case FetchError::Resolve:
            return "name not resolved";
        case FetchError::LocalLimit:
            return "local limit";
        case FetchError::ConnectRefused:
            return "connection refused";
        case FetchError::ConnectTimeout:
            return "no connection in time";
        case FetchError::Reset:
            return "connection reset";
        case FetchError::ClosedEarly:
            return "closed before the whole answer";
        case FetchError::Timeout:
            return "no whole answer in time";
        case FetchError::Malformed:
            return "malformed answer";
        case FetchError::TooLarge:
            return "answer too large";
        case FetchError::Tls:
            return "TLS failed";
        case FetchError::Untrusted:
            return "its certificate is not trusted";
        case FetchError::OwnCertificate:
            return "our own certificate, key or ca_file cannot be used";
        case FetchError::Aborted:
            return "stopped by the reader";
    }
    return "unknown";
}

}  // namespace revertd
