// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/http_client.h"

#include <optional>
#include <utility>

#include "daemon/io/lean_client.h"
#include "daemon/io/resolver.h"
#include "daemon/io/secret_files.h"

namespace revertd {

class HttpClient::Impl {
  public:
    Impl(Loop& loop_, const std::string& user_agent_)
        : loop(loop_), user_agent(user_agent_), resolver(loop), secrets(loop), lean(loop, resolver, user_agent) {}

    /// libcurl and the libraries below it cost some MiB: a daemon that only scrapes does without.
    CurlClient& api() {
        if (!curl) curl.emplace(loop, user_agent);
        return *curl;
    }

    Loop& loop;
    std::string user_agent;
    Resolver resolver;
    SecretFiles secrets;
    LeanClient lean;
    std::optional<CurlClient> curl;
};

std::string default_user_agent() {
    return "revertd/" REVERTD_VERSION;
}

HttpClient::HttpClient(Loop& loop, std::string user_agent)
    : impl_(std::make_unique<Impl>(loop, std::move(user_agent))) {}

HttpClient::~HttpClient() = default;

Result<std::unique_ptr<Fetch>> HttpClient::make_fetch(std::string_view url, const FetchOptions& options) {
    constexpr std::string_view kTcp = "tcp://";
    if (url.starts_with(kTcp)) {
        auto target = parse_url("http://" + std::string(url.substr(kTcp.size())));
        if (!target) return target.error();
        FetchOptions connect = options;
        connect.connect_only = true;
        return impl_->lean.make_fetch(*target, connect);
    }
    auto target = parse_url(url);
    if (!target) return target.error();
    const bool is_lean = !target->https && options.unix_socket.empty() && options.proxy.empty();
    return is_lean ? impl_->lean.make_fetch(*target, options) : impl_->api().make_fetch(*target, options);
}

CurlClient& HttpClient::api() {
    return impl_->api();
}

SecretFiles& HttpClient::secrets() {
    return impl_->secrets;
}

}  // namespace revertd
