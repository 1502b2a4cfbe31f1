// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

#include "core/result.h"
#include "daemon/api/message.h"

namespace revertd::api {

/// Takes a request target (`/api/v1/deployments/d%2F1?limit=5`) apart into the request's path and query. Refused: what
/// does not start with '/', empty and dot segments, bad escapes, control characters, what is not UTF-8, a parameter
/// given twice. A '/' belongs to a segment only as %2F.
[[nodiscard]] Result<void> parse_target(std::string_view target, Request& request);

}  // namespace revertd::api
