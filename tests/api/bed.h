// SPDX-License-Identifier: Apache-2.0
// The server on a thread of its own over a FakeBackend, and blocking clients that send bytes as they are.
#pragma once
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "daemon/api/server.h"
#include "daemon/ctl/json.h"
#include "daemon/io/loop.h"
#include "daemon/io/system_clock.h"
#include "tests/api/fake_backend.h"

namespace revertd::test {

struct Answered {
    int status = 0;    ///< 0: the connection ended without an answer
    std::string head;  ///< with the status line
    std::string body;
    bool closed = false;  ///< by the server, behind it

    [[nodiscard]] ctl::Json json() const;

    [[nodiscard]] std::string error() const { return json()["error"]["message"].text(); }

    [[nodiscard]] bool has(const std::string& header) const { return head.find(header + "\r\n") != std::string::npos; }
};

/// One connection. Every wait ends after ten seconds, which no passing test waits.
class Client {
  public:
    explicit Client(int fd) : fd_(fd) {}

    Client(Client&& other) noexcept : fd_(std::exchange(other.fd_, -1)), unread_(std::move(other.unread_)) {}

    Client& operator=(Client&&) = delete;
    ~Client();

    bool send(const std::string& bytes);
    /// One answer; `head_only` for HEAD.
    Answered receive(bool head_only = false);
    /// Until the text was received; everything up to its end.
    std::string read_until(const std::string& text);
    /// True if the server closes.
    bool is_closed_by_server();
    void stop_sending();

  private:
    /// False at the end of the connection.
    bool read_more();

    int fd_;
    std::string unread_;
};

class Bed {
  public:
    explicit Bed(api::ApiLimits limits = {});
    ~Bed();

    /// Runs it on the loop and waits.
    void on_loop(const std::function<void()>& what);

    void post_to_loop(std::function<void()> what) { loop_->post(std::move(what)); }

    [[nodiscard]] std::string socket() const { return directory_ + "/s"; }

    [[nodiscard]] std::string address() const { return "unix:" + socket(); }

    [[nodiscard]] Client connect() const;
    /// With a socket that was made before; owned from here on.
    [[nodiscard]] Client connect_by(int fd) const;
    [[nodiscard]] Client connect_tcp() const;

    [[nodiscard]] std::uint16_t port() const { return port_; }

    Answered get(const std::string& target, const std::string& headers = {}) const;
    Answered post(const std::string& target, const std::string& body = {}) const;

    [[nodiscard]] std::size_t connections();

    /// Who everybody is; root at first.
    void set_peer(Peer peer);

    FakeBackend& backend() { return *backend_; }  ///< on the loop only

    // -- what tests of objects start from
    /// v1 is good and runs; the guard of v2 is open and v2 was seen. The id of the guard.
    std::string bake();
    /// Errors of v2 hold as P1, which asks. The id of the incident.
    std::string ask_for_approval();

  private:
    /// Outlives the bed: a lookup may still be on its way when a client has left.
    struct Identity {
        std::mutex mutex;
        Peer peer{0, "root", {"root"}};
    };

    std::string directory_;
    SystemClock clock_;
    std::shared_ptr<Identity> identity_ = std::make_shared<Identity>();
    std::unique_ptr<Loop> loop_;
    std::unique_ptr<FakeBackend> backend_;
    std::unique_ptr<Server> server_;
    std::uint16_t port_ = 0;
    std::jthread thread_;
};

[[nodiscard]] std::string post_text(const std::string& target, const std::string& body);

}  // namespace revertd::test
