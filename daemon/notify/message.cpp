// SPDX-License-Identifier: Apache-2.0
#include "daemon/notify/message.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "core/sha256.h"

namespace revertd {

namespace {

constexpr std::size_t kSummaryBytes = 1024;       // PagerDuty's limit of payload.summary
constexpr std::size_t kDetailsBytes = 64 * 1024;  // far below 512 KB, whatever the rest

using Writer = rapidjson::Writer<rapidjson::StringBuffer, rapidjson::UTF8<>, rapidjson::ASCII<>>;

/// Cut at a character's beginning.
std::string cut(const std::string& text, std::size_t bytes) {
    if (text.size() <= bytes) return text;
    std::size_t end = bytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    return text.substr(0, end);
}

void member(Writer& out, const char* key, const std::string& value) {
    if (value.empty()) return;
    out.Key(key);
    out.String(value);
}

/// The severities of the Events API; our levels are the same words.
std::string severity(const std::string& level) {
    return level == "critical" || level == "error" || level == "warning" ? level : "info";
}

void payload(Writer& out, const Message& message, const std::string& source) {
    out.Key("payload");
    out.StartObject();
    member(out, "summary", cut(message.page.summary, kSummaryBytes));
    member(out, "source", source);
    member(out, "severity", severity(message.page.level));
    member(out, "timestamp", to_rfc3339(message.wall));
    member(out, "component", message.page.service);
    member(out, "class", "rollback");
    out.Key("custom_details");
    out.StartObject();
    member(out, "kind", message.page.kind);
    member(out, "service", message.page.service);
    member(out, "deployment", message.page.deploy);
    member(out, "incident", message.page.incident);
    member(out, "details", cut(message.page.details, kDetailsBytes));
    out.EndObject();
    out.EndObject();
}

}  // namespace

std::string dedup_key(const Message& message) {
    const Paged& p = message.page;
    const std::string what = !p.incident.empty() ? p.incident
                             : !p.deploy.empty() ? p.deploy
                                                 : std::to_string(message.seq);
    return "revertd/" + (p.service.empty() ? std::string("-") : p.service) + "/" + what;
}

std::string pagerduty_body(const Message& message, const std::string& routing_key, const std::string& source) {
    const bool resolve = message.page.kind == "resolve";
    rapidjson::StringBuffer text;
    Writer out(text);
    out.StartObject();
    member(out, "routing_key", routing_key);
    member(out, "event_action", resolve ? "resolve" : "trigger");
    member(out, "dedup_key", dedup_key(message));
    member(out, "client", "revertd");
    if (!resolve) payload(out, message, source);
    out.EndObject();
    return text.GetString();
}

std::string webhook_body(const Message& message, const std::string& source) {
    rapidjson::StringBuffer text;
    Writer out(text);
    out.StartObject();
    member(out, "key", dedup_key(message));
    out.Key("id");
    out.Uint64(message.seq);
    member(out, "at", to_rfc3339(message.wall));
    member(out, "source", source);
    member(out, "kind", message.page.kind);
    member(out, "level", message.page.level);
    member(out, "service", message.page.service);
    member(out, "deployment", message.page.deploy);
    member(out, "incident", message.page.incident);
    member(out, "summary", cut(message.page.summary, kSummaryBytes));
    member(out, "details", cut(message.page.details, kDetailsBytes));
    out.EndObject();
    return text.GetString();
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
