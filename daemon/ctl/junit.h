// SPDX-License-Identifier: Apache-2.0
// Test results as CI systems read them (the format of Jenkins and GitLab). Pure.
#pragma once
#include <string>
#include <vector>

#include "core/clock.h"
#include "daemon/ctl/json.h"

namespace revertd::ctl {

struct TestCase {
    enum class Result { Passed, Failed, Error, Skipped };

    std::string name;
    Result result = Result::Passed;
    std::string kind;     ///< P0 to P3, or what failed
    std::string message;  ///< one line; more in `details`
    std::string details;
};

struct TestSuite {
    std::string name, classname;
    std::string timestamp;  ///< RFC 3339
    double seconds = 0;
    std::vector<TestCase> cases;
};

[[nodiscard]] std::string junit_xml(const TestSuite& suite);

/// A guard that has ended: one case a rule, by what `report` (report.json) says of it, and one for the verdict.
[[nodiscard]] TestSuite suite_of(const Json& deployment, const Json& report, bool inconclusive_passes);

}  // namespace revertd::ctl
