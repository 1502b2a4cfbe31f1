// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "daemon/report/report.h"

namespace revertd {

/// One rule that held.
struct Explanation {
    std::string rule;                                        ///< its sentence, severity and since when
    std::vector<std::pair<std::string, std::string>> words;  ///< name and value, such as "where"
    std::string drawn;                                       ///< what the plot shows
    std::vector<std::string> plot;                           ///< lines of characters of our own
};

/// Why the deploy was called bad, for someone who does not know the statistics: for each rule that held the numbers,
/// the comparison, the odds, where it is, and a plot. Nothing when no rule held.
[[nodiscard]] std::vector<Explanation> explain(const ReportInput& input);

/// The value of a sequential test is its evidence: the odds against a healthy deploy.
[[nodiscard]] bool is_statistical(const RuleChanged& rule);
/// "1 : 290,000", "less than 1 : 1,000,000"
[[nodiscard]] std::string evidence_words(double evidence);
/// Of a limit, which is no claim about a deploy: "1 : 1,000", "1 : 100,000,000"
[[nodiscard]] std::string needed_words(double limit);

/// The same as lines for a terminal, and what a person can do next.
[[nodiscard]] std::vector<std::string> explain_lines(const ReportInput& input);

}  // namespace revertd
