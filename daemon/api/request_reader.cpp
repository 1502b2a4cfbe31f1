// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/request_reader.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <limits>
#include <optional>

#include "daemon/api/answer.h"
#include "daemon/api/target.h"

namespace revertd::api {

namespace http = boost::beast::http;
using Parser = http::request_parser<http::string_body>;

namespace {

/// A chunk's size and its extensions.
constexpr std::size_t kMaxChunkHeadBytes = 1024;

std::string text_of(boost::beast::string_view text) {
    return {text.data(), text.size()};
}

Response refuse(int status, std::string message, std::string hint = {}) {
    Response response = error_response({ErrorCode::Invalid, std::move(message), std::move(hint)});
    response.status = status;
    return response;
}

}  // namespace

struct RequestReader::Impl {
    explicit Impl(const ApiLimits& limits_) : limits(limits_) {}

    void reset() {
        parser.emplace();
        parser->eager(false);  // stops behind the head, before trailers could change what it says
        parser->header_limit(static_cast<std::uint32_t>(limits.head_bytes));
        parser->body_limit(limits.body_bytes);
        request = {};
        is_head_taken = false;
    }

    Outcome fail(Response response) {
        refusal = std::move(response);
        return Outcome::Failed;
    }

    Outcome fail(const boost::system::error_code& error) {
        if (error == http::error::header_limit) return fail(refuse(431, "the head of the request is too large"));
        if (error == http::error::body_limit) return fail(refuse(413, "the body of the request is too large"));
        return fail(refuse(400, "not a valid HTTP/1.1 request: " + error.message()));
    }

    Outcome take_head() {
        is_head_taken = true;
        const auto& message = parser->get();
        request.method = text_of(message.method_string());
        request.keep_alive = parser->keep_alive();
        request.host = text_of(message[http::field::host]);
        request.last_event_id = text_of(message["Last-Event-ID"]);
        const auto hosts = message.count(http::field::host);
        if (hosts > 1 || (hosts == 0 && message.version() >= 11)) return fail(refuse(400, "one Host header is needed"));
        const auto encodings = message.equal_range(http::field::transfer_encoding);
        for (auto it = encodings.first; it != encodings.second; ++it)
            if (!boost::beast::iequals(it->value(), "chunked")) return fail(refuse(501, "only chunked is understood"));
        if (auto target = parse_target(text_of(message.target()), request); !target)
            return fail(error_response(target.error()));
        return Outcome::NeedMore;
    }

    const ApiLimits& limits;
    std::optional<Parser> parser;
    Request request;
    bool is_head_taken = false;
    Response refusal;
};

RequestReader::RequestReader(const ApiLimits& limits) : impl_(std::make_unique<Impl>(limits)) {
    impl_->reset();
}

RequestReader::~RequestReader() = default;

void RequestReader::reset() {
    impl_->reset();
}

RequestReader::Outcome RequestReader::feed(std::string& input) {
    Parser& parser = *impl_->parser;
    while (!parser.is_done()) {
        if (input.empty()) return Outcome::NeedMore;
        boost::system::error_code error;
        const std::size_t taken = parser.put(boost::asio::buffer(input), error);
        input.erase(0, taken);
        if (error && error != http::error::need_more) return impl_->fail(error);
        if (parser.is_header_done() && !impl_->is_head_taken && impl_->take_head() == Outcome::Failed)
            return Outcome::Failed;
        if (error == http::error::need_more && taken == 0) {
            if (impl_->is_head_taken && input.size() > kMaxChunkHeadBytes + impl_->limits.head_bytes)
                return impl_->fail(refuse(400, "a chunk's head is too large"));
            return Outcome::NeedMore;
        }
    }
    impl_->request.body = std::move(parser.get().body());
    return Outcome::Done;
}

bool RequestReader::head_done() const {
    return impl_->is_head_taken;
}

Request RequestReader::take() {
    return std::move(impl_->request);
}

const Response& RequestReader::refusal() const {
    return impl_->refusal;
}

}  // namespace revertd::api
