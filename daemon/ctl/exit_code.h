// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/result.h"

namespace revertd::ctl {

/// What scripts tell apart (contract, section 3). Results of a guard and of `gate` come from the daemon as they are.
enum ExitCode : int {
    kDone = 0,
    kFailed = 1,
    kUsage = 2,
    kWarnings = 3,
    kInconclusive = 14,
    kUnreachable = 69,
    kNotAllowed = 77,
    kTimedOut = 124,
    kInterrupted = 130,
};

[[nodiscard]] constexpr int exit_code_of(ErrorCode code) {
    if (code == ErrorCode::Unavailable) return kUnreachable;
    return code == ErrorCode::NotAllowed ? kNotAllowed : kFailed;
}

}  // namespace revertd::ctl
