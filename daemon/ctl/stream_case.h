// SPDX-License-Identifier: Apache-2.0
// One case of the judge stream, whoever judges it: the detectors alone (judge_case.h) or a whole guard (guard_case.h).
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "daemon/ctl/judge_line.h"

namespace revertd::ctl {

/// What a deploy was announced to show before it began: so many times `what` within so many seconds, in this share.
struct Announced {
    std::string what;
    double effect = 0, within = 0, from_start = 0, later = 0, share = 0;
};

/// What was decided about one case of the judge stream.
struct CaseVerdict {
    double t = 0;  ///< of the sample that decided
    std::string verdict, severity, detector, evidence;
    std::string where = {};  ///< the damage is, when the case has endpoints
    std::vector<Announced> announced = {};
};

class StreamCase {
  public:
    StreamCase() = default;
    StreamCase(const StreamCase&) = delete;
    StreamCase& operator=(const StreamCase&) = delete;
    virtual ~StreamCase() = default;

    /// The verdict, when this sample decides; an error says why the sample is not used.
    virtual Result<std::optional<CaseVerdict>> sample(const JudgeLine& line) = 0;
    virtual CaseVerdict end(double t) = 0;
};

/// Begins a case, or says what is wrong with its header.
using CaseOpener = std::function<Result<std::unique_ptr<StreamCase>>(const JudgeLine& header)>;

/// What the lines of a case have to look like.
struct CaseForm {
    bool control = false;
    std::size_t buckets = 0, endpoints = 0;
};

Result<CaseForm> check_header(const JudgeLine& header);
Result<void> check_sample(const JudgeLine& line, const CaseForm& form);

}  // namespace revertd::ctl
