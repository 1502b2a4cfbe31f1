// SPDX-License-Identifier: Apache-2.0
// What an HTTP answer means for a call that changes something: one table for actions and notifications.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/clock.h"

namespace revertd {

enum class AnswerClass : std::uint8_t {
    Acked,     ///< accepted; whether it helped, `confirm` says
    NotSent,   ///< nothing reached the server: again with backoff, same key
    NotDone,   ///< the server says "not now": again after Retry-After or backoff, until the deadline
    Unknown,   ///< it may have been done: ask the platform, never again blindly
    Conflict,  ///< somebody else acted: look again, do not force
    Final      ///< refused for good: a person must read the body
};

/// 500 and 503 are `NotDone` for a notification (its receiver knows duplicates by key), `Unknown` for an action.
enum class CallPurpose : std::uint8_t { Action, Notification };

/// How far a request had come when the transport failed.
enum class TransportPhase : std::uint8_t {
    Connecting,  ///< name resolution, connect, TLS handshake: no byte of the request left
    Sending,     ///< a part of it may have left
    Waiting      ///< all of it left; no (whole) answer came
};

[[nodiscard]] AnswerClass classify_status(int status, CallPurpose purpose);
[[nodiscard]] AnswerClass classify_failure(TransportPhase phase);

/// The text of Retry-After: seconds or an HTTP date; nothing for anything else. Never negative, at most a day.
/// `Sun, 06 Nov 1994 08:49:37 GMT`, the only form that is sent today.
[[nodiscard]] std::optional<WallTime> http_date(std::string_view text);

[[nodiscard]] std::optional<Duration> retry_after(std::string_view header, WallTime now);

/// Pause before try number `tries` + 1 (from 1): full jitter, base 0.5 s, factor 2, cap 30 s; `random` from [0, 1).
[[nodiscard]] Duration backoff(int tries, double random);

[[nodiscard]] std::string_view to_string(AnswerClass answer);

}  // namespace revertd
