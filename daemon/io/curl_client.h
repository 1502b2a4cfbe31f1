// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/clock.h"
#include "daemon/io/http.h"
#include "daemon/io/limits.h"

namespace revertd {

class Loop;

struct HttpRequest {
    std::string method = "GET";
    std::string url;
    std::vector<HttpHeader> headers;
    std::string body;
    Duration connect_limit = kApiConnectLimit;  // name, TCP and TLS together
    Duration whole_limit = kApiWholeLimit;
    std::size_t max_body_bytes = kMaxApiBodyBytes;
    TlsOptions tls;
    std::string unix_socket;  // path; the URL's host is then only what the Host header says
    std::string proxy;        // only what is written here: the environment's proxies are ignored
    /// On a kept connection that proves dead curl sends a request a second time, though the first may have been
    /// received. GET and HEAD bear that; others get a connection of their own, unless the receiver knows a repetition
    /// by its key.
    bool may_repeat = false;
};

struct HttpResponse {
    FetchError error = FetchError::None;
    std::string detail;         // what went wrong, for people; holds no URL and no secret
    bool request_sent = false;  // false: not a byte of the request left, so trying again cannot do it twice
    int status = 0;             // 0 if no head arrived
    std::map<std::string, std::string> headers;  // names in lower case; of several the last
    std::string body;                            // what arrived, also when the answer was not whole
};

/// One mail to one recipient by SMTP.
struct MailRequest {
    std::string server;    // smtp://host:port or smtps://host:port
    std::string from, to;  // bare addresses
    std::string text;      // the whole message, lines by CRLF
    std::string user, password;
    bool starttls = true;  // smtp: refuse to go on without
    std::string ca_file;   // instead of the system's bundle
    Duration whole_limit = kApiWholeLimit;
};

struct MailResult {
    bool accepted = false;     // by the server, for this recipient
    int code = 0;              // the server's last reply; 0: there was none
    std::string detail;        // in curl's words; holds no secret
    bool no_starttls = false;  // asked for, and not offered
    bool timed_out = false;
};

/// libcurl on the loop: https, proxies, unix sockets, API calls and notifications. Follows no redirect, asks the
/// environment nothing. One thread.
class CurlClient {
  public:
    enum class RequestId : std::uint64_t { None = 0 };
    using Callback = std::function<void(HttpResponse)>;

    CurlClient(Loop& loop, std::string user_agent);
    CurlClient(const CurlClient&) = delete;
    CurlClient& operator=(const CurlClient&) = delete;
    /// Requests in flight end without their callback.
    ~CurlClient();

    /// The callback is called exactly once, never from inside `fetch`, and must not destroy the client. An invalid URL
    /// or header is an error at once.
    [[nodiscard]] Result<RequestId> fetch(const HttpRequest& request, Callback callback);

    using MailCallback = std::function<void(MailResult)>;
    /// Called back exactly once, never from inside. An address or a server that is none is an error at once.
    [[nodiscard]] Result<void> send_mail(const MailRequest& request, MailCallback callback);

    /// Ends it without its callback; the request may have been sent. Nothing happens if it has ended.
    void cancel(RequestId request);

    /// A GET that is repeated, with the same sink as the lean client's.
    [[nodiscard]] Result<std::unique_ptr<Fetch>> make_fetch(const HttpTarget& target, const FetchOptions& options);

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace revertd
