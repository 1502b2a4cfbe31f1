// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_http.h"

#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <set>
#include <system_error>
#include <thread>

#include "tests/support/ports.h"
#include "tests/support/wire.h"

namespace revertd::test {
namespace {

/// A test that waits longer has failed; no passing test waits.
constexpr std::chrono::seconds kPatience{10};

[[noreturn]] void throw_errno(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

int bind_unix(const std::string& path) {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) throw_errno("bind to a path");
    return fd;
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

/// Reads one request; `pending` keeps what was read beyond it. False at the end of the connection.
bool read_request(Wire& wire, std::string& pending, FakeRequest& request) {
    char buffer[4096];
    const auto read_more = [&] {
        const std::size_t count = wire.read(buffer, sizeof buffer);
        pending.append(buffer, count);
        return count > 0;
    };
    std::size_t head_end = 0;
    while ((head_end = pending.find("\r\n\r\n")) == std::string::npos) {
        if (!read_more()) return false;
    }
    const std::string head = pending.substr(0, head_end + 2);
    request.method = head.substr(0, head.find(' '));
    const std::size_t path = request.method.size() + 1;
    request.path = head.substr(path, head.find(' ', path) - path);
    for (std::size_t line = head.find("\r\n") + 2; line < head.size();) {
        const std::size_t end = head.find("\r\n", line);
        const std::size_t colon = head.find(':', line);
        const std::size_t value = std::min(head.find_first_not_of(' ', colon + 1), end);
        request.headers[lower(head.substr(line, colon - line))] = head.substr(value, end - value);
        line = end + 2;
    }
    const auto length = request.headers.find("content-length");
    const std::size_t body_bytes = length == request.headers.end() ? 0 : std::stoul(length->second);
    while (pending.size() < head_end + 4 + body_bytes) {
        if (!read_more()) return false;
    }
    request.body = pending.substr(head_end + 4, body_bytes);
    pending.erase(0, head_end + 4 + body_bytes);
    return true;
}

std::string render_chunked(const FakeAnswer& answer) {
    std::string text;
    for (std::size_t at = 0; at < answer.body.size(); at += answer.chunk_bytes) {
        const std::string chunk = answer.body.substr(at, answer.chunk_bytes);
        char size[24];
        std::snprintf(size, sizeof size, "%zx\r\n", chunk.size());
        text += size + chunk + "\r\n";
    }
    return text + "0\r\n\r\n";
}

std::string render(const FakeAnswer& answer) {
    if (!answer.raw.empty()) return answer.raw;
    std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " Scripted\r\n";
    for (const auto& [name, value] : answer.headers) text += name + ": " + value + "\r\n";
    switch (answer.framing) {
        case FakeAnswer::Framing::ContentLength:
            return text + "Content-Length: " + std::to_string(answer.body.size()) + "\r\n\r\n" + answer.body;
        case FakeAnswer::Framing::Chunked:
            return text + "Transfer-Encoding: chunked\r\n\r\n" + render_chunked(answer);
        case FakeAnswer::Framing::UntilClose:
            return text + "Connection: close\r\n\r\n" + answer.body;
    }
    return text;
}

}  // namespace

void Gate::release(std::size_t count) {
    const std::lock_guard lock(mutex_);
    passages_ += count;
    wake_.notify_all();
}

void Gate::open() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    wake_.notify_all();
}

bool Gate::pass(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    if (!wake_.wait(lock, stop, [this] { return is_open_ || passages_ > 0; })) return false;
    if (!is_open_) --passages_;
    return true;
}

FakeAnswer FakeAnswer::hanging() {
    FakeAnswer answer;
    answer.cut_after = 0;
    answer.end = End::Hang;
    return answer;
}

FakeAnswer FakeAnswer::closing() {
    FakeAnswer answer;
    answer.cut_after = 0;
    answer.end = End::Close;
    return answer;
}

FakeAnswer FakeAnswer::resetting() {
    FakeAnswer answer = closing();
    answer.end = End::Reset;
    return answer;
}

class FakeHttp::Impl {
  public:
    explicit Impl(FakeHttpOptions options) : options_(std::move(options)) {
        signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
        if (options_.tls) tls_ = std::make_unique<TlsServer>(options_.tls_name, options_.tls_expired);
        listener_ = options_.unix_socket.empty() ? bind_loopback(port_) : bind_unix(options_.unix_socket);
        if (listen(listener_, 1024) != 0) throw_errno("listen");
        acceptor_ = std::jthread([this](const std::stop_token& stop) { accept_all(stop); });
    }

    ~Impl() {
        acceptor_.request_stop();
        shutdown(listener_, SHUT_RDWR);
        acceptor_.join();
        close(listener_);
        for (std::jthread& server : servers_) server.request_stop();
        drop_connections();
        servers_.clear();
    }

    void drop_connections() {
        const std::lock_guard lock(mutex_);
        for (const int fd : open_) shutdown(fd, SHUT_RDWR);
    }

    void go_deaf() {
        sock_filter drop_all{BPF_RET | BPF_K, 0, 0, 0};
        const sock_fprog program{1, &drop_all};
        const std::lock_guard lock(mutex_);
        for (const int fd : open_) setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
    }

    void set_handler(const std::string& path, Handler handler) {
        const std::lock_guard lock(mutex_);
        routes_[path] = std::move(handler);
    }

    template <class Condition>
    bool wait(Condition condition) const {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, kPatience, condition);
    }

    FakeHttpOptions options_;
    std::uint16_t port_ = 0;
    std::unique_ptr<TlsServer> tls_;
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::map<std::string, Handler> routes_;
    std::vector<FakeRequest> requests_;
    std::set<int> open_;
    std::size_t connections_ = 0;

  private:
    void accept_all(const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0) continue;
            const int on = 1;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            const std::lock_guard lock(mutex_);
            open_.insert(fd);
            servers_.emplace_back(
                [this, fd, number = connections_++](const std::stop_token& own) { serve(fd, number, own); });
        }
    }

    void serve(int fd, std::size_t number, const std::stop_token& stop) {
        {
            const std::unique_ptr<Wire> wire = tls_ ? tls_->accept(fd) : plain_wire(fd);
            std::string pending;
            for (std::size_t count = 0; wire && !stop.stop_requested(); ++count) {
                FakeRequest request;
                request.connection = number;
                request.on_connection = count;
                if (!read_request(*wire, pending, request)) break;
                const FakeAnswer answer = answer_to(request);
                if (!send_answer(*wire, answer, stop) || !end_answer(*wire, fd, answer)) break;
            }
        }
        const std::lock_guard lock(mutex_);
        open_.erase(fd);
        close(fd);
        changed_.notify_all();
    }

    FakeAnswer answer_to(const FakeRequest& request) {
        Handler handler;
        {
            const std::lock_guard lock(mutex_);
            requests_.push_back(request);
            changed_.notify_all();
            auto route = routes_.find(request.path.substr(0, request.path.find('?')));
            if (route == routes_.end()) route = routes_.find("*");
            if (route != routes_.end()) handler = route->second;
        }
        if (handler) return handler(request);
        FakeAnswer unknown;
        unknown.status = 404;
        return unknown;
    }

    static bool send_answer(Wire& wire, const FakeAnswer& answer, const std::stop_token& stop) {
        if (answer.before && !answer.before->pass(stop)) return false;
        const std::string text = render(answer).substr(0, answer.cut_after.value_or(std::string::npos));
        const std::size_t step = answer.write_bytes ? answer.write_bytes : std::max<std::size_t>(text.size(), 1);
        for (std::size_t at = 0; at < text.size(); at += step) {
            if (answer.before_each && !answer.before_each->pass(stop)) return false;
            if (!wire.write(std::string_view(text).substr(at, step))) return false;
        }
        return true;
    }

    /// True if the connection goes on.
    static bool end_answer(Wire& wire, int fd, const FakeAnswer& answer) {
        if (answer.end == FakeAnswer::End::Hang) {
            char ignored[512];
            while (wire.read(ignored, sizeof ignored) > 0) continue;
        }
        if (answer.end == FakeAnswer::End::Reset) {
            const linger at_once{1, 0};
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        }
        return answer.end == FakeAnswer::End::KeepAlive && answer.framing != FakeAnswer::Framing::UntilClose;
    }

    int listener_ = -1;
    std::vector<std::jthread> servers_;
    std::jthread acceptor_;
};

FakeHttp::FakeHttp(FakeHttpOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

FakeHttp::~FakeHttp() = default;

void FakeHttp::on(const std::string& path, FakeAnswer answer) {
    impl_->set_handler(path, [answer = std::move(answer)](const FakeRequest&) { return answer; });
}

void FakeHttp::on(const std::string& path, std::vector<FakeAnswer> answers) {
    auto left = std::make_shared<std::pair<std::mutex, std::vector<FakeAnswer>>>();
    std::reverse(answers.begin(), answers.end());
    left->second = std::move(answers);
    impl_->set_handler(path, [left](const FakeRequest&) {
        const std::lock_guard lock(left->first);
        FakeAnswer next = left->second.back();
        if (left->second.size() > 1) left->second.pop_back();
        return next;
    });
}

void FakeHttp::on(const std::string& path, Handler handler) {
    impl_->set_handler(path, std::move(handler));
}

std::uint16_t FakeHttp::port() const {
    return impl_->port_;
}

std::string FakeHttp::url(const std::string& path) const {
    if (!impl_->options_.unix_socket.empty()) return "http://localhost" + path;
    return (impl_->tls_ ? "https" : "http") + std::string("://127.0.0.1:") + std::to_string(impl_->port_) + path;
}

std::string FakeHttp::certificate() const {
    return impl_->tls_->certificate();
}

std::vector<FakeRequest> FakeHttp::requests() const {
    const std::lock_guard lock(impl_->mutex_);
    return impl_->requests_;
}

std::size_t FakeHttp::connections() const {
    const std::lock_guard lock(impl_->mutex_);
    return impl_->connections_;
}

bool FakeHttp::wait_for_requests(std::size_t count) const {
    return impl_->wait([&] { return impl_->requests_.size() >= count; });
}

bool FakeHttp::wait_until_disconnected() const {
    return impl_->wait([&] { return impl_->open_.empty(); });
}

void FakeHttp::drop_connections() {
    impl_->drop_connections();
}

void FakeHttp::go_deaf() {
    impl_->go_deaf();
}

}  // namespace revertd::test
