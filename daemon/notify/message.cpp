// SPDX-License-Identifier: Apache-2.0
#include "daemon/notify/message.h"

#include "core/sha256.h"

namespace revertd {

std::string Message::fact(std::string_view name) const {
    for (const auto& [key, value] : page.facts)
        if (key == name) return value;
    return {};
}

std::string dedup_key(const Message& message) {
    const Paged& p = message.page;
    const std::string what = !p.incident.empty() ? p.incident
                             : !p.deploy.empty() ? p.deploy
                             : !p.about.empty()  ? p.about
                                                 : std::to_string(message.seq);
    return "revertd/" + (p.service.empty() ? std::string("-") : p.service) + "/" + what;
}

std::string delivery_key(const Message& message) {
    return dedup_key(message) + "/" + std::to_string(message.seq);
}

std::string fact_line(const Message& message) {
    std::string out;
    const auto add = [&out](const std::string& name, const std::string& value) {
        if (!value.empty()) out += (out.empty() ? "" : ", ") + name + " " + value;
    };
    add("incident", message.page.incident);
    if (message.page.incident.empty()) add("deploy", message.page.deploy);
    for (const auto& [name, value] : message.page.facts)
        if (value.find("://") == std::string::npos) add(name, value);
    return out;
}

std::string incident_link(const std::string& external_url, const std::string& incident) {
    if (external_url.empty() || incident.empty()) return {};
    return external_url + (external_url.ends_with('/') ? "i/" : "/i/") + incident;
}

std::string how_to_answer(const Message& message) {
    if (message.page.kind != "ask" || message.page.incident.empty()) return {};
    const std::string id = message.page.incident;
    return "revertctl approve " + id + "\nrevertctl deny " + id + "\nrevertctl hold " + id + " --for 10m";
}

std::string percent_encoded(const std::string& text) {
    static constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto u = static_cast<unsigned char>(c);
        if (std::isalnum(u) != 0 || c == '-' || c == '.' || c == '_' || c == '~')
            out += c;
        else
            out += {'%', kHex[u >> 4U], kHex[u & 15U]};
    }
    return out;
}

/// HMAC with SHA-256, RFC 2104: our own hash serves, and libcrypto takes 1.4 MiB.
std::string signature(const std::string& secret, const std::string& body) {
    constexpr std::size_t kBlock = 64;
    std::string key = secret;
    if (key.size() > kBlock) {
        const Sha256::Digest digest = Sha256().update(secret).finish();
        key.assign(digest.begin(), digest.end());
    }
    key.resize(kBlock);
    const auto masked = [&key](char mask) {
        std::string out = key;
        for (char& c : out) c = static_cast<char>(c ^ mask);
        return out;
    };
    const Sha256::Digest inner = Sha256().update(masked(0x36)).update(body).finish();
    return "sha256=" + Sha256().update(masked(0x5c)).update(std::string(inner.begin(), inner.end())).finish_hex();
}

}  // namespace revertd
