// SPDX-License-Identifier: Apache-2.0
// The least that somebody who asks queries can do: once an interval posts every body that it was given and asks every
// health endpoint, over kept connections, and reads and discards the answers.
//
//   query_floor PORT HEALTH_PORT HEALTHS INTERVAL_MS    bodies on standard input, one a line; runs until it is ended
#include <netinet/tcp.h>

#include <cstring>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "bench/loopback.h"

namespace {

class Connection {
  public:
    explicit Connection(std::uint16_t port) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd_ < 0 || connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            bench::die("connect");
        bench::send_at_once(fd_);
    }

    void ask(std::string_view request) {
        if (send(fd_, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
            bench::die("send");
        read_answer();
    }

  private:
    void read_answer() {
        answer_.clear();
        while (!whole()) {
            char bytes[65536];
            const ssize_t got = recv(fd_, bytes, sizeof bytes, 0);
            if (got <= 0) bench::die("recv");
            answer_.append(bytes, static_cast<std::size_t>(got));
        }
    }

    [[nodiscard]] bool whole() const {
        const std::size_t head = answer_.find("\r\n\r\n");
        if (head == std::string::npos) return false;
        const std::size_t length = answer_.find("Content-Length: ");
        if (length != std::string::npos && length < head)
            return answer_.size() >= head + 4 + std::stoul(answer_.substr(length + 16, 12));
        return answer_.ends_with("\r\n0\r\n\r\n");
    }

    int fd_ = -1;
    std::string answer_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) bench::die("usage: query_floor PORT HEALTH_PORT HEALTHS INTERVAL_MS");
    Connection server(static_cast<std::uint16_t>(std::stoul(argv[1])));
    Connection health(static_cast<std::uint16_t>(std::stoul(argv[2])));
    const unsigned long healths = std::stoul(argv[3]);
    const std::int64_t interval = std::stoll(argv[4]) * 1'000'000;
    std::vector<std::string> requests;
    for (std::string body; std::getline(std::cin, body);)
        requests.push_back(
            "POST /api/v1/query HTTP/1.1\r\nHost: server\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            "Content-Length: " +
            std::to_string(body.size()) + "\r\n\r\n" + body);
    for (std::int64_t due = bench::now_ns();; due += interval) {
        for (const std::string& request : requests) server.ask(request);
        for (unsigned long i = 0; i < healths; ++i) health.ask("GET /health HTTP/1.1\r\nHost: target\r\n\r\n");
        const std::int64_t rest = due + interval - bench::now_ns();
        if (rest <= 0) continue;
        const timespec pause{rest / 1'000'000'000, rest % 1'000'000'000};
        nanosleep(&pause, nullptr);
    }
}
