// SPDX-License-Identifier: Apache-2.0
// The vocabulary of HTTP as a client sees it: where to, how it can fail, who receives the answer.
// Both clients (lean_client.h for scrapes and health checks, curl_client.h for the rest) speak it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "core/result.h"

namespace revertd {

/// An absolute http:// or https:// URL, taken apart once. Credentials and fragments are refused.
struct HttpTarget {
    std::string url;
    bool https = false;
    std::string host;  // without the brackets of an IPv6 literal
    std::uint16_t port = 0;
    std::string path;       // with the query, starts with '/'
    std::string authority;  // as the Host header says it
};

[[nodiscard]] Result<HttpTarget> parse_url(std::string_view url);

/// How a fetch ended. S16 sorts them: Resolve, LocalLimit and Tls are blind; ConnectTimeout depends on the other
/// targets; the rest is down. Any status is `None`: judging it is the sink's business.
enum class FetchError {
    None,
    Resolve,         // the name has no address, or none in time
    LocalLimit,      // this host's own trouble: descriptors, memory, ports, routes, proxy
    ConnectRefused,  // refused by the target's host
    ConnectTimeout,  // no answer to the connect, or the target's host is unreachable or lost
    Reset,           // the connection broke after it was made
    ClosedEarly,     // closed before the answer was whole
    Timeout,         // connected, but no whole answer by the deadline
    Malformed,       // not HTTP as RFC 9112 has it, or encoded in a way that was not offered
    TooLarge,        // head or body beyond its limit
    Tls,             // handshake
    Untrusted,       // the certificate is not one that we trust for this name, or has expired
    OwnCertificate,  // this host's certificate, key or authorities cannot be used
    Aborted,         // the sink said that it had enough
};

[[nodiscard]] const char* to_string(FetchError error);

/// Receives one answer: `head` once, `body` as often as bytes arrive, `done` exactly once, never from inside `start`.
/// `head` and `body` must not touch the Fetch; `done` may start it again or destroy it.
class Sink {
  public:
    Sink() = default;
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;
    virtual ~Sink() = default;
    virtual void head(int status, std::string_view content_type, std::optional<std::uint64_t> content_length) = 0;
    /// The bytes are valid during the call only. False ends the fetch with `Aborted`.
    virtual bool body(std::span<const char> chunk) = 0;
    virtual void done(FetchError error, Time at) = 0;
};

/// One GET that is repeated for as long as its target is configured; owns what it reuses (request bytes, connection).
class Fetch {
  public:
    Fetch() = default;
    Fetch(const Fetch&) = delete;
    Fetch& operator=(const Fetch&) = delete;
    virtual ~Fetch() = default;
    /// Not while in flight. The sink must live until `done` or `cancel`.
    virtual void start(Time deadline, Sink& sink) = 0;
    /// Ends it without `done`; nothing happens if it is not in flight.
    virtual void cancel() = 0;
    [[nodiscard]] virtual bool in_flight() const = 0;
    /// What exactly was wrong with the last answer, for people; holds no URL and no secret. Empty if nothing was.
    [[nodiscard]] virtual std::string_view detail() const = 0;
};

using HttpHeader = std::pair<std::string, std::string>;

struct TlsOptions {
    std::string ca_file;    // instead of the system's bundle
    std::string cert_file;  // client certificate
    std::string key_file;
    bool insecure_skip_verify = false;  // only where the configuration says so in these words
};

struct FetchOptions {
    std::string accept = "*/*";
    std::vector<HttpHeader> headers;  // beside Host, User-Agent and Accept
    std::size_t max_body_bytes = 0;   // 0: kMaxBodyBytes
    bool keep_alive = true;
    bool connect_only = false;  // a connection is the whole answer: nothing is sent (lean client)
    TlsOptions tls;
    std::string unix_socket;  // path; the URL's host is then only what the Host header says
    std::string proxy;        // only what is written here: the environment's proxies are ignored
};

}  // namespace revertd
