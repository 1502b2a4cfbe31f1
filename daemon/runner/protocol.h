// SPDX-License-Identifier: Apache-2.0
// Between the daemon and revertd-runner: JSON objects, one a line, over a unix stream socket; several may be in flight.
//
//   request  = start | query | stop | probe | prepare                ; "id" is the client's, any number up to 2^63
//   start    = { "id", "do": "start", "key", "digest", "name", "deadline_ms", "context"?, exec | http }
//   query    = { "id", "do": "query", "key", "wait"?: bool }         ; wait: answered when it no longer runs. An
//                                                                      empty key asks for "newest" alone
//   stop     = { "id", "do": "stop",  "key" }                        ; SIGTERM to the group, SIGKILL after the grace
//   probe    = { "id", "do": "probe", "deadline_ms", exec }          ; leaves no receipt
//   prepare  = { "id", "do": "prepare" }                              ; http steps may come: what they need is loaded
//   exec     = "exec": { "argv": [text, ...], "cwd": text, "env": [[name, value], ...] }
//   http     = "http": { "method", "url", "headers": [[name, value], ...], "body" }
//
//   answer   = { "id", receipt | result | "error": text }
//   receipt  = "receipt": { "state", "exit"?, "reason"?, "output"?, "survivors"?, "repeated"?, "newest"?,
//   "started_ms"?, "ended_ms"? } result   = "result": { "exit", "output", "error"? }              ; of a probe
//
// A start is answered once: when the step has ended, or at once when it was refused. By then its receipt is on disk.
// An answer with "error" alone means that the request was not understood; a line that is no JSON ends the connection.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "actions/step.h"
#include "core/result.h"
#include "daemon/runner/receipt.h"

namespace revertd::runner {

struct StartRequest {
    std::string key, digest, name, context;
    Duration deadline{};
    std::variant<ExecCall, HttpCall> call;
};

struct QueryRequest {
    std::string key;
    bool wait = false;
};

struct StopRequest {
    std::string key;
};

struct ProbeRequest {
    ExecCall call;
    Duration deadline{};
};

struct PrepareRequest {};

struct Request {
    std::uint64_t id = 0;
    std::variant<StartRequest, QueryRequest, StopRequest, ProbeRequest, PrepareRequest> what;
};

struct RequestError {
    std::string words;
};

struct Answer {
    std::uint64_t id = 0;
    std::variant<Receipt, ProbeResult, RequestError> what;
};

/// What is durable before a step starts.
struct StartRecord {
    std::string key, digest, name;
    pid_t pid = 0;                  ///< leader of its process group; 0: an http step
    std::uint64_t start_ticks = 0;  ///< of the pid (/proc/PID/stat field 22): tells it from a later one
    std::string boot_id;            ///< since when both numbers mean something
    Duration deadline{};            ///< CLOCK_BOOTTIME
    WallTime started{};
};

/// With the newline. An error is text that is not UTF-8, or too long for a line.
[[nodiscard]] Result<std::string> encode(const Request& request);
[[nodiscard]] std::string encode(const Answer& answer);

/// The line without its newline. `NotFound`: it has an id (given back in `id`), but makes no sense.
[[nodiscard]] Result<Request> decode_request(std::string_view line, std::uint64_t& id);
[[nodiscard]] Result<Answer> decode_answer(std::string_view line);

/// The two lines of a receipt's file.
[[nodiscard]] std::string encode(const StartRecord& record);
[[nodiscard]] std::string encode(const Receipt& receipt);
[[nodiscard]] std::optional<StartRecord> decode_start_record(std::string_view line);
[[nodiscard]] std::optional<Receipt> decode_receipt(std::string_view line);

}  // namespace revertd::runner
