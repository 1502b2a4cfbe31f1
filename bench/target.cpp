// SPDX-License-Identifier: Apache-2.0
// A fleet to be guarded: N targets on loopback addresses of their own, each with /metrics, /health and /version, and
// one receiver of webhooks on 127.0.0.1. Every instant is CLOCK_MONOTONIC in ns, taken here.
//
//   target TARGETS SERIES      prints "<port of the targets> <port of the receiver>", then answers each line of
//                              standard input with one line, until it ends:
//   break errors|health|hang I -> the instant: from then on half the requests of target I fail, its health is down,
//                              or it takes requests and never answers
//   release                 -> ok: every target now runs v2, until a webhook {"target":I} puts v1 back
//   phases                  -> of each target when it was last asked
//   polls                   -> polls in all, polls of the target polled least, now, bytes of the last exposition
//   hooks                   -> one word for each target that was rolled back: target:broken:deciding:hook, where
//                              `deciding` is just before the end of the first answer that showed the fault was sent
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "bench/exposition.h"
#include "bench/loopback.h"

namespace {

using bench::now_ns;

struct Target {
    std::int64_t errors_since = 0;
    bool down = false;
    bool hung = false;
    bool rolled_back = false;
    std::uint64_t polls = 0;
    std::int64_t asked = 0;
    bench::Totals last;       // what the last exposition said
    std::int64_t broken = 0;  // the instants of a trial; 0: not yet
    std::int64_t deciding = 0;
    std::int64_t hook = 0;
};

struct Connection {
    int target = -1;  // -1: the receiver of webhooks
    std::string in;
    std::string out;
    std::size_t sent = 0;
    bool waits = false;    // for room in the socket
    bool decides = false;  // `out` is the first answer that shows the fault
};

class Fleet {
  public:
    Fleet(unsigned targets, unsigned series)
        : epoll_(epoll_create1(EPOLL_CLOEXEC)), start_(now_ns()), exposition_(series), targets_(targets) {
        std::uint16_t port = 0;
        for (unsigned i = 0; i < targets; ++i) port = listen_at(bench::target_address(i, port), static_cast<int>(i));
        sockaddr_in receiver{};
        receiver.sin_family = AF_INET;
        receiver.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        std::cout << port << ' ' << listen_at(receiver, -1) << std::endl;
        bench::watch(epoll_, STDIN_FILENO, EPOLLIN);
    }

    void run() {
        std::vector<epoll_event> events(512);
        while (true) {
            const int ready = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
            for (int i = 0; i < ready; ++i) {
                const int fd = events[static_cast<std::size_t>(i)].data.fd;
                if (fd == STDIN_FILENO) {
                    if (!read_commands()) return;
                } else if (const auto listener = listeners_.find(fd); listener != listeners_.end()) {
                    accept_all(fd, listener->second);
                } else if (const auto connection = connections_.find(fd); connection != connections_.end()) {
                    if (!serve(fd, connection->second)) drop(fd);
                }
            }
        }
    }

  private:
    /// Returns the port: the first listener takes any free one, its sisters the same on their own addresses.
    std::uint16_t listen_at(sockaddr_in address, int target) {
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        socklen_t size = sizeof address;
        if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(fd, 256) != 0 ||
            getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
            bench::die("listen");
        }
        listeners_[fd] = target;
        bench::watch(epoll_, fd, EPOLLIN);
        return ntohs(address.sin_port);
    }

    void accept_all(int listener, int target) {
        int fd = -1;
        while ((fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
            bench::send_at_once(fd);
            connections_[fd].target = target;
            bench::watch(epoll_, fd, EPOLLIN);
        }
    }

    void drop(int fd) {
        close(fd);
        connections_.erase(fd);
    }

    /// False when the connection is over.
    bool serve(int fd, Connection& connection) {
        if (!connection.out.empty()) return flush(fd, connection);
        char buffer[16384];
        const ssize_t count = recv(fd, buffer, sizeof buffer, 0);
        if (count <= 0) return count < 0 && errno == EAGAIN;
        const std::int64_t arrived = now_ns();
        connection.in.append(buffer, static_cast<std::size_t>(count));
        const std::size_t head = connection.in.find("\r\n\r\n");
        if (head == std::string::npos) return true;
        const std::size_t size = head + 4 + bench::content_length(connection.in.substr(0, head + 2));
        if (connection.in.size() < size) return true;
        answer(connection, arrived);
        connection.in.erase(0, size);
        return connection.out.empty() || flush(fd, connection);
    }

    bool flush(int fd, Connection& connection) {
        std::int64_t last_send = 0;
        while (connection.sent < connection.out.size()) {
            last_send = now_ns();
            const ssize_t count = send(fd, connection.out.data() + connection.sent,
                                       connection.out.size() - connection.sent, MSG_NOSIGNAL);
            if (count < 0 && errno != EAGAIN) return false;
            if (count < 0) {
                connection.waits = true;
                bench::watch(epoll_, fd, EPOLLOUT, EPOLL_CTL_MOD);
                return true;
            }
            connection.sent += static_cast<std::size_t>(count);
        }
        if (connection.decides) targets_[static_cast<std::size_t>(connection.target)].deciding = last_send;
        connection.decides = false;
        connection.out.clear();
        connection.sent = 0;
        if (std::exchange(connection.waits, false)) bench::watch(epoll_, fd, EPOLLIN, EPOLL_CTL_MOD);
        return true;
    }

    static void reply(Connection& connection, bool ok, std::string_view type, std::string_view body) {
        connection.out =
            ok ? "HTTP/1.1 200 OK\r\nContent-Type: " : "HTTP/1.1 503 Service Unavailable\r\nContent-Type: ";
        connection.out.append(type).append("\r\nContent-Length: ").append(std::to_string(body.size()));
        connection.out.append("\r\n\r\n").append(body);
    }

    void answer(Connection& connection, std::int64_t arrived) {
        const std::string_view request = connection.in;
        if (connection.target < 0) {
            receive_webhook(request, arrived);
            return reply(connection, true, "application/json", "{}");
        }
        Target& target = targets_[static_cast<std::size_t>(connection.target)];
        if (target.hung) return;
        if (request.starts_with("GET /version")) {
            const bool v2 = released_ && !target.rolled_back;
            return reply(connection, true, "application/json", v2 ? "{\"version\":\"v2\"}" : "{\"version\":\"v1\"}");
        }
        ++target.polls;
        target.asked = arrived;
        bool shows_fault = target.down;
        if (request.starts_with("GET /health")) {
            reply(connection, !target.down, "application/json",
                  target.down ? "{\"status\":\"DOWN\"}" : "{\"status\":\"UP\"}");
        } else {
            shows_fault = render(target, arrived);
            reply(connection, true, "text/plain; version=0.0.4", body_);
        }
        connection.decides = shows_fault && target.deciding == 0;
    }

    /// True if more than 1 % of the requests since the last exposition failed, by the numbers as they were written.
    bool render(Target& target, std::int64_t now) {
        const auto seconds = [now](std::int64_t since) { return static_cast<double>(now - since) * 1e-9; };
        const double failing = target.errors_since != 0 ? seconds(target.errors_since) : 0;
        const bench::Totals totals = exposition_.render(body_, seconds(start_), failing);
        const bench::Totals last = std::exchange(target.last, totals);
        return (totals.errors - last.errors) * 100 > totals.requests - last.requests && target.polls > 1;
    }

    void receive_webhook(std::string_view request, std::int64_t arrived) {
        const std::size_t at = request.find("\"target\":");
        if (at == std::string_view::npos) return;
        const std::size_t index = std::strtoul(request.data() + at + 9, nullptr, 10);
        if (index >= targets_.size() || targets_[index].rolled_back) return;
        targets_[index].rolled_back = true;
        targets_[index].hook = arrived;
    }

    bool read_commands() {
        char buffer[4096];
        const ssize_t count = read(STDIN_FILENO, buffer, sizeof buffer);
        if (count <= 0) return false;
        commands_.append(buffer, static_cast<std::size_t>(count));
        std::size_t end = 0;
        while ((end = commands_.find('\n')) != std::string::npos) {
            command(commands_.substr(0, end));
            commands_.erase(0, end + 1);
        }
        return true;
    }

    void command(const std::string& line) {
        std::istringstream words(line);
        std::string verb;
        words >> verb;
        if (verb == "break") return break_target(words);
        if (verb == "release") {
            released_ = true;
            std::cout << "ok";
        } else if (verb == "phases") {
            for (const Target& target : targets_) std::cout << target.asked << ' ';
        } else if (verb == "polls") {
            std::uint64_t all = 0;
            std::uint64_t least = targets_[0].polls;
            for (const Target& target : targets_) {
                all += target.polls;
                if (!target.hung) least = std::min(least, target.polls);
            }
            std::cout << all << ' ' << least << ' ' << now_ns() << ' ' << body_.size();
        } else if (verb == "hooks") {
            for (std::size_t i = 0; i < targets_.size(); ++i) {
                const Target& target = targets_[i];
                if (target.hook == 0) continue;
                std::cout << i << ':' << target.broken << ':' << target.deciding << ':' << target.hook << ' ';
            }
        }
        std::cout << std::endl;
    }

    void break_target(std::istringstream& words) {
        std::string kind;
        std::size_t index = 0;
        words >> kind >> index;
        Target& target = targets_.at(index);
        target.broken = now_ns();
        target.down = kind == "health";
        target.hung = kind == "hang";
        if (kind == "errors") target.errors_since = target.broken;
        std::cout << target.broken << std::endl;
    }

    int epoll_;
    std::int64_t start_;
    bench::Exposition exposition_;
    std::vector<Target> targets_;
    std::map<int, int> listeners_;
    std::map<int, Connection> connections_;
    std::string body_;
    std::string commands_;
    bool released_ = false;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fputs("usage: target TARGETS SERIES\n", stderr);
        return 2;
    }
    Fleet fleet(static_cast<unsigned>(std::atoi(argv[1])), static_cast<unsigned>(std::atoi(argv[2])));
    fleet.run();
}
