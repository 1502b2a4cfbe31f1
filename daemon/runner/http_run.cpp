// SPDX-License-Identifier: Apache-2.0
#include "daemon/runner/http_run.h"

#include <curl/curl.h>
#include <poll.h>

#include <algorithm>
#include <random>

#include "actions/answers.h"
#include "daemon/io/system_clock.h"
#include "daemon/runner/limits.h"
#include "daemon/runner/output.h"

namespace revertd::runner {
namespace {

long to_ms(Duration duration) {
    // Rounded up: a poll that returns half a millisecond early would spin until it is due.
    return static_cast<long>(std::chrono::ceil<std::chrono::milliseconds>(duration).count());
}

class HttpRun final : public Run {
  public:
    HttpRun(CURLM* multi, HttpCall call, Duration deadline)
        : multi_(multi),
          call_(std::move(call)),
          deadline_(deadline),
          random_(std::random_device{}()),
          answer_(kOutputTail) {}

    ~HttpRun() override { close(); }

    void look(Duration now) override {
        if (finished_ || easy_ != nullptr) return;
        if (now >= deadline_) return finish(StepState::Failed, "not done by the deadline; last: " + reason_);
        if (now >= next_try_) send(now);
    }

    [[nodiscard]] Duration wake_in(Duration now) const override {
        return easy_ != nullptr ? Duration::max() : std::min(next_try_, deadline_) - now;
    }

    void add_descriptors(std::vector<int>&) const override {}  // HttpEngine waits for them

    void stop(Duration, const std::string& reason) override {
        const bool in_flight = easy_ != nullptr;
        close();
        finish(in_flight ? StepState::Unknown : StepState::Failed, reason);
    }

    [[nodiscard]] bool finished() const override { return finished_; }

    [[nodiscard]] Receipt receipt() const override {
        Receipt receipt;
        receipt.state = state_;
        receipt.reason = reason_;
        if (status_ != 0) receipt.exit = status_;
        receipt.output = printable(answer_.text());
        return receipt;
    }

    /// The transfer has ended.
    void on_done(CURLcode code, Duration now, WallTime wall) {
        long status = 0;
        curl_off_t before_request = 0;
        curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(easy_, CURLINFO_PRETRANSFER_TIME_T, &before_request);
        curl_header* header = nullptr;
        std::optional<Duration> pause;
        if (curl_easy_header(easy_, "Retry-After", 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
            pause = retry_after(header->value, wall);
        close();

        status_ = code == CURLE_OK ? static_cast<int>(status) : 0;
        if (code == CURLE_OK)
            return judge(classify_status(status_, CallPurpose::Action), "HTTP status " + std::to_string(status_), now,
                         pause);
        // libcurl notes this time when name, TCP and TLS are done, right before the first byte of the request.
        const auto phase = before_request == 0 ? TransportPhase::Connecting : TransportPhase::Waiting;
        const bool never_possible = code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL;
        if (phase == TransportPhase::Connecting && never_possible)  // an answer that is no HTTP is "unsupported", too
            return judge(AnswerClass::Final, curl_easy_strerror(code), now, {});
        judge(classify_failure(phase), curl_easy_strerror(code), now, {});
    }

    void send(Duration now) {
        ++tries_;
        answer_ = OutputTail(kOutputTail);
        easy_ = curl_easy_init();
        for (const auto& [name, value] : call_.headers)
            headers_ = curl_slist_append(headers_, (name + ": " + value).c_str());
        headers_ = curl_slist_append(headers_, "Expect:");  // no pause before a long body
        const auto set = [this](CURLoption option, auto value) { curl_easy_setopt(easy_, option, value); };
        set(CURLOPT_URL, call_.url.c_str());
        set(CURLOPT_CUSTOMREQUEST, call_.method.c_str());
        set(CURLOPT_POSTFIELDS, call_.body.c_str());
        set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call_.body.size()));
        set(CURLOPT_HTTPHEADER, headers_);
        set(CURLOPT_USERAGENT, "revertd-runner");
        set(CURLOPT_PROTOCOLS_STR, "http,https");
        set(CURLOPT_FOLLOWLOCATION, 0L);
        set(CURLOPT_PROXY, "");  // a watchdog does not depend on a proxy by accident
        set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
        set(CURLOPT_NOSIGNAL, 1L);
        // A reused connection or HTTP/2 lets libcurl send a request again by itself: at most once is ours to decide.
        set(CURLOPT_FRESH_CONNECT, 1L);
        set(CURLOPT_FORBID_REUSE, 1L);
        set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
        set(CURLOPT_CONNECTTIMEOUT_MS, to_ms(kHttpConnect));
        set(CURLOPT_TIMEOUT_MS, std::max(1L, to_ms(deadline_ - now)));
        set(CURLOPT_PRIVATE, this);
        set(CURLOPT_WRITEDATA, &answer_);
        set(CURLOPT_WRITEFUNCTION, &HttpRun::receive);
        curl_multi_add_handle(multi_, easy_);
    }

  private:
    static std::size_t receive(const char* bytes, std::size_t size, std::size_t count, OutputTail* answer) {
        answer->append({bytes, size * count});
        return size * count;
    }

    void judge(AnswerClass answer, const std::string& words, Duration now, std::optional<Duration> pause) {
        switch (answer) {
            case AnswerClass::Acked:
                return finish(StepState::Done, {});
            case AnswerClass::NotSent:
            case AnswerClass::NotDone:
                reason_ = words;
                next_try_ = now + pause.value_or(backoff(tries_, std::uniform_real_distribution<>(0, 1)(random_)));
                return;
            case AnswerClass::Unknown:
                return finish(StepState::Unknown, words);
            case AnswerClass::Conflict:
                return finish(StepState::Failed, words + ": somebody else acted");
            case AnswerClass::Final:
                return finish(StepState::Failed, words);
        }
    }

    void finish(StepState state, const std::string& reason) {
        state_ = state;
        reason_ = reason;
        finished_ = true;
    }

    void close() {
        if (easy_ != nullptr) {
            curl_multi_remove_handle(multi_, easy_);
            curl_easy_cleanup(easy_);
        }
        curl_slist_free_all(headers_);
        easy_ = nullptr;
        headers_ = nullptr;
    }

    CURLM* multi_;
    HttpCall call_;
    Duration deadline_;
    std::minstd_rand random_;
    CURL* easy_ = nullptr;
    curl_slist* headers_ = nullptr;
    OutputTail answer_;
    int tries_ = 0;
    Duration next_try_{};
    int status_ = 0;
    StepState state_ = StepState::Unknown;
    std::string reason_;
    bool finished_ = false;
};

/// There is no libcurl yet, so there is no transfer.
void wait_without(const std::vector<HttpEngine::Wanted>& descriptors, int ms) {
    std::vector<pollfd> waited;
    for (const auto& wanted : descriptors) {
        const int events = POLLIN | (wanted.writing ? POLLOUT : 0);
        waited.push_back({wanted.fd, static_cast<short>(events), 0});
    }
    ::poll(waited.data(), waited.size(), ms);
}

}  // namespace

HttpEngine::~HttpEngine() {
    if (multi_ == nullptr) return;
    curl_multi_cleanup(multi_);
    curl_global_cleanup();
}

void HttpEngine::prepare() {
    if (multi_ != nullptr) return;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    multi_ = curl_multi_init();
}

void HttpEngine::wait(const std::vector<Wanted>& descriptors, Duration timeout) {
    std::vector<curl_waitfd> waited;
    for (const Wanted& wanted : descriptors) {
        const int events = CURL_WAIT_POLLIN | (wanted.writing ? CURL_WAIT_POLLOUT : 0);
        waited.push_back({wanted.fd, static_cast<short>(events), 0});
    }
    const long ms = std::clamp(to_ms(std::min(timeout, Duration(1h))), 0L, 3'600'000L);
    if (multi_ == nullptr) return wait_without(descriptors, static_cast<int>(ms));
    curl_multi_poll(multi_, waited.data(), static_cast<unsigned>(waited.size()), static_cast<int>(ms), nullptr);
    int running = 0;
    curl_multi_perform(multi_, &running);
    const WallTime wall = SystemClock().now().wall;
    for (CURLMsg* message = nullptr; (message = curl_multi_info_read(multi_, &running)) != nullptr;) {
        if (message->msg != CURLMSG_DONE) continue;
        HttpRun* run = nullptr;
        const CURLcode code = message->data.result;  // the message is gone with its handle
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &run);
        run->on_done(code, since_boot(), wall);
    }
}

std::unique_ptr<Run> HttpEngine::start(const HttpCall& call, Duration now, Duration deadline) {
    prepare();
    auto run = std::make_unique<HttpRun>(multi_, call, deadline);
    run->send(now);
    return run;
}

}  // namespace revertd::runner
