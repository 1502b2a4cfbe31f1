// SPDX-License-Identifier: Apache-2.0
// Steps that are HTTP requests, against a server that behaves as badly as it is told.
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "tests/runner/harness.h"

namespace revertd {
namespace {

/// Takes one connection after another; what `answer` returns for a request is sent, then the connection is closed.
class BadServer {
  public:
    using Answer = std::function<std::string(const std::string& request)>;

    explicit BadServer(Answer answer)
        : answer_(std::move(answer)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(::listen(listener_, 16), 0);
        socklen_t size = sizeof address;
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        EXPECT_EQ(::pipe2(end_.data(), O_CLOEXEC), 0);
        thread_ = std::thread([this] { serve(); });
    }

    BadServer(const BadServer&) = delete;
    BadServer& operator=(const BadServer&) = delete;

    ~BadServer() {
        ::close(end_[1]);
        thread_.join();
        for (const int fd : held_) ::close(fd);
        ::close(end_[0]);
        ::close(listener_);
    }

    [[nodiscard]] std::string url(const std::string& path) const {
        return "http://127.0.0.1:" + std::to_string(port_) + path;
    }

    [[nodiscard]] std::vector<std::string> requests() {
        const std::lock_guard<std::mutex> lock(mutex_);
        return requests_;
    }

  private:
    void serve() {
        for (;;) {
            std::array<pollfd, 2> wanted{{{listener_, POLLIN, 0}, {end_[0], POLLIN, 0}}};
            ::poll(wanted.data(), wanted.size(), -1);
            if (wanted[1].revents != 0) return;
            const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            const std::string request = read_request(client);
            {
                const std::lock_guard<std::mutex> lock(mutex_);
                requests_.push_back(request);
            }
            const std::string answer = answer_(request);
            if (answer == "hang") {
                held_.push_back(client);
                continue;
            }
            [[maybe_unused]] const ssize_t n = ::write(client, answer.data(), answer.size());
            ::close(client);
        }
    }

    static std::string read_request(int client) {
        std::string text;
        std::array<char, 4096> buffer{};
        for (;;) {
            const std::size_t head = text.find("\r\n\r\n");
            const std::size_t length = text.find("Content-Length: ");
            if (head != std::string::npos && length != std::string::npos &&
                text.size() >= head + 4 + std::strtoul(text.c_str() + length + 16, nullptr, 10))
                return text;
            const ssize_t n = ::read(client, buffer.data(), buffer.size());
            if (n <= 0) return text;
            text.append(buffer.data(), static_cast<std::size_t>(n));
        }
    }

    Answer answer_;
    int listener_;
    std::uint16_t port_ = 0;
    std::array<int, 2> end_{};
    std::mutex mutex_;
    std::vector<std::string> requests_;
    std::vector<int> held_;
    std::thread thread_;
};

std::string status(const std::string& line, const std::string& headers = "", const std::string& body = "words") {
    return "HTTP/1.1 " + line + "\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class Http : public RunnerTest {
  protected:
    Http() { start_runner(); }

    StepOrder order(const std::string& key, const std::string& url, Duration deadline = 10s) {
        StepOrder step = program(key, {});
        step.step.call =
            HttpCall{"POST", url, {{"Content-Type", "application/json"}, {"Idempotency-Key", key}}, R"({"v":"v1"})"};
        step.step.deadline = deadline;
        return step;
    }

    Receipt against(const std::string& answer) {
        BadServer server([&](const std::string&) { return answer; });
        const Receipt receipt = run(order("k" + std::to_string(++count_), server.url("/r")));
        EXPECT_EQ(server.requests().size(), 1U) << "never sent twice";
        return receipt;
    }

    int count_ = 0;
};

TEST_F(Http, success_is_done) {
    BadServer server([](const std::string&) { return status("202 Accepted"); });
    const Receipt receipt = run(order("api/d/i/1", server.url("/rollback?x=1")));
    EXPECT_EQ(receipt.state, StepState::Done);
    EXPECT_EQ(receipt.exit, 202);
    EXPECT_EQ(receipt.output, "words");
    const std::string request = server.requests().at(0);
    EXPECT_TRUE(request.starts_with("POST /rollback?x=1 HTTP/1.1\r\n")) << request;
    EXPECT_NE(request.find("\r\nContent-Type: application/json\r\n"), std::string::npos);
    EXPECT_NE(request.find("\r\nIdempotency-Key: api/d/i/1\r\n"), std::string::npos);
    EXPECT_EQ(request.find("Expect:"), std::string::npos);
    EXPECT_TRUE(request.ends_with("\r\n\r\n{\"v\":\"v1\"}"));
}

TEST_F(Http, what_http_needs_is_loaded_when_it_may_be_needed) {
    const auto has_libcurl = [&] {
        return read_text("/proc/" + std::to_string(runner_pid()) + "/maps").find("libcurl") != std::string::npos;
    };
    run(program("a command", {"/bin/true"}));
    EXPECT_FALSE(has_libcurl());
    client_.prepare();
    query("the answers come in order");
    EXPECT_TRUE(has_libcurl());
    EXPECT_EQ(against(status("200 OK")).state, StepState::Done);
}

TEST_F(Http, a_server_error_is_unknown) {
    for (const char* line : {"500 Oh", "502 Bad Gateway", "503 Busy", "504 Late"}) {
        const Receipt receipt = against(status(line));
        EXPECT_EQ(receipt.state, StepState::Unknown) << line;
        EXPECT_EQ(receipt.output, "words");
    }
}

TEST_F(Http, a_refusal_is_failed_and_shows_its_words) {
    for (const char* line : {"400 No", "401 Who", "403 You", "404 What", "409 Conflict", "422 Hm"}) {
        const Receipt receipt = against(status(line));
        EXPECT_EQ(receipt.state, StepState::Failed) << line;
        EXPECT_EQ(receipt.output, "words");
    }
}

TEST_F(Http, a_redirect_is_not_followed) {
    BadServer elsewhere([](const std::string&) { return status("200 OK"); });
    const Receipt receipt = against(status("307 There", "Location: " + elsewhere.url("/") + "\r\n"));
    EXPECT_EQ(receipt.state, StepState::Failed);
    EXPECT_EQ(receipt.exit, 307);
    EXPECT_TRUE(elsewhere.requests().empty());
}

TEST_F(Http, a_connection_that_dies_after_the_request_is_unknown) {
    EXPECT_EQ(against("").state, StepState::Unknown);
    EXPECT_EQ(against("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").state, StepState::Unknown);
    EXPECT_EQ(against("garbage\r\n\r\n").state, StepState::Unknown);
}

TEST_F(Http, a_hanging_server_is_unknown_at_the_deadline) {
    BadServer server([](const std::string&) { return "hang"; });
    const Receipt receipt = run(order("k", server.url("/r"), 300ms));
    EXPECT_EQ(receipt.state, StepState::Unknown);
    EXPECT_EQ(receipt.reason, "Timeout was reached");
    EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(Http, not_now_is_asked_again_with_the_same_key) {
    int count = 0;
    BadServer server([&](const std::string&) {
        return ++count < 3 ? status("429 Slow down", "Retry-After: 0\r\n") : status("200 OK", "", "done");
    });
    const Receipt receipt = run(order("the-key", server.url("/r")));
    EXPECT_EQ(receipt.state, StepState::Done);
    EXPECT_EQ(receipt.output, "done");
    ASSERT_EQ(server.requests().size(), 3U);
    for (const std::string& request : server.requests())
        EXPECT_NE(request.find("Idempotency-Key: the-key\r\n"), std::string::npos);
}

TEST_F(Http, not_now_until_the_deadline_is_failed) {
    BadServer server([](const std::string&) { return status("429 Slow down", "Retry-After: 1000\r\n"); });
    const Receipt receipt = run(order("k", server.url("/r"), 300ms));
    EXPECT_EQ(receipt.state, StepState::Failed);
    EXPECT_EQ(receipt.reason, "not done by the deadline; last: HTTP status 429");
}

TEST_F(Http, what_was_never_sent_is_failed) {
    std::string url;
    {
        url = BadServer([](const std::string&) { return ""; }).url("/r");
    }
    const Receipt receipt = run(order("k", url, 300ms));
    EXPECT_EQ(receipt.state, StepState::Failed);
    EXPECT_EQ(receipt.reason, "not done by the deadline; last: Couldn't connect to server");
}

TEST_F(Http, other_protocols_are_refused) {
    write_text(directory_ / "secret", "secret");
    for (const std::string& url :
         {"file://" + (directory_ / "secret"), std::string("gopher://127.0.0.1/"), std::string("http://")}) {
        const Receipt receipt = run(order(url, url));
        EXPECT_EQ(receipt.state, StepState::Failed) << url;
        EXPECT_EQ(receipt.output, "");
    }
}

TEST_F(Http, a_runner_that_is_killed_leaves_it_unknown_and_unrepeated) {
    Fifo asked(directory_ / "asked");
    BadServer server([&](const std::string&) {
        asked.write_line("yes");
        return "hang";
    });
    std::optional<Receipt> answer;
    client_.start(order("k", server.url("/r")), [&](const Receipt& receipt) { answer = receipt; });
    run_until([&] { return client_.connected(); });
    ASSERT_EQ(asked.read_line(), "yes");
    kill_runner();
    run_until([&] { return answer.has_value(); });
    EXPECT_EQ(answer->state, StepState::NoAnswer);
    start_runner();
    EXPECT_EQ(query("k").state, StepState::Unknown);
    EXPECT_TRUE(run(order("k", server.url("/r"))).repeated);
    EXPECT_EQ(server.requests().size(), 1U);
}

}  // namespace
}  // namespace revertd
