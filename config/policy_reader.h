// SPDX-License-Identifier: Apache-2.0
// The blocks about people: severity, limits, people, report.
#pragma once
#include <array>
#include <string>

#include "config/load.h"
#include "config/reader.h"

namespace revertd::config {

/// What holds without a `severity` block: the example's matrix without `by` (S27).
[[nodiscard]] SeverityMatrix default_severity();

/// Each overrides what is written, and leaves the rest as it was.
void read_severity(const Node& node, SeverityMatrix& out);
void read_limits(const Node& node, Limits& out);

void read_people(const Node& root, Settings& out, Diagnostics& diagnostics);
/// `by` must name a role that has members; `node` is a `severity` block.
void check_roles(const Node& node, const Settings& settings, Diagnostics& diagnostics);

[[nodiscard]] ReportSettings read_report(const Node& root, Diagnostics& diagnostics);

}  // namespace revertd::config
