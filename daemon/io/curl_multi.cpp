// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/curl_multi.h"

#include <curl/curl.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <new>
#include <unordered_map>

#include "daemon/io/limits.h"
#include "daemon/io/loop.h"
#include "daemon/io/poller.h"

namespace revertd {
namespace {

/// Never freed: other users of curl in the process may outlive us.
void init_curl_once() {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to sockets that the peer has closed
    static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (code != CURLE_OK) throw std::bad_alloc();
}

}  // namespace

class CurlMulti::Impl {
  public:
    explicit Impl(Loop& loop) : loop_(loop) {
        init_curl_once();
        multi_ = curl_multi_init();
        if (!multi_) throw std::bad_alloc();
        curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Impl::on_socket);
        curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
        curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Impl::on_timer);
        curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
        curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kCurlIdleConnections);
    }

    ~Impl() {
        curl_multi_cleanup(multi_);
        loop_.cancel(timer_);
    }

    bool add(CURL* easy) { return curl_multi_add_handle(multi_, easy) == CURLM_OK; }

    void remove(CURL* easy) { curl_multi_remove_handle(multi_, easy); }

  private:
    class SocketWatcher final : public Watcher {
      public:
        SocketWatcher(Impl& owner, curl_socket_t fd) : owner_(owner), fd_(fd) {}

        void on_ready(std::uint32_t events) override {
            int flags = 0;
            if (events & EPOLLIN) flags |= CURL_CSELECT_IN;
            if (events & EPOLLOUT) flags |= CURL_CSELECT_OUT;
            if (events & (EPOLLERR | EPOLLHUP)) flags |= CURL_CSELECT_ERR;
            owner_.act(fd_, flags);  // may destroy this watcher
        }

      private:
        Impl& owner_;
        curl_socket_t fd_;
    };

    static int on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) {
        static_cast<Impl*>(self)->watch(fd, what);
        return 0;
    }

    static int on_timer(CURLM*, long timeout_ms, void* self) {
        static_cast<Impl*>(self)->set_timer(timeout_ms);
        return 0;
    }

    /// curl closes its descriptors itself, after it has asked for their removal here.
    void watch(curl_socket_t fd, int what) {
        const auto known = watchers_.find(fd);
        if (what == CURL_POLL_REMOVE) {
            if (known == watchers_.end()) return;
            loop_.poller().remove(fd, *known->second);
            watchers_.erase(known);
            return;
        }
        auto& watcher = known != watchers_.end() ? known->second : watchers_[fd];
        if (!watcher) watcher = std::make_unique<SocketWatcher>(*this, fd);
        std::uint32_t events = 0;
        if (what & CURL_POLL_IN) events |= EPOLLIN;
        if (what & CURL_POLL_OUT) events |= EPOLLOUT;
        // Without room to watch it the transfer ends by its time limit.
        static_cast<void>(loop_.poller().set(fd, events, *watcher));
    }

    void set_timer(long timeout_ms) {
        loop_.cancel(timer_);
        timer_ = TimerId::None;
        if (timeout_ms < 0) return;
        timer_ = loop_.at(loop_.now() + std::chrono::milliseconds(timeout_ms), [this] { act(CURL_SOCKET_TIMEOUT, 0); });
    }

    void act(curl_socket_t fd, int flags) {
        int running = 0;
        curl_multi_socket_action(multi_, fd, flags, &running);
        int queued = 0;
        while (const CURLMsg* message = curl_multi_info_read(multi_, &queued)) {
            if (message->msg != CURLMSG_DONE) continue;
            CURL* easy = message->easy_handle;
            const CURLcode code = message->data.result;
            void* transfer = nullptr;
            curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
            remove(easy);
            static_cast<CurlTransfer*>(transfer)->on_end(code);
        }
    }

    Loop& loop_;
    CURLM* multi_ = nullptr;
    TimerId timer_ = TimerId::None;
    std::unordered_map<curl_socket_t, std::unique_ptr<SocketWatcher>> watchers_;
};

CurlMulti::CurlMulti(Loop& loop) : impl_(std::make_unique<Impl>(loop)) {}

CurlMulti::~CurlMulti() = default;

bool CurlMulti::add(void* easy, CurlTransfer& transfer) {
    curl_easy_setopt(easy, CURLOPT_PRIVATE, static_cast<void*>(&transfer));
    return impl_->add(easy);
}

void CurlMulti::remove(void* easy) {
    impl_->remove(easy);
}

}  // namespace revertd
