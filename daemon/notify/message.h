// SPDX-License-Identifier: Apache-2.0
// What a page looks like to each receiver. Pure: a record in, a request out.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "core/record.h"

namespace revertd {

/// A page on its way: the record's fact with what makes it unique.
struct Message {
    std::uint64_t seq = 0;  ///< of the record: constant over retries and restarts
    WallTime wall{};
    Paged page;
};

/// One incident is one alert at the receiver, however many pages it sends; a page without one stands alone.
[[nodiscard]] std::string dedup_key(const Message& message);

/// PagerDuty Events API v2: trigger, or resolve for the kind `resolve`. At most 512 KB: details are cut.
[[nodiscard]] std::string pagerduty_body(const Message& message, const std::string& routing_key,
                                         const std::string& source);

/// The generic webhook: all of the page as JSON.
[[nodiscard]] std::string webhook_body(const Message& message, const std::string& source);

/// `sha256=<hex>` of HMAC-SHA256 over the body, for X-Revertd-Signature-256.
[[nodiscard]] std::string signature(const std::string& secret, const std::string& body);

}  // namespace revertd
