// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>

#include "core/record.h"
#include "core/state.h"
#include "daemon/api/backend.h"

namespace revertd {

/// The event of the stream that a record is, if it is one; `state` is that after the record.
[[nodiscard]] std::optional<StreamEvent> stream_event(const Record& record, const State& state);

}  // namespace revertd
