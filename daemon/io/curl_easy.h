// SPDX-License-Identifier: Apache-2.0
// Inside of curl_client.cpp: one easy handle with this project's settings, and the words for how it ended.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/io/http.h"

struct curl_slist;

namespace revertd {

/// What decides where a connection goes and whom it trusts.
struct CurlRoute {
    HttpTarget target;
    TlsOptions tls;
    std::string unix_socket;
    std::string proxy;
};

/// What a transfer delivers while it runs; called from inside curl.
class CurlReceiver {
  public:
    virtual ~CurlReceiver() = default;
    /// One line of the head without its end; "HTTP/..." begins a new head. False ends the transfer.
    virtual bool on_head_line(std::string_view line) = 0;
    /// Decoded bytes. False ends the transfer.
    virtual bool on_body(std::span<const char> bytes) = 0;
};

class CurlEasy {
  public:
    CurlEasy(CurlRoute route, const std::string& user_agent, CurlReceiver& receiver);
    CurlEasy(const CurlEasy&) = delete;
    CurlEasy& operator=(const CurlEasy&) = delete;
    ~CurlEasy();

    [[nodiscard]] void* handle() const { return easy_; }

    void set_headers(const std::vector<HttpHeader>& headers);
    /// `body` must live until the transfer has ended.
    void set_method(const std::string& method, std::string_view body);
    void set_limits(Duration connect, Duration whole);
    /// SMTP instead of HTTP: one message to one recipient. `text` must live until the transfer has ended.
    void set_mail(const std::string& from, const std::string& to, std::string_view text);
    /// `starttls`: go on only over TLS.
    void set_login(const std::string& user, const std::string& password, bool starttls);
    /// Called with each socket that is opened, and with -1 before it is closed.
    void watch_socket(std::function<void(int fd)> watcher);
    /// Neither takes a kept connection nor keeps its own.
    void use_own_connection();

    /// 0 before a head arrived.
    [[nodiscard]] int status() const;
    [[nodiscard]] std::optional<std::uint64_t> content_length() const;
    [[nodiscard]] std::string content_type() const;
    /// Whether a byte of the request may have reached the other side.
    [[nodiscard]] bool request_sent() const;
    /// What a CURLcode means after a transfer with it.
    [[nodiscard]] FetchError classify(int code) const;
    /// TLS was asked for, and the server does not offer it.
    [[nodiscard]] static bool lacks_tls(int code);
    /// In curl's and the system's words; holds no URL and no secret.
    [[nodiscard]] std::string describe(int code) const;

  private:
    void set_route(const CurlRoute& route);
    void set_tls(const TlsOptions& tls);
    [[nodiscard]] FetchError classify_timeout() const;
    static std::size_t read_mail(char* to, std::size_t size, std::size_t count, void* easy);

    void* easy_;
    curl_slist* headers_ = nullptr;
    curl_slist* recipients_ = nullptr;
    std::string_view unsent_;
    std::function<void(int)> socket_watcher_;
    bool is_literal_ = false;  // no name to be resolved
};

}  // namespace revertd
