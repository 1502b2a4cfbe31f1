// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/curl_fetch.h"

#include <curl/curl.h>

#include <cassert>
#include <utility>

#include "daemon/io/http_text.h"
#include "daemon/io/limits.h"
#include "daemon/io/loop.h"

namespace revertd {

CurlFetch::CurlFetch(Loop& loop, CurlMulti& multi, const std::string& user_agent, const HttpTarget& target,
                     const FetchOptions& options)
    : loop_(loop),
      multi_(multi),
      max_body_bytes_(options.max_body_bytes ? options.max_body_bytes : kMaxBodyBytes),
      easy_({target, options.tls, options.unix_socket, options.proxy}, user_agent, *this) {
    std::vector<HttpHeader> headers = options.headers;
    if (!has_header(headers, "accept")) headers.emplace_back("Accept", options.accept);
    easy_.set_headers(headers);
    if (!options.keep_alive) easy_.use_own_connection();
}

CurlFetch::~CurlFetch() {
    CurlFetch::cancel();
}

void CurlFetch::start(Time deadline, Sink& sink) {
    assert(!sink_);
    sink_ = &sink;
    refused_ = FetchError::None;
    detail_.clear();
    head_bytes_ = body_bytes_ = 0;
    is_head_told_ = false;
    const Duration whole = deadline - loop_.now();
    easy_.set_limits(whole, whole);
    if (multi_.add(easy_.handle(), *this)) return;
    detail_ = "curl takes no further transfer";
    failure_ = loop_.at(loop_.now(), [this] { finish(FetchError::LocalLimit); });
}

void CurlFetch::cancel() {
    if (!sink_) return;
    loop_.cancel(std::exchange(failure_, TimerId::None));
    multi_.remove(easy_.handle());
    sink_ = nullptr;
}

bool CurlFetch::on_head_line(std::string_view line) {
    head_bytes_ += line.size();
    if (head_bytes_ > kMaxHeadBytes) return refuse(FetchError::TooLarge, "head beyond its limit");
    return true;
}

bool CurlFetch::on_body(std::span<const char> bytes) {
    tell_head();
    body_bytes_ += bytes.size();
    if (body_bytes_ > max_body_bytes_) return refuse(FetchError::TooLarge, "body beyond its limit");
    return sink_->body(bytes) || refuse(FetchError::Aborted, {});
}

bool CurlFetch::refuse(FetchError error, std::string detail) {
    refused_ = error;
    detail_ = std::move(detail);
    return false;
}

void CurlFetch::tell_head() {
    if (std::exchange(is_head_told_, true)) return;
    sink_->head(easy_.status(), easy_.content_type(), easy_.content_length());
}

void CurlFetch::on_end(int code) {
    if (refused_ != FetchError::None) return finish(refused_);
    if (code == CURLE_OK) {
        tell_head();
    } else {
        detail_ = easy_.describe(code);
    }
    finish(easy_.classify(code));
}

void CurlFetch::finish(FetchError error) {
    failure_ = TimerId::None;
    Sink* sink = std::exchange(sink_, nullptr);
    sink->done(error, loop_.now());
}

}  // namespace revertd
