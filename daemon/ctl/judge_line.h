// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cmath>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "detectors/counts.h"

namespace revertd::ctl {

/// One line of the judge stream, as written: what is absent, null or no number is NaN.
struct JudgeLine {
    enum class Kind { Case, Sample, End };

    struct Gauge {
        std::string name;
        double value = 0;
    };

    Kind kind = Kind::Sample;
    double t = 0;
    // a sample
    std::string target;
    double requests = 0, errors = 0, memory = 0;
    std::vector<double> buckets;            ///< cumulative counters by edge, the last one +Inf
    std::vector<detect::Events> endpoints;  ///< cumulative counters
    std::vector<Gauge> gauges;              ///< all of them, by name
    bool has_buckets = false, has_endpoints = false;
    // the header of a case, or its end
    std::string id, control_kind;
    double version = 0, start = 0, deploy = 0, bake = 0, interval = 0, endpoint_count = 0;
    double weight = 0;  ///< of the new version beside a control group, a share of the traffic
    bool control = false;
    std::vector<double> edges;
};

/// Reads lines, reusing its memory: nothing is allocated for a line once it has seen one of its size.
class JudgeLineReader {
  public:
    static constexpr std::size_t kMostBytes = 1 << 20;  ///< of a line: 256 buckets and 1,024 endpoints need 50 kB
    static constexpr std::size_t kMostBuckets = 256, kMostEndpoints = 1024, kMostGauges = 64, kMostText = 256;

    JudgeLineReader();
    ~JudgeLineReader();

    /// `line` is overwritten; it must be followed by a zero byte. The result holds until the next call.
    Result<const JudgeLine*> read(char* line);

  private:
    struct Handler;
    std::unique_ptr<Handler> handler_;
};

}  // namespace revertd::ctl
