// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/curl_client.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "daemon/io/curl_easy.h"
#include "daemon/io/curl_fetch.h"
#include "daemon/io/curl_multi.h"
#include "daemon/io/http_text.h"
#include "daemon/io/lean_client.h"
#include "daemon/io/loop.h"
#include "daemon/io/mail_sender.h"

namespace revertd {
namespace {

std::string to_lower_copy(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) c = to_lower(c);
    return lower;
}

/// One request that gathers its whole answer.
class Call final : public CurlTransfer, CurlReceiver {
  public:
    using OnEnd = std::function<void(HttpResponse)>;

    Call(const HttpRequest& request, const HttpTarget& target, const std::string& user_agent)
        : body_(request.body),
          max_body_bytes_(request.max_body_bytes),
          easy_({target, request.tls, request.unix_socket, request.proxy}, user_agent, *this) {
        easy_.set_headers(request.headers);
        easy_.set_method(request.method, body_);
        easy_.set_limits(request.connect_limit, request.whole_limit);
        const bool is_safe = request.method == "GET" || request.method == "HEAD" || request.may_repeat;
        if (!is_safe) easy_.use_own_connection();
    }

    [[nodiscard]] void* handle() const { return easy_.handle(); }

    void set_on_end(OnEnd on_end) { on_end_ = std::move(on_end); }

  private:
    bool on_head_line(std::string_view line) override {
        head_bytes_ += line.size();
        if (head_bytes_ > kMaxHeadBytes) return refuse("head beyond its limit");
        const std::size_t colon = line.find(':');
        if (line.starts_with("HTTP/")) {
            response_.headers.clear();  // an interim answer came before
        } else if (colon != std::string_view::npos) {
            response_.headers[to_lower_copy(line.substr(0, colon))] = trim(line.substr(colon + 1));
        }
        return true;
    }

    bool on_body(std::span<const char> bytes) override {
        if (bytes.size() > max_body_bytes_ - response_.body.size()) return refuse("body beyond its limit");
        response_.body.append(bytes.data(), bytes.size());
        return true;
    }

    bool refuse(const char* why) {
        response_.error = FetchError::TooLarge;
        response_.detail = why;
        return false;
    }

    /// The callback owns what keeps this object alive, so it is the last thing touched.
    void on_end(int code) override {
        response_.status = easy_.status();
        response_.request_sent = easy_.request_sent();
        if (response_.error == FetchError::None) {
            response_.error = easy_.classify(code);
            if (code != 0) response_.detail = easy_.describe(code);
        }
        std::exchange(on_end_, nullptr)(std::move(response_));
    }

    const std::string body_;
    const std::size_t max_body_bytes_;
    CurlEasy easy_;
    OnEnd on_end_;
    HttpResponse response_;
    std::size_t head_bytes_ = 0;
};

bool is_address(std::string_view text) {
    const auto at = text.find('@');
    if (at == std::string_view::npos || at == 0 || at + 1 == text.size() || text.size() > 254) return false;
    return std::none_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) <= 32 || c == '<' || c == '>' || c == ',' || c == ';' || c == '"';
    });
}

}  // namespace

class CurlClient::Impl {
  public:
    Impl(Loop& loop_, std::string user_agent_)
        : loop(loop_), user_agent(std::move(user_agent_)), multi(loop_), mails(loop_) {}

    ~Impl() {
        for (const auto& [id, call] : calls) multi.remove(call->handle());
    }

    Result<RequestId> start(std::unique_ptr<Call> call, Callback callback) {
        const RequestId id{++last_id};
        call->set_on_end([this, id, callback = std::move(callback)](HttpResponse response) {
            const auto ended = calls.extract(id);
            callback(std::move(response));
        });
        if (!multi.add(call->handle(), *call)) return Error(ErrorCode::Limit, "curl takes no further transfer");
        calls.emplace(id, std::move(call));
        return id;
    }

    Loop& loop;
    std::string user_agent;
    CurlMulti multi;
    MailSender mails;
    std::unordered_map<RequestId, std::unique_ptr<Call>> calls;
    std::uint64_t last_id = 0;
};

CurlClient::CurlClient(Loop& loop, std::string user_agent)
    : impl_(std::make_unique<Impl>(loop, std::move(user_agent))) {}

CurlClient::~CurlClient() = default;

Result<CurlClient::RequestId> CurlClient::fetch(const HttpRequest& request, Callback callback) {
    auto target = parse_url(request.url);
    if (!target) return target.error();
    if (!is_token(request.method)) return Error(ErrorCode::Invalid, "HTTP method with forbidden characters");
    if (auto checked = check_headers(request.headers); !checked) return checked.error();
    return impl_->start(std::make_unique<Call>(request, *target, impl_->user_agent), std::move(callback));
}

Result<void> CurlClient::send_mail(const MailRequest& request, MailCallback callback) {
    if (!is_address(request.from) || !is_address(request.to)) return Error(ErrorCode::Invalid, "no address of mail");
    if (!request.server.starts_with("smtp://") && !request.server.starts_with("smtps://"))
        return Error(ErrorCode::Invalid, "no mail server");
    const std::string_view after = std::string_view(request.server).substr(request.server.find("//") + 2);
    HttpTarget target;
    target.url = request.server;
    target.host = after.substr(0, after.find_first_of(":/"));
    return impl_->mails.send(request, std::move(target), impl_->user_agent, std::move(callback));
}

void CurlClient::cancel(RequestId request) {
    const auto found = impl_->calls.find(request);
    if (found == impl_->calls.end()) return;
    impl_->multi.remove(found->second->handle());
    impl_->calls.erase(found);
}

Result<std::unique_ptr<Fetch>> CurlClient::make_fetch(const HttpTarget& target, const FetchOptions& options) {
    if (auto checked = check_headers(options.headers); !checked) return checked.error();
    if (!is_field_value(options.accept)) return Error(ErrorCode::Invalid, "Accept has control characters");
    return std::unique_ptr<Fetch>(
        std::make_unique<CurlFetch>(impl_->loop, impl_->multi, impl_->user_agent, target, options));
}

}  // namespace revertd
