// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "daemon/api/message.h"

namespace revertd::api {

struct ResponseForm {
    bool keep_alive = false;
    bool head_only = false;
};

/// The answer as HTTP/1.1.
[[nodiscard]] std::string to_text(const Response& response, ResponseForm form);

/// The head of a stream of events, whose body ends with the connection.
[[nodiscard]] std::string stream_head();

}  // namespace revertd::api
