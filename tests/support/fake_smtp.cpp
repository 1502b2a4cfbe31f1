// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_smtp.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <mutex>
#include <set>
#include <thread>

#include "tests/support/ports.h"
#include "tests/support/wire.h"

namespace revertd::test {

class FakeSmtp::Impl {
  public:
    Impl() : listener_(bind_loopback(port_)) {
        ::listen(listener_, 16);
        accepting_ = std::thread([this] { accept_all(); });
    }

    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    ~Impl() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
            for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
        }
        ::shutdown(listener_, SHUT_RDWR);
        accepting_.join();
        for (std::thread& thread : talking_) thread.join();
        ::close(listener_);
    }

    void set_trouble(std::optional<SmtpTrouble> trouble) {
        const std::lock_guard lock(mutex_);
        trouble_ = std::move(trouble);
    }

    [[nodiscard]] std::uint16_t port() const { return port_; }

    [[nodiscard]] std::vector<std::string> mails() const {
        const std::lock_guard lock(mutex_);
        return mails_;
    }

  private:
    void accept_all() {
        for (;;) {
            const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0) return;
            const std::lock_guard lock(mutex_);
            if (stopping_) return static_cast<void>(::close(fd));
            open_.insert(fd);
            talking_.emplace_back([this, fd] { talk(fd); });
        }
    }

    void talk(int fd) {
        const std::unique_ptr<Wire> wire = plain_wire(fd);
        std::string received, text;
        bool in_text = false;
        bool goes_on = answer(*wire, "connect", "220 fake ready");
        while (goes_on) {
            const std::optional<std::string> line = next_line(*wire, received);
            if (!line) break;
            if (in_text && *line != ".") {
                text += *line + "\n";
                goes_on = !trouble_at("text") || answer(*wire, "text", {});
                continue;
            }
            goes_on = in_text ? end_of_text(*wire, text) : command(*wire, *line);
            in_text = !in_text && line->starts_with("DATA") && !trouble_at("DATA");
        }
        const std::lock_guard lock(mutex_);
        open_.erase(fd);
        ::close(fd);
    }

    bool command(Wire& wire, const std::string& line) {
        const std::string verb = line.substr(0, 4);
        if (verb == "QUIT") return wire.write("221 bye\r\n"), false;
        return answer(wire, verb, verb == "DATA" ? "354 go on" : "250 fine");
    }

    bool end_of_text(Wire& wire, std::string& text) {
        const auto trouble = trouble_at(".");
        if (!trouble || trouble->how != SmtpTrouble::How::Replies) {
            const std::lock_guard lock(mutex_);
            mails_.push_back(text);
        }
        text.clear();
        return answer(wire, ".", "250 taken");
    }

    /// False: the conversation is over.
    bool answer(Wire& wire, const std::string& at, const std::string& fine) {
        const auto trouble = trouble_at(at);
        if (!trouble) return wire.write(fine + "\r\n");
        if (trouble->how == SmtpTrouble::How::Replies) return wire.write(trouble->reply + "\r\n");
        std::array<char, 512> rest{};
        while (trouble->how == SmtpTrouble::How::Hangs && wire.read(rest.data(), rest.size()) > 0) {
        }
        return false;
    }

    [[nodiscard]] std::optional<SmtpTrouble> trouble_at(const std::string& at) const {
        const std::lock_guard lock(mutex_);
        return trouble_ && trouble_->at == at ? trouble_ : std::nullopt;
    }

    static std::optional<std::string> next_line(Wire& wire, std::string& received) {
        std::size_t end = 0;
        while ((end = received.find("\r\n")) == std::string::npos) {
            std::array<char, 4096> bytes{};
            const std::size_t size = wire.read(bytes.data(), bytes.size());
            if (size == 0) return std::nullopt;
            received.append(bytes.data(), size);
        }
        std::string line = received.substr(0, end);
        received.erase(0, end + 2);
        return line;
    }

    mutable std::mutex mutex_;
    std::optional<SmtpTrouble> trouble_;
    std::vector<std::string> mails_;
    std::set<int> open_;
    bool stopping_ = false;
    std::vector<std::thread> talking_;  // only the accepting thread adds to it
    std::uint16_t port_ = 0;
    int listener_;
    std::thread accepting_;
};

FakeSmtp::FakeSmtp() : impl_(std::make_unique<Impl>()) {}

FakeSmtp::~FakeSmtp() = default;

void FakeSmtp::set_trouble(std::optional<SmtpTrouble> trouble) {
    impl_->set_trouble(std::move(trouble));
}

std::uint16_t FakeSmtp::port() const {
    return impl_->port();
}

std::vector<std::string> FakeSmtp::mails() const {
    return impl_->mails();
}

}  // namespace revertd::test
