// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "daemon/io/http.h"

namespace revertd {

class Loop;
class Resolver;
struct LeanShared;

/// The hot path: GET over plain http on kept-alive connections, one per Fetch. The request is rendered once, one read
/// buffer serves all connections, a deadline is a slot timer: once warm, a fetch allocates nothing.
class LeanClient {
  public:
    LeanClient(Loop& loop, Resolver& resolver, std::string user_agent);
    LeanClient(const LeanClient&) = delete;
    LeanClient& operator=(const LeanClient&) = delete;
    /// After all its fetches.
    ~LeanClient();

    /// Errors: a header that would not be one header.
    [[nodiscard]] Result<std::unique_ptr<Fetch>> make_fetch(const HttpTarget& target, const FetchOptions& options);

  private:
    std::unique_ptr<LeanShared> shared_;
};

/// Names are tokens and values printable: nothing in a header can end it.
[[nodiscard]] Result<void> check_headers(const std::vector<HttpHeader>& headers);

}  // namespace revertd
