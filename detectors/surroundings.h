// SPDX-License-Identifier: Apache-2.0
// What a deploy does not cause: load that grows, and incidents of both groups. While they last, and for some minutes
// after them, more evidence is needed.
#pragma once
#include <optional>

#include "detectors/counts.h"
#include "detectors/doubt.h"

namespace revertd::detect {

struct ErrorHistory;
class LatencyModel;
class Recent;

class Surroundings {
  public:
    Surroundings(const DeployShape& shape, const ErrorHistory& before);

    struct Load {
        std::optional<double> grows_since;    ///< it has begun to grow: instances may be cold from then on
        std::optional<double> settled_since;  ///< it is over: what was slow from then on does not count
    };

    /// More load brings new instances, cold ones, when the autoscaler sees fit, and until then those that are there are
    /// full. Neither need happen to both groups at the same time. `recent` ends with the tick of `dt` seconds at `at`.
    Load watch_load(const Recent& recent, double at, double dt);
    /// What ails both groups: the control group has clearly more errors than are usual, or is clearly slower than
    /// before the deploy.
    void watch_control(const Recent& recent, const LatencyModel& model, double at);

    /// An incident, and so much load that requests fail, need not hit both groups alike, and one that was there before
    /// the deploy may grow: then the evidence of errors has to be more.
    [[nodiscard]] Doubt of_errors(double at) const;
    /// So need the evidence of slowness: both groups may be cold again, one more than the other.
    [[nodiscard]] Doubt of_latency(double at) const;

  private:
    [[nodiscard]] bool load_grows(const Recent& recent, double at) const;

    double interval_, usual_rate_, extra_, incident_before_;
    std::optional<double> began_;             // the first tick
    double load_grew_, incident_, slowness_;  // when both groups last had that
    std::optional<double> load_grows_from_;   // until it has settled
};

}  // namespace revertd::detect
