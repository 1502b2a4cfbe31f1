// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/mail_sender.h"

#include <curl/curl.h>
#include <pthread.h>
#include <sys/socket.h>

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "daemon/io/curl_easy.h"
#include "daemon/io/limits.h"
#include "daemon/io/loop.h"

namespace revertd {

namespace {

constexpr Duration kGoodbye = 200ms;  // for the server's reply to QUIT, past the limit of the mail
constexpr Duration kFarewell = 1s;    // for threads whose conversations have been cut

}  // namespace

/// Outlives the sender while a thread ends. What a thread touches stands under the mutex.
struct MailSender::Shared {
    /// One conversation. The answer is the server's last reply.
    class Mail final : CurlReceiver {
      public:
        Mail(const MailRequest& request, const HttpTarget& target, const std::string& user_agent)
            : text_(request.text), easy_({target, {request.ca_file, {}, {}, false}, {}, {}}, user_agent, *this) {
            easy_.set_mail(request.from, request.to, text_);
            easy_.set_login(request.user, request.password, request.starttls && !request.server.starts_with("smtps:"));
            easy_.set_limits(kApiConnectLimit, request.whole_limit);
            easy_.use_own_connection();
            easy_.watch_socket([this](int fd) { opened(fd); });
        }

        [[nodiscard]] MailResult perform() {
            const int code = curl_easy_perform(easy_.handle());
            MailResult result;
            result.accepted = code == 0;
            result.code = easy_.status();
            result.no_starttls = easy_.lacks_tls(code);
            result.timed_out = easy_.classify(code) == FetchError::Timeout;
            if (code != 0) result.detail = easy_.describe(code);
            return result;
        }

        /// Whatever curl waits for is over at once. From any thread.
        void cut() {
            const std::lock_guard lock(mutex_);
            cut_ = true;
            if (fd_ >= 0) ::shutdown(fd_, SHUT_RDWR);
        }

      private:
        void opened(int fd) {
            const std::lock_guard lock(mutex_);
            fd_ = fd;
            if (cut_ && fd_ >= 0) ::shutdown(fd_, SHUT_RDWR);
        }

        bool on_head_line(std::string_view) override { return true; }

        bool on_body(std::span<const char>) override { return true; }

        std::mutex mutex_;
        int fd_ = -1;
        bool cut_ = false;
        const std::string text_;
        CurlEasy easy_;
    };

    struct Sending {
        std::shared_ptr<Mail> mail;
        Callback callback;
        TimerId limit;
    };

    explicit Shared(Loop& loop_) : loop(loop_) {}

    static void work(const std::shared_ptr<Shared>& shared, std::shared_ptr<Mail> mail, std::uint64_t id) {
        ::pthread_setname_np(::pthread_self(), "mail");
        auto result = std::make_shared<MailResult>(mail->perform());
        mail.reset();
        const std::lock_guard lock(shared->mutex);
        // With the mutex held: whoever ends the sender waits, and the loop outlives it.
        if (!shared->ended) shared->loop.post([shared, id, result] { shared->finish(id, std::move(*result)); });
        --shared->working;
        shared->rest.notify_all();
    }

    void finish(std::uint64_t id, MailResult result) {
        const auto found = sending.extract(id);
        if (found.empty()) return;
        loop.cancel(found.mapped().limit);
        found.mapped().callback(std::move(result));
    }

    Loop& loop;
    std::map<std::uint64_t, Sending> sending;  // of the loop's thread only
    std::uint64_t last_id = 0;
    std::mutex mutex;
    std::condition_variable rest;  // a thread has ended
    int working = 0;
    bool ended = false;
};

MailSender::MailSender(Loop& loop) : loop_(loop), shared_(std::make_shared<Shared>(loop)) {}

MailSender::~MailSender() {
    for (auto& [id, one] : shared_->sending) {
        loop_.cancel(one.limit);
        one.mail->cut();
    }
    shared_->sending.clear();
    std::unique_lock lock(shared_->mutex);
    shared_->ended = true;
    // Libraries are put away when the process ends; a thread that only a name server holds is not waited for.
    shared_->rest.wait_for(lock, kFarewell, [this] { return shared_->working == 0; });
}

Result<void> MailSender::send(const MailRequest& request, HttpTarget target, const std::string& user_agent,
                              Callback callback) {
    const std::uint64_t id = ++shared_->last_id;
    auto mail = std::make_shared<Shared::Mail>(request, target, user_agent);
    const std::lock_guard lock(shared_->mutex);
    try {
        std::thread(Shared::work, shared_, mail, id).detach();
        ++shared_->working;
    } catch (const std::system_error&) {
        return Error(ErrorCode::Limit, "no thread for the mail");
    }
    const TimerId limit = loop_.at(loop_.now() + request.whole_limit + kGoodbye, [cut = std::weak_ptr(mail)] {
        if (const auto one = cut.lock()) one->cut();
    });
    shared_->sending.emplace(id, Shared::Sending{std::move(mail), std::move(callback), limit});
    return {};
}

}  // namespace revertd
