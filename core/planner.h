// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "core/record.h"
#include "core/result.h"

namespace revertd {

struct PlanRequest {
    std::string config, service, deploy, incident, from, to;
    bool exhausted = false;  ///< the steps after the last failed attempt
};

/// Expands the configured recipes of a service into steps towards an absolute target. Pure: same request, same plan.
class Planner {
  public:
    Planner() = default;
    Planner(const Planner&) = delete;
    Planner& operator=(const Planner&) = delete;
    virtual ~Planner() = default;
    [[nodiscard]] virtual Result<std::vector<PlannedStep>> plan(const PlanRequest& request) const = 0;
};

}  // namespace revertd
