// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/lean_client.h"

#include <utility>

#include "daemon/io/http_text.h"
#include "daemon/io/lean_fetch.h"

namespace revertd {

LeanClient::LeanClient(Loop& loop, Resolver& resolver, std::string user_agent)
    : shared_(new LeanShared{loop, resolver, std::move(user_agent), {}}) {}

LeanClient::~LeanClient() = default;

Result<std::unique_ptr<Fetch>> LeanClient::make_fetch(const HttpTarget& target, const FetchOptions& options) {
    if (auto checked = check_headers(options.headers); !checked) return checked.error();
    if (!is_field_value(options.accept)) return Error(ErrorCode::Invalid, "Accept has control characters");
    return std::unique_ptr<Fetch>(std::make_unique<LeanFetch>(*shared_, target, options));
}

Result<void> check_headers(const std::vector<HttpHeader>& headers) {
    for (const auto& [name, value] : headers) {
        if (!is_token(name)) return Error(ErrorCode::Invalid, "header name has forbidden characters or is empty");
        if (!is_field_value(value)) {
            return Error(ErrorCode::Invalid, "header " + name + " has control characters in its value");
        }
    }
    return {};
}

}  // namespace revertd
