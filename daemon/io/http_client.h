// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "core/result.h"
#include "daemon/io/curl_client.h"
#include "daemon/io/http.h"

namespace revertd {

class Loop;
class SecretFiles;

/// The process's own name in User-Agent, "revertd/<version>".
[[nodiscard]] std::string default_user_agent();

/// The door to HTTP: the lean client for what is asked every interval over plain http, curl for everything else.
class HttpClient {
  public:
    explicit HttpClient(Loop& loop, std::string user_agent = default_user_agent());
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;
    /// After all its fetches.
    ~HttpClient();

    /// A GET to be repeated; for tcp://host:port a connection that is closed at once, `done` without `head`. Errors:
    /// URL or header refused.
    [[nodiscard]] Result<std::unique_ptr<Fetch>> make_fetch(std::string_view url, const FetchOptions& options);

    /// Single requests.
    [[nodiscard]] CurlClient& api();

    /// Where credentials come from.
    [[nodiscard]] SecretFiles& secrets();

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace revertd
