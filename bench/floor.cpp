// SPDX-License-Identifier: Apache-2.0
// The least that a poller can do: asks every target once per interval over kept connections, evenly spread, and reads
// and discards the answers.
//
//   floor TARGETS PORT INTERVAL_MS      until standard input ends; then one line: answers, bytes
#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "bench/loopback.h"

namespace {

constexpr std::string_view kRequest = "GET /metrics HTTP/1.1\r\nHost: target\r\nAccept: text/plain\r\n\r\n";

class Floor {
  public:
    Floor(unsigned targets, std::uint16_t port, std::int64_t interval_ns)
        : interval_(interval_ns), epoll_(epoll_create1(EPOLL_CLOEXEC)), start_(bench::now_ns()), polls_(targets) {
        for (unsigned i = 0; i < targets; ++i) open(i, port);
        bench::watch(epoll_, STDIN_FILENO, EPOLLIN);
    }

    void run() {
        std::vector<epoll_event> events(256);
        while (true) {
            const std::int64_t wait = send_due();
            const timespec timeout{wait / 1'000'000'000, wait % 1'000'000'000};
            const int ready = epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
            for (int i = 0; i < ready; ++i) {
                const int fd = events[static_cast<std::size_t>(i)].data.fd;
                if (fd == STDIN_FILENO) return;
                read(fd, by_fd_[static_cast<std::size_t>(fd)]);
            }
        }
    }

    void print() const { std::printf("%llu %llu\n", answers_, bytes_); }

  private:
    struct Poll {
        int fd = -1;
        bool in_flight = false;
        bool in_body = false;
        std::size_t left = 0;  // bytes of the body to come
    };

    void open(unsigned index, std::uint16_t port) {
        const sockaddr_in address = bench::target_address(index, port);
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
            bench::die("connect");
        }
        fcntl(fd, F_SETFL, O_NONBLOCK);
        bench::send_at_once(fd);
        bench::watch(epoll_, fd, EPOLLIN);
        polls_[index].fd = fd;
        if (by_fd_.size() <= static_cast<std::size_t>(fd)) by_fd_.resize(static_cast<std::size_t>(fd) + 1);
        by_fd_[static_cast<std::size_t>(fd)] = index;
    }

    /// Sends every request that is due; returns ns until the next. Intervals are equal, so the order is a ring.
    std::int64_t send_due() {
        const auto count = static_cast<std::int64_t>(polls_.size());
        while (true) {
            const std::int64_t wait = start_ + turn_ * interval_ / count - bench::now_ns();
            if (wait > 0) return wait;
            Poll& poll = polls_[static_cast<std::size_t>(turn_++ % count)];
            if (poll.in_flight) continue;
            if (send(poll.fd, kRequest.data(), kRequest.size(), MSG_NOSIGNAL) < 0) bench::die("send");
            poll.in_flight = true;
        }
    }

    void read(int fd, unsigned index) {
        Poll& poll = polls_[index];
        while (poll.in_flight) {
            const ssize_t count = recv(fd, buffer_, sizeof buffer_ - 1, 0);
            if (count < 0 && errno == EAGAIN) return;
            if (count <= 0) bench::die("recv");
            discard(poll, static_cast<std::size_t>(count));
        }
    }

    /// The target sends each head in one segment, so a head is never split.
    void discard(Poll& poll, std::size_t count) {
        bytes_ += count;
        if (!poll.in_body) {
            buffer_[count] = '\0';
            const std::string_view text(buffer_, count);
            const std::size_t head = text.find("\r\n\r\n") + 4;
            poll.left = bench::content_length(text.substr(0, head));
            poll.in_body = true;
            count -= head;
        }
        poll.left -= count;
        if (poll.left > 0) return;
        poll.in_body = poll.in_flight = false;
        ++answers_;
    }

    std::int64_t interval_;
    int epoll_;
    std::int64_t start_;
    std::int64_t turn_ = 0;
    std::vector<Poll> polls_;
    std::vector<unsigned> by_fd_;
    char buffer_[1 << 18];
    unsigned long long answers_ = 0;
    unsigned long long bytes_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fputs("usage: floor TARGETS PORT INTERVAL_MS\n", stderr);
        return 2;
    }
    static Floor floor(static_cast<unsigned>(std::atoi(argv[1])), static_cast<std::uint16_t>(std::atoi(argv[2])),
                       std::int64_t{std::atoi(argv[3])} * 1'000'000);
    floor.run();
    floor.print();
}
