// SPDX-License-Identifier: Apache-2.0
// What a page is, and what all receivers share of it. Pure: a record in, text out; the bodies are in bodies.h.
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
    std::string note = {};  ///< beside the page: which channel failed before this one

    [[nodiscard]] bool resolves() const { return page.kind == "resolve"; }

    /// Of the page's facts; empty if it is not there.
    [[nodiscard]] std::string fact(std::string_view name) const;
};

/// One incident is one alert at the receiver, however many pages it sends; a page without one stands alone.
[[nodiscard]] std::string dedup_key(const Message& message);

/// The same for every try of the same page: `dedup_key`/`seq`.
[[nodiscard]] std::string delivery_key(const Message& message);

/// Where an incident is shown, under the address at which people reach the daemon; empty without either.
[[nodiscard]] std::string incident_link(const std::string& external_url, const std::string& incident);

/// `incident i-7, severity P1, from v2, to v1, owner payments`, without links: a line of a message.
[[nodiscard]] std::string fact_line(const Message& message);

/// The commands that answer it, one a line, where an answer is asked for; else empty.
[[nodiscard]] std::string how_to_answer(const Message& message);

/// As a part of a URL: all but letters, digits, `-`, `.`, `_` and `~` by their codes.
[[nodiscard]] std::string percent_encoded(const std::string& text);

/// `sha256=<hex>` of HMAC-SHA256 over the body, for X-Revertd-Signature-256.
[[nodiscard]] std::string signature(const std::string& secret, const std::string& body);

}  // namespace revertd
