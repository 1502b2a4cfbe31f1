// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/response_text.h"

#include <boost/beast/http/status.hpp>

namespace revertd::api {
namespace {

/// Answers are never kept nor guessed at by what stands between.
constexpr const char* kAlways = "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n";

}  // namespace

std::string to_text(const Response& response, ResponseForm form) {
    const auto reason = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(response.status));
    std::string text = "HTTP/1.1 " + std::to_string(response.status) + " ";
    text.append(reason.data(), reason.size()).append("\r\n");
    const bool is_stream = response.stream != nullptr;
    text += "Content-Type: " + (is_stream ? "text/event-stream" : response.type) + "\r\n";
    if (!is_stream) text += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
    for (const auto& [name, value] : response.headers) text += name + ": " + value + "\r\n";
    text += kAlways;
    text += form.keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
    if (!form.head_only) text += response.body;
    return text;
}

std::string stream_head() {
    return std::string("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n") + kAlways +
           "Connection: close\r\n\r\nretry: 2000\n\n";
}

}  // namespace revertd::api
