// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <vector>

#include "detectors/deploy_test.h"

namespace revertd::detect::oracle {

/// What a tick of a deploy has found, and the evidence after it.
inline std::vector<double> said(const std::optional<Finding>& found, double evidence) {
    if (!found) return {evidence, -1};
    return {evidence,
            static_cast<double>(found->kind),
            found->evidence,
            found->fresh.requests,
            found->fresh.errors,
            found->reference.requests,
            found->reference.errors,
            found->before,
            static_cast<double>(found->part),
            found->value,
            found->expected,
            found->limit};
}

}  // namespace revertd::detect::oracle
