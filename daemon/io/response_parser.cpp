// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/response_parser.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "daemon/io/http_text.h"
#include "daemon/io/limits.h"

namespace revertd {
namespace {

/// A split line keeps its memory for the next answer up to here; beyond, a hostile head has grown it.
constexpr std::size_t kKeptLineBytes = 4096;
constexpr std::size_t kMaxContentTypeBytes = 256;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

template <class Number>
bool parse_all(std::string_view text, Number& number, int base) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

void ResponseParser::reset(std::size_t max_body_bytes) {
    state_ = State::StatusLine;
    error_ = FetchError::None;
    detail_ = {};
    line_.clear();
    if (line_.capacity() > kKeptLineBytes) line_.shrink_to_fit();
    content_type_.clear();
    content_length_.reset();
    body_bytes_ = 0;
    max_body_bytes_ = max_body_bytes;
    line_budget_ = kMaxHeadBytes;
    started_ = surplus_ = false;
}

ResponseParser::Outcome ResponseParser::feed(std::span<const char> bytes, Sink& sink) {
    if (!bytes.empty()) started_ = true;
    Outcome outcome = Outcome::NeedMore;
    while (!bytes.empty() && outcome == Outcome::NeedMore) {
        const bool is_body = state_ == State::Body || state_ == State::BodyUntilClose || state_ == State::ChunkData;
        outcome = is_body ? feed_body(bytes, sink) : feed_line(bytes, sink);
    }
    surplus_ = !bytes.empty();
    return outcome;
}

ResponseParser::Outcome ResponseParser::close() {
    if (state_ == State::BodyUntilClose) return Outcome::Done;
    return fail(FetchError::ClosedEarly, started_ ? "closed in the middle of the answer" : "closed without an answer");
}

ResponseParser::Outcome ResponseParser::feed_line(std::span<const char>& bytes, Sink& sink) {
    const auto* newline = static_cast<const char*>(std::memchr(bytes.data(), '\n', bytes.size()));
    const std::size_t used = newline ? static_cast<std::size_t>(newline - bytes.data()) + 1 : bytes.size();
    if (used > line_budget_) return fail(FetchError::TooLarge, "head, chunk sizes or trailers beyond their limit");
    line_budget_ -= used;
    std::string_view line(bytes.data(), used);
    bytes = bytes.subspan(used);
    if (!newline || !line_.empty()) {
        if (line_.size() + used > kMaxHeadBytes) return fail(FetchError::TooLarge, "line beyond its limit");
        line_.append(line);
        if (!newline) return Outcome::NeedMore;
        line = line_;
    }
    line.remove_suffix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const Outcome outcome = on_line(line, sink);
    line_.clear();
    return outcome;
}

ResponseParser::Outcome ResponseParser::feed_body(std::span<const char>& bytes, Sink& sink) {
    const bool until_close = state_ == State::BodyUntilClose;
    const std::size_t size =
        until_close ? bytes.size() : static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
    body_bytes_ += size;
    if (body_bytes_ > max_body_bytes_) return fail(FetchError::TooLarge, "body beyond its limit");
    if (!sink.body(bytes.first(size))) return fail(FetchError::Aborted, {});
    bytes = bytes.subspan(size);
    if (until_close) return Outcome::NeedMore;
    left_ -= size;
    if (left_ > 0) return Outcome::NeedMore;
    if (state_ == State::Body) return Outcome::Done;
    state_ = State::ChunkEnd;
    return Outcome::NeedMore;
}

ResponseParser::Outcome ResponseParser::on_line(std::string_view line, Sink& sink) {
    switch (state_) {
        case State::StatusLine:
            return on_status_line(line);
        case State::Headers:
            return line.empty() ? on_head_end(sink) : on_header(line);
        case State::ChunkSize:
            return on_chunk_size(line);
        case State::ChunkEnd:
            if (!line.empty()) return fail(FetchError::Malformed, "chunk longer than its size");
            state_ = State::ChunkSize;
            return Outcome::NeedMore;
        case State::Trailers:
            return line.empty() ? Outcome::Done : Outcome::NeedMore;
        case State::Body:
        case State::BodyUntilClose:
        case State::ChunkData:
            break;
    }
    return fail(FetchError::Malformed, "line inside a body");
}

ResponseParser::Outcome ResponseParser::on_status_line(std::string_view line) {
    const bool has_shape = line.starts_with("HTTP/1.") && line.size() >= 12 && (line[7] == '0' || line[7] == '1') &&
                           line[8] == ' ' && std::all_of(line.begin() + 9, line.begin() + 12, is_digit) &&
                           (line.size() == 12 || line[12] == ' ');
    if (!has_shape) return fail(FetchError::Malformed, "no HTTP/1.x status line");
    status_ = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
    if (status_ < 100 || status_ > 599 || status_ == 101) return fail(FetchError::Malformed, "status out of range");
    http_1_0_ = line[7] == '0';
    wants_keep_alive_ = !http_1_0_;
    wants_close_ = chunked_ = false;
    content_length_.reset();
    state_ = State::Headers;
    return Outcome::NeedMore;
}

ResponseParser::Outcome ResponseParser::on_header(std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return fail(FetchError::Malformed, "header without a colon");
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trim(line.substr(colon + 1));
    if (!is_token(name)) return fail(FetchError::Malformed, "header name with forbidden characters");
    if (!is_field_value(value)) return fail(FetchError::Malformed, "header value with control characters");
    if (is_same(name, "content-type")) content_type_ = value.substr(0, kMaxContentTypeBytes);
    if (is_same(name, "connection")) on_connection(value);
    if (is_same(name, "content-length")) return on_content_length(value);
    if (is_same(name, "transfer-encoding")) {
        if (chunked_ || !is_same(value, "chunked"))
            return fail(FetchError::Malformed, "transfer encoding other than chunked");
        chunked_ = true;
    }
    if (is_same(name, "content-encoding") && !value.empty() && !is_same(value, "identity")) {
        return fail(FetchError::Malformed, "content encoding that was not offered");
    }
    return Outcome::NeedMore;
}

ResponseParser::Outcome ResponseParser::on_content_length(std::string_view value) {
    std::uint64_t length = 0;
    if (!parse_all(value, length, 10)) return fail(FetchError::Malformed, "content length that is no number");
    if (content_length_ && *content_length_ != length)
        return fail(FetchError::Malformed, "two different content lengths");
    content_length_ = length;
    return Outcome::NeedMore;
}

void ResponseParser::on_connection(std::string_view value) {
    while (!value.empty()) {
        const std::size_t comma = value.find(',');
        const std::string_view token = trim(value.substr(0, comma));
        if (is_same(token, "close")) wants_close_ = true;
        if (is_same(token, "keep-alive")) wants_keep_alive_ = true;
        value = comma == std::string_view::npos ? "" : value.substr(comma + 1);
    }
}

ResponseParser::Outcome ResponseParser::on_head_end(Sink& sink) {
    if (status_ < 200) {  // 100 Continue, 103 Early Hints: the real head follows
        state_ = State::StatusLine;
        content_type_.clear();
        return Outcome::NeedMore;
    }
    // Both lengths, or chunks from HTTP/1.0, mean that somebody on the way reads another body than we do.
    if (chunked_ && content_length_) return fail(FetchError::Malformed, "both content length and transfer encoding");
    if (chunked_ && http_1_0_) return fail(FetchError::Malformed, "transfer encoding in HTTP/1.0");
    line_budget_ = kMaxHeadBytes + static_cast<std::size_t>(max_body_bytes_);
    const bool has_body = status_ != 204 && status_ != 304 && content_length_ != 0U;
    sink.head(status_, content_type_, content_length_);
    if (!has_body) return Outcome::Done;
    if (content_length_.value_or(0) > max_body_bytes_) return fail(FetchError::TooLarge, "body beyond its limit");
    left_ = content_length_.value_or(0);
    state_ = chunked_ ? State::ChunkSize : content_length_ ? State::Body : State::BodyUntilClose;
    return Outcome::NeedMore;
}

ResponseParser::Outcome ResponseParser::on_chunk_size(std::string_view line) {
    const std::string_view size = trim(line.substr(0, line.find(';')));
    if (!parse_all(size, left_, 16)) return fail(FetchError::Malformed, "chunk size that is no number");
    if (left_ > max_body_bytes_ - body_bytes_) return fail(FetchError::TooLarge, "body beyond its limit");
    state_ = left_ == 0 ? State::Trailers : State::ChunkData;
    return Outcome::NeedMore;
}

ResponseParser::Outcome ResponseParser::fail(FetchError error, std::string_view detail) {
    error_ = error;
    detail_ = detail;
    return Outcome::Failed;
}

bool ResponseParser::keep_alive() const {
    return wants_keep_alive_ && !wants_close_ && !surplus_ && state_ != State::BodyUntilClose;
}

}  // namespace revertd
