// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tests/support/fake_http.h"

namespace revertd::ctl {

/// The daemon's API on a unix socket of its own, answering from a script. It can go away and come back.
class FakeDaemon {
  public:
    struct Reply {
        int status = 200;
        std::string body;
        bool stays_open = false;  ///< the body has no end, and what was sent is all there is for now
        std::function<void()> when_asked = nullptr;
    };

    FakeDaemon();
    ~FakeDaemon();
    FakeDaemon(const FakeDaemon&) = delete;
    FakeDaemon& operator=(const FakeDaemon&) = delete;

    /// Answers to `line` ("POST /api/v1/halt"), one after the other; the last one is given again and again.
    void answer(const std::string& line, std::vector<Reply> replies);

    [[nodiscard]] std::string address() const { return "unix:" + socket_; }

    [[nodiscard]] std::vector<test::FakeRequest> requests() const;
    /// The last request with this line; an empty one if there was none.
    [[nodiscard]] test::FakeRequest request(const std::string& line) const;

    [[nodiscard]] bool wait_for_requests(std::size_t count) const { return http_->wait_for_requests(count); }

    void stop();
    void start();

  private:
    [[nodiscard]] test::FakeAnswer answer_to(const test::FakeRequest& request);

    std::string directory_;
    std::string socket_;
    mutable std::mutex mutex_;
    std::map<std::string, std::deque<Reply>> script_;
    std::vector<test::FakeRequest> requests_;
    std::unique_ptr<test::FakeHttp> http_;
};

[[nodiscard]] std::string line_of(const test::FakeRequest& request);

}  // namespace revertd::ctl
