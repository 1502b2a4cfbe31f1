// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "core/state.h"

namespace revertd {

/// Good, or declared while there is no good one (S1).
[[nodiscard]] constexpr bool is_target(Standing standing) {
    return standing == Standing::Good || standing == Standing::Declared;
}

struct TargetChoice {
    std::string version;               ///< empty: none
    std::vector<std::string> skipped;  ///< ran after it and are passed over (S3)
    bool ran_right_before = true;
};

/// The newest good version that is not `live` (S3); `before` ran right before the deploy.
[[nodiscard]] TargetChoice choose_target(const ServiceState& service, const std::string& live,
                                         const std::string& before);

/// The last rollback of the service went back to this version and did not help, and nothing has passed since: the same
/// cure is not tried again unasked.
[[nodiscard]] const Incident* failed_cure(const State& state, const std::string& service, const std::string& version);

}  // namespace revertd
