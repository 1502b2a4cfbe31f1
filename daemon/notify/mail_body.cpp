// SPDX-License-Identifier: Apache-2.0
// A mail by RFC 5322 and RFC 2045-2047. Header lines are made of encoded words where the text is not plain, so nothing
// of it can begin a line of its own.
#include <array>
#include <cstdio>
#include <ctime>

#include "daemon/journal/utf8.h"
#include "daemon/notify/bodies.h"
#include "daemon/notify/json_body.h"

namespace revertd {

namespace {

constexpr std::size_t kLine = 72;       // of quoted-printable, at most 76
constexpr std::size_t kWordBytes = 42;  // so that an encoded word stays below 75 characters
constexpr std::size_t kTextBytes = 64 * 1024;

std::string hex(unsigned char c) {
    std::array<char, 4> out{};
    std::snprintf(out.data(), out.size(), "=%02X", c);
    return out.data();
}

std::string quoted_printable(const std::string& raw) {
    const std::string text = journal::valid_utf8(raw);
    std::string out;
    std::size_t column = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (c == '\r') continue;
        if (c == '\n') {
            out += "\r\n";
            column = 0;
            continue;
        }
        const bool blank_at_end = c == ' ' && (i + 1 == text.size() || text[i + 1] == '\n');
        const bool plain = c >= 32 && c < 127 && c != '=' && !blank_at_end;
        const std::string piece = plain ? std::string(1, text[i]) : hex(c);
        if (column + piece.size() > kLine) {
            out += "=\r\n";
            column = 0;
        }
        out += piece;
        column += piece.size();
    }
    return out + "\r\n";
}

/// RFC 2047, `Q` encoding; several words where one would be too long, none of them cutting a character.
std::string encoded_words(const std::string& text) {
    std::string out, rest = journal::valid_utf8(text);
    while (!rest.empty()) {
        std::string part;
        std::size_t used = 0;
        while (used < rest.size() && part.size() < kWordBytes) {
            std::size_t next = used + 1;
            while (next < rest.size() && (static_cast<unsigned char>(rest[next]) & 0xC0U) == 0x80U) ++next;
            for (; used < next; ++used) {
                const auto c = static_cast<unsigned char>(rest[used]);
                const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
                part += c == ' ' ? "_" : plain ? std::string(1, rest[used]) : hex(c);
            }
        }
        out += (out.empty() ? "" : "\r\n ") + ("=?UTF-8?Q?" + part + "?=");
        rest.erase(0, used);
    }
    return out;
}

std::string date(WallTime at) {
    static constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::time_t seconds = std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count();
    std::tm t{};
    ::gmtime_r(&seconds, &t);
    std::array<char, 64> out{};
    std::snprintf(out.data(), out.size(), "%s, %02d %s %04d %02d:%02d:%02d +0000",
                  kDays.at(static_cast<std::size_t>(t.tm_wday)), t.tm_mday,
                  kMonths.at(static_cast<std::size_t>(t.tm_mon)), t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
    return out.data();
}

/// The left side of a Message-ID: the key without what RFC 5322 has no place for.
std::string id_of(const std::string& key) {
    std::string out;
    for (const char c : key) out += (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-') ? c : '.';
    return out;
}

std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text)
        out += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '"' ? "&quot;" : std::string(1, c);
    return out;
}

std::string plain_part(const Message& message) {
    std::string out = message.page.summary + "\n";
    if (!message.page.details.empty() && message.page.details != message.page.summary)
        out += "\n" + cut(message.page.details, kTextBytes) + "\n";
    if (const std::string answer = how_to_answer(message); !answer.empty()) out += "\n" + answer + "\n";
    if (const std::string facts = fact_line(message); !facts.empty()) out += "\n" + facts + "\n";
    if (const std::string link = message.fact("link"); !link.empty()) out += "incident: " + link + "\n";
    if (const std::string runbook = message.fact("runbook"); !runbook.empty()) out += "runbook: " + runbook + "\n";
    if (!message.note.empty()) out += "\n" + message.note + "\n";
    return out;
}

std::string html_part(const Message& message) {
    std::string out = "<!doctype html><html><body><p><b>" + escaped(message.page.summary) + "</b></p>\n";
    if (!message.page.details.empty() && message.page.details != message.page.summary)
        out += "<p>" + escaped(cut(message.page.details, kTextBytes)) + "</p>\n";
    if (const std::string answer = how_to_answer(message); !answer.empty())
        out += "<pre>" + escaped(answer) + "</pre>\n";
    if (const std::string facts = fact_line(message); !facts.empty()) out += "<p>" + escaped(facts) + "</p>\n";
    if (const std::string link = message.fact("link"); !link.empty())
        out += "<p><a href=\"" + escaped(link) + "\">incident</a></p>\n";
    if (const std::string runbook = message.fact("runbook"); !runbook.empty())
        out += "<p><a href=\"" + escaped(runbook) + "\">runbook</a></p>\n";
    if (!message.note.empty()) out += "<p>" + escaped(message.note) + "</p>\n";
    return out + "</body></html>\n";
}

}  // namespace

std::string mail_text(const Message& message, const std::string& from, const std::string& to, const std::string& host) {
    const std::string boundary = "revertd-" + id_of(delivery_key(message));
    const std::string thread = "<" + id_of(dedup_key(message)) + "@" + host + ">";
    const std::string level = message.resolves() ? "resolved" : message.page.level;
    std::string out = "Date: " + date(message.wall) + "\r\nFrom: " + from + "\r\nTo: " + to +
                      "\r\nSubject: " + encoded_words("[" + level + "] " + cut(message.page.summary, 200)) +
                      "\r\nMessage-ID: <" + id_of(delivery_key(message)) + "@" + host + ">\r\nReferences: " + thread +
                      "\r\nIn-Reply-To: " + thread +
                      "\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: "
                      "multipart/alternative; boundary=\"" +
                      boundary + "\"\r\n\r\n";
    const auto part = [&](const char* type, const std::string& text) {
        out += "--" + boundary + "\r\nContent-Type: " + type +
               "; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + quoted_printable(text);
    };
    part("text/plain", plain_part(message));
    part("text/html", html_part(message));
    return out + "--" + boundary + "--\r\n";
}

}  // namespace revertd
