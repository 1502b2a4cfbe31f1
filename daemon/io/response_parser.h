// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "daemon/io/http.h"

namespace revertd {

/// Reads one HTTP/1.x response as its bytes arrive and hands the body on without keeping it. Strict where leniency
/// would guess what the body is; lenient with a bare LF, as RFC 9112 allows. Reused: allocates nothing once it is warm.
class ResponseParser {
  public:
    enum class Outcome { NeedMore, Done, Failed };

    /// Before each response.
    void reset(std::size_t max_body_bytes);

    /// `sink` receives head and body, never done. After Done or Failed nothing more may be fed.
    Outcome feed(std::span<const char> bytes, Sink& sink);

    /// The peer closed: Done if the close is the end of the body, else Failed with ClosedEarly.
    Outcome close();

    [[nodiscard]] FetchError error() const { return error_; }

    [[nodiscard]] std::string_view detail() const { return detail_; }

    /// Whether a byte of the response was seen.
    [[nodiscard]] bool started() const { return started_; }

    /// After Done: whether the connection may carry another request.
    [[nodiscard]] bool keep_alive() const;

  private:
    enum class State { StatusLine, Headers, Body, BodyUntilClose, ChunkSize, ChunkData, ChunkEnd, Trailers };

    Outcome feed_line(std::span<const char>& bytes, Sink& sink);
    Outcome feed_body(std::span<const char>& bytes, Sink& sink);
    Outcome on_line(std::string_view line, Sink& sink);
    Outcome on_status_line(std::string_view line);
    Outcome on_header(std::string_view line);
    Outcome on_content_length(std::string_view value);
    void on_connection(std::string_view value);
    Outcome on_head_end(Sink& sink);
    Outcome on_chunk_size(std::string_view line);
    Outcome fail(FetchError error, std::string_view detail);

    State state_ = State::StatusLine;
    FetchError error_ = FetchError::None;
    std::string_view detail_;  // a literal
    std::string line_;         // a line that is split over reads
    std::string content_type_;
    std::optional<std::uint64_t> content_length_;
    std::uint64_t left_ = 0;  // of the body or the chunk
    std::uint64_t body_bytes_ = 0;
    std::uint64_t max_body_bytes_ = 0;
    std::size_t line_budget_ = 0;  // bytes that head, chunk sizes or trailers may still take
    int status_ = 0;
    bool started_ = false;
    bool http_1_0_ = false;
    bool wants_keep_alive_ = false;
    bool wants_close_ = false;
    bool chunked_ = false;
    bool surplus_ = false;
};

}  // namespace revertd
