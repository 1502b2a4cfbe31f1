// SPDX-License-Identifier: Apache-2.0
// The text format read slowly and obviously: one function a rule, the whole body at once, a copy of everything.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace revertd {

/// `name{label="value",...}` with sorted labels and without empty ones, and its value; in the order of the body, series
/// that come twice included. Nothing if any line is wrong.
using ReferenceSamples = std::vector<std::pair<std::string, double>>;
[[nodiscard]] std::optional<ReferenceSamples> reference_parse(const std::string& body);

}  // namespace revertd
