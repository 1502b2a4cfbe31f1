// SPDX-License-Identifier: Apache-2.0
// A scripted HTTP server on loopback with threads of its own: it answers what a test tells it to, also wrongly, and
// remembers what it was asked. Nothing in it waits for a time; a test that wants an answer late holds a Gate.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace revertd::test {

/// Holds the server until the test lets it pass.
class Gate {
  public:
    /// Lets `count` further passages through.
    void release(std::size_t count = 1);
    /// Lets everything through from now on.
    void open();
    /// False if the server is being stopped.
    bool pass(const std::stop_token& stop);

  private:
    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::size_t passages_ = 0;
    bool is_open_ = false;
};

using GatePtr = std::shared_ptr<Gate>;

struct FakeRequest {
    std::string method;
    std::string path;                            // with the query
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
    std::size_t connection = 0;     // the server's connections, counted from 0
    std::size_t on_connection = 0;  // earlier requests of this connection
};

struct FakeAnswer {
    enum class Framing { ContentLength, Chunked, UntilClose };
    enum class End { KeepAlive, Close, Reset, Hang };

    int status = 200;
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
    Framing framing = Framing::ContentLength;
    std::size_t chunk_bytes = 7;           // of Chunked
    std::string raw;                       // not empty: sent byte for byte instead of all of the above
    std::optional<std::size_t> cut_after;  // only so many bytes of the answer are sent
    std::size_t write_bytes = 0;           // bytes of one send, 0: all at once
    GatePtr before;                        // passed before the first byte
    GatePtr before_each;                   // passed before every send
    End end = End::KeepAlive;

    /// Accepts the request and says nothing, ever.
    [[nodiscard]] static FakeAnswer hanging();
    /// Closes instead of answering.
    [[nodiscard]] static FakeAnswer closing();
    [[nodiscard]] static FakeAnswer resetting();
};

struct FakeHttpOptions {
    std::string unix_socket = {};        // path to listen on instead of a TCP port
    bool tls = false;                    // with a self-signed certificate
    std::string tls_name = "127.0.0.1";  // whom the certificate names
    bool tls_expired = false;
};

class FakeHttp {
  public:
    using Handler = std::function<FakeAnswer(const FakeRequest&)>;

    explicit FakeHttp(FakeHttpOptions options = {});
    FakeHttp(const FakeHttp&) = delete;
    FakeHttp& operator=(const FakeHttp&) = delete;
    /// Closes everything, opens every gate it waits at.
    ~FakeHttp();

    /// The answer to every request of the path (without its query); `*` is every other one. Unknown paths are
    /// answered 404.
    void on(const std::string& path, FakeAnswer answer);
    /// One answer after the other; the last is repeated.
    void on(const std::string& path, std::vector<FakeAnswer> answers);
    /// Called on a server thread.
    void on(const std::string& path, Handler handler);

    [[nodiscard]] std::uint16_t port() const;
    /// "http://127.0.0.1:PORT" + path, or https.
    [[nodiscard]] std::string url(const std::string& path) const;
    /// PEM of the certificate, to be trusted by a client.
    [[nodiscard]] std::string certificate() const;

    [[nodiscard]] std::vector<FakeRequest> requests() const;
    [[nodiscard]] std::size_t connections() const;
    /// Until so many requests have arrived; false if they have not within ten seconds.
    [[nodiscard]] bool wait_for_requests(std::size_t count) const;
    /// Until no connection is open; false if one still is after ten seconds.
    [[nodiscard]] bool wait_until_disconnected() const;

    /// Closes all connections, as a restart of the server would; it listens on.
    void drop_connections();
    /// The open connections hear nothing any more, as if the host had lost its network: nothing is acknowledged.
    void go_deaf();

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace revertd::test
