// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/answer.h"

#include "daemon/api/json_text.h"

namespace revertd::api {
namespace {

int status_of(ErrorCode code) {
    switch (code) {
        case ErrorCode::Invalid:
            return 400;
        case ErrorCode::NotFound:
            return 404;
        case ErrorCode::Conflict:
            return 409;
        case ErrorCode::NotAllowed:
            return 403;
        case ErrorCode::Unavailable:
            return 503;
        case ErrorCode::Timeout:
            return 504;
        case ErrorCode::Limit:
            return 429;
        case ErrorCode::Io:
        case ErrorCode::Corrupt:
        case ErrorCode::Internal:
            return 500;
    }
    return 500;
}

}  // namespace

Response error_response(const Error& error, Duration retry_after) {
    JsonText out;
    out.open_object();
    out.open_object("error");
    out.put_text("code", to_string(error.code));
    out.put_text("message", error.message);
    out.put_text("hint", error.hint);
    out.close_object();
    out.close_object();
    Response response = json_response(out.take(), status_of(error.code));
    if (retry_after > Duration::zero()) {
        const auto whole = std::chrono::ceil<std::chrono::seconds>(retry_after).count();
        response.headers.emplace_back("Retry-After", std::to_string(whole));
    }
    return response;
}

Response json_response(std::string json, int status) {
    Response response;
    response.status = status;
    response.body = std::move(json) + "\n";
    return response;
}

Response text_response(std::string text) {
    Response response;
    response.body = std::move(text);
    response.type = "text/plain; charset=utf-8";
    return response;
}

}  // namespace revertd::api
