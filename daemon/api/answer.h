// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "core/clock.h"
#include "core/result.h"
#include "daemon/api/message.h"

namespace revertd::api {

/// `{"error": {"code", "message", "hint"}}` with the status of the error's class; `retry_after` as that header.
[[nodiscard]] Response error_response(const Error& error, Duration retry_after = {});

[[nodiscard]] Response json_response(std::string json, int status = 200);

[[nodiscard]] Response text_response(std::string text);

}  // namespace revertd::api
