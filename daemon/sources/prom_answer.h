// SPDX-License-Identifier: Apache-2.0
// An answer of /api/v1/query or /api/v1/query_range: series, or the verdict that says why there are none to use.
#pragma once
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/verdict.h"

namespace revertd {

struct PromPoint {
    double at = 0;  ///< Unix seconds
    double value = 0;
};

struct PromSeries {
    std::vector<std::pair<std::string, std::string>> labels;
    std::vector<PromPoint> points;  ///< one of a vector, several of a matrix

    /// Empty if it is not there, as in PromQL.
    [[nodiscard]] std::string_view label(std::string_view name) const;
};

struct PromAnswer {
    Verdict verdict = Verdict::Ok;  ///< Ok (also when empty), Partial or Error
    std::string reason;             ///< words for a person, when not Ok; holds no secret
    std::vector<PromSeries> series;
    bool instant = true;                                      ///< each series has one point
    double oldest = std::numeric_limits<double>::infinity();  ///< the first instant of them

    /// The series whose label has the value; an index is made at the first question.
    [[nodiscard]] const std::vector<std::size_t>& with(const std::string& label, const std::string& value) const;

  private:
    mutable std::string indexed_;
    mutable std::map<std::string, std::vector<std::size_t>, std::less<>> index_;
};

/// Judges status and body. All or nothing: what is not exactly as documented is an Error.
[[nodiscard]] PromAnswer read_prom_answer(int status, std::string_view body);

}  // namespace revertd
