// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/curl_easy.h"

#include <curl/curl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <new>
#include <system_error>
#include <utility>

#include "daemon/io/http_text.h"
#include "daemon/io/resolver.h"

namespace revertd {
namespace {

std::size_t write_body(char* data, std::size_t, std::size_t size, void* receiver) {
    return static_cast<CurlReceiver*>(receiver)->on_body({data, size}) ? size : CURL_WRITEFUNC_ERROR;
}

std::size_t write_head(char* data, std::size_t, std::size_t size, void* receiver) {
    std::string_view line(data, size);
    while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
    return static_cast<CurlReceiver*>(receiver)->on_head_line(line) ? size : 0;
}

/// libcurl 7.88 speaks 25 protocols, follows the environment's proxies and reads ~/.netrc unless told otherwise.
void set_defaults(CURL* easy, CurlReceiver& receiver) {
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    // Each new transfer walks curl's whole DNS cache; with kept-alive connections the cache serves nobody.
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &write_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &receiver);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &write_head);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &receiver);
}

template <class Number>
Number info(CURL* easy, CURLINFO which) {
    Number value = 0;
    curl_easy_getinfo(easy, which, &value);
    return value;
}

long milliseconds(Duration duration) {
    return std::max(1L, static_cast<long>(std::chrono::ceil<std::chrono::milliseconds>(duration).count()));
}

FetchError classify_connect(long code) {
    switch (code) {
        case 0:
        case ECONNREFUSED:
        case ENOENT:  // no unix socket at the path
            return FetchError::ConnectRefused;
        case ETIMEDOUT:
        case EHOSTUNREACH:
        case EHOSTDOWN:
            return FetchError::ConnectTimeout;
        case ECONNRESET:
            return FetchError::Reset;
        default:
            return FetchError::LocalLimit;
    }
}

using SocketWatcher = std::function<void(int)>;

curl_socket_t open_socket(void* watcher, curlsocktype, curl_sockaddr* where) {
    const int fd = ::socket(where->family, where->socktype | SOCK_CLOEXEC, where->protocol);
    if (fd >= 0) (*static_cast<SocketWatcher*>(watcher))(fd);
    return fd;
}

int close_socket(void* watcher, curl_socket_t fd) {
    (*static_cast<SocketWatcher*>(watcher))(-1);
    return ::close(fd);
}

}  // namespace

CurlEasy::CurlEasy(CurlRoute route, const std::string& user_agent, CurlReceiver& receiver) : easy_(curl_easy_init()) {
    if (!easy_) throw std::bad_alloc();
    set_defaults(easy_, receiver);
    curl_easy_setopt(easy_, CURLOPT_USERAGENT, user_agent.c_str());
    set_route(route);
    set_tls(route.tls);
}

CurlEasy::~CurlEasy() {
    curl_easy_cleanup(easy_);
    curl_slist_free_all(headers_);
    curl_slist_free_all(recipients_);
}

void CurlEasy::set_route(const CurlRoute& route) {
    curl_easy_setopt(easy_, CURLOPT_URL, route.target.url.c_str());
    curl_easy_setopt(easy_, CURLOPT_PROXY, route.proxy.c_str());  // "" is: none, whatever the environment says
    if (!route.unix_socket.empty()) curl_easy_setopt(easy_, CURLOPT_UNIX_SOCKET_PATH, route.unix_socket.c_str());
    is_literal_ = !route.unix_socket.empty() || parse_address(route.target.host).has_value();
}

void CurlEasy::set_tls(const TlsOptions& tls) {
    curl_easy_setopt(easy_, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!tls.ca_file.empty()) {
        curl_easy_setopt(easy_, CURLOPT_CAINFO, tls.ca_file.c_str());
        curl_easy_setopt(easy_, CURLOPT_CAPATH, nullptr);  // else the system's bundle is trusted beside it
    }
    if (!tls.cert_file.empty()) curl_easy_setopt(easy_, CURLOPT_SSLCERT, tls.cert_file.c_str());
    if (!tls.key_file.empty()) curl_easy_setopt(easy_, CURLOPT_SSLKEY, tls.key_file.c_str());
    if (!tls.insecure_skip_verify) return;
    curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYHOST, 0L);
}

void CurlEasy::set_headers(const std::vector<HttpHeader>& headers) {
    const auto append = [this](const std::string& line) {
        curl_slist* longer = curl_slist_append(headers_, line.c_str());
        if (!longer) throw std::bad_alloc();
        headers_ = longer;
    };
    for (const auto& [name, value] : headers) {
        append(value.empty() ? name + ";" : name + ": " + value);  // "name:" would remove it
    }
    append("Expect:");  // costs a round trip, or a second where it is not understood
    if (!has_header(headers, "content-type")) append("Content-Type:");  // curl would claim that a body is a form
    curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, headers_);
}

void CurlEasy::set_method(const std::string& method, std::string_view body) {
    if (method == "GET" && body.empty()) return;
    if (method == "HEAD") {
        curl_easy_setopt(easy_, CURLOPT_NOBODY, 1L);
        return;
    }
    const bool has_body = !body.empty() || method == "POST" || method == "PUT" || method == "PATCH";
    if (has_body) {
        curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
        curl_easy_setopt(easy_, CURLOPT_POSTFIELDS, body.data() ? body.data() : "");
    }
    curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, method.c_str());
}

void CurlEasy::set_mail(const std::string& from, const std::string& to, std::string_view text) {
    curl_easy_setopt(easy_, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(easy_, CURLOPT_MAIL_FROM, ("<" + from + ">").c_str());
    recipients_ = curl_slist_append(nullptr, ("<" + to + ">").c_str());
    if (!recipients_) throw std::bad_alloc();
    curl_easy_setopt(easy_, CURLOPT_MAIL_RCPT, recipients_);
    unsent_ = text;
    curl_easy_setopt(easy_, CURLOPT_READFUNCTION, &read_mail);
    curl_easy_setopt(easy_, CURLOPT_READDATA, this);
    curl_easy_setopt(easy_, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(text.size()));
    curl_easy_setopt(easy_, CURLOPT_UPLOAD, 1L);
}

std::size_t CurlEasy::read_mail(char* to, std::size_t size, std::size_t count, void* easy) {
    std::string_view& unsent = static_cast<CurlEasy*>(easy)->unsent_;
    const std::size_t bytes = unsent.copy(to, size * count);
    unsent.remove_prefix(bytes);
    return bytes;
}

void CurlEasy::set_login(const std::string& user, const std::string& password, bool starttls) {
    if (!user.empty()) {
        curl_easy_setopt(easy_, CURLOPT_USERNAME, user.c_str());
        curl_easy_setopt(easy_, CURLOPT_PASSWORD, password.c_str());
    }
    curl_easy_setopt(easy_, CURLOPT_USE_SSL,
                     starttls ? static_cast<long>(CURLUSESSL_ALL) : static_cast<long>(CURLUSESSL_NONE));
}

void CurlEasy::set_limits(Duration connect, Duration whole) {
    curl_easy_setopt(easy_, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(connect));
    curl_easy_setopt(easy_, CURLOPT_TIMEOUT_MS, milliseconds(whole));
}

void CurlEasy::watch_socket(std::function<void(int fd)> watcher) {
    socket_watcher_ = std::move(watcher);
    curl_easy_setopt(easy_, CURLOPT_OPENSOCKETFUNCTION, &open_socket);
    curl_easy_setopt(easy_, CURLOPT_OPENSOCKETDATA, &socket_watcher_);
    curl_easy_setopt(easy_, CURLOPT_CLOSESOCKETFUNCTION, &close_socket);
    curl_easy_setopt(easy_, CURLOPT_CLOSESOCKETDATA, &socket_watcher_);
}

void CurlEasy::use_own_connection() {
    curl_easy_setopt(easy_, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy_, CURLOPT_FORBID_REUSE, 1L);
}

int CurlEasy::status() const {
    return static_cast<int>(info<long>(easy_, CURLINFO_RESPONSE_CODE));
}

std::optional<std::uint64_t> CurlEasy::content_length() const {
    const auto length = info<curl_off_t>(easy_, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T);
    return length < 0 ? std::nullopt : std::optional(static_cast<std::uint64_t>(length));
}

std::string CurlEasy::content_type() const {
    const char* type = nullptr;
    curl_easy_getinfo(easy_, CURLINFO_CONTENT_TYPE, &type);
    return type ? type : "";
}

bool CurlEasy::request_sent() const {
    return info<long>(easy_, CURLINFO_REQUEST_SIZE) > 0;
}

FetchError CurlEasy::classify(int code) const {
    switch (code) {
        case CURLE_OK:
            return FetchError::None;
        case CURLE_COULDNT_RESOLVE_HOST:
            return FetchError::Resolve;
        case CURLE_COULDNT_CONNECT:
            return classify_connect(info<long>(easy_, CURLINFO_OS_ERRNO));
        case CURLE_OPERATION_TIMEDOUT:
            return classify_timeout();
        case CURLE_GOT_NOTHING:
        case CURLE_PARTIAL_FILE:
            return FetchError::ClosedEarly;
        case CURLE_SEND_ERROR:
        case CURLE_RECV_ERROR:
        case CURLE_HTTP2_STREAM:
            return FetchError::Reset;
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_SSL_CIPHER:
        case CURLE_SSL_CLIENTCERT:
            return FetchError::Tls;
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_ISSUER_ERROR:
        case CURLE_SSL_INVALIDCERTSTATUS:
        case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
            return FetchError::Untrusted;
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_CRL_BADFILE:
            return FetchError::OwnCertificate;
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_UNSUPPORTED_PROTOCOL:  // an HTTP/0.9 answer
        case CURLE_HTTP2:
        case CURLE_BAD_CONTENT_ENCODING:
            return FetchError::Malformed;
        default:
            return FetchError::LocalLimit;  // memory, descriptors, proxy
    }
}

FetchError CurlEasy::classify_timeout() const {
    // CONNECT_TIME stays 0 until TLS is done, too.
    if (request_sent() || info<long>(easy_, CURLINFO_NUM_CONNECTS) > 0) return FetchError::Timeout;
    const bool is_resolved = is_literal_ || info<curl_off_t>(easy_, CURLINFO_NAMELOOKUP_TIME_T) > 0;
    return is_resolved ? FetchError::ConnectTimeout : FetchError::Resolve;
}

bool CurlEasy::lacks_tls(int code) {
    return code == CURLE_USE_SSL_FAILED;
}

std::string CurlEasy::describe(int code) const {
    std::string words = curl_easy_strerror(static_cast<CURLcode>(code));
    const long os_error = info<long>(easy_, CURLINFO_OS_ERRNO);
    if (code == CURLE_COULDNT_CONNECT && os_error != 0) {
        words += ": " + std::generic_category().message(static_cast<int>(os_error));
    }
    return words;
}

}  // namespace revertd
