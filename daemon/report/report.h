// SPDX-License-Identifier: Apache-2.0
// The report that people fill in by hand today, from the journal: what, numbers, decision, steps, verification,
// timeline.
#pragma once
#include <string>
#include <vector>

#include "core/state.h"

namespace revertd {

struct ReportInput {
    const Deployment* deployment = nullptr;  ///< null: a person's order without one
    const Incident* incident = nullptr;      ///< null: a bake without one
    const std::vector<Record>& records;      ///< of this deployment and incident, in order
    Now now{};
    std::string link = {};  ///< where the incident is shown; empty: nowhere
};

[[nodiscard]] std::string report_markdown(const ReportInput& input);
/// One file without outside references: nothing in it loads or runs, all text from outside is escaped.
[[nodiscard]] std::string report_html(const ReportInput& input);
[[nodiscard]] std::string report_json(const ReportInput& input);

}  // namespace revertd
