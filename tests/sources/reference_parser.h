// SPDX-License-Identifier: Apache-2.0
// The text format read slowly and obviously: one function a rule, the whole body at once, a copy of everything.
#pragma once
#include <optional>
#include <string>
#include <vector>

namespace revertd {

struct ReferenceSample {
    std::string metric;
    std::string labels;  ///< sorted, without empty ones, each with its lengths: no two sets have the same text
    double value = 0;
};

/// In the order of the body, series that come twice included. Nothing if any line is wrong.
using ReferenceSamples = std::vector<ReferenceSample>;
[[nodiscard]] std::optional<ReferenceSamples> reference_parse(const std::string& body);

}  // namespace revertd
