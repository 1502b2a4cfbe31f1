// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "detectors/counts.h"
#include "detectors/evidence.h"
#include "detectors/latency_model.h"

namespace revertd::detect {

/// Are requests slower than a healthy deploy would make them? The share of requests above a few bucket edges is
/// compared with the control group's, or with the time before the deploy.
///
/// The null is a healthy deploy: all latencies times a benign factor, and a warm-up that decays, log1p(A
/// exp(-age/tau)), whose A and tau are learned; a second null lets each edge differ a little for itself (crude curves
/// between buckets); the better one counts. Alternatives: factors, and a new slow mode. A jump of the new group's share
/// of the traffic brings new, cold instances: the warm-up is learned anew.
class LatencyTest {
  public:
    LatencyTest(const DeployShape& shape, LatencyModel model, double share);

    /// `slow`: requests above each edge of the model.
    void step(double at, double dt, const Events& fresh, const Events& reference, std::span<const double> fresh_slow,
              std::span<const double> reference_slow);

    [[nodiscard]] double evidence() const { return evidence_ ? evidence_->value() : 0; }

    [[nodiscard]] const LatencyModel& model() const { return model_; }

    /// The edge that carries most of the evidence.
    [[nodiscard]] std::size_t strongest() const;

  private:
    struct Point {
        float log_benign = 0;
        std::uint16_t curve = 0;  ///< index into the warm-up curves
        double log_weight = 0;
    };

    struct Curve {
        double amplitude = 0, tau = 1;
        double now = 0;  ///< log factor in this tick
    };

    struct Seen {
        double fresh = 0, all = 0;
    };

    void make_null();
    void restart_null();
    void watch_share(double at, double dt, const Events& fresh, const Events& reference);
    double update_curves(double age);
    void tabulate(std::size_t edge, double slow, double requests, double reference_slow, double reference_requests,
                  double extra);
    [[nodiscard]] double likelihood(std::size_t edge, double log_above, double slow, double requests,
                                    double reference_slow, double reference_requests, double extra) const;
    void prune();

    DeployShape shape_;
    LatencyModel model_;
    std::vector<std::vector<double>> alternatives_;  ///< edge -> log share above
    std::vector<std::vector<double>> edge_null_;
    std::vector<NullMixture> edge_mixtures_;
    std::vector<Curve> curves_;
    std::vector<Point> prior_, points_;
    std::vector<double> table_;  ///< edge x factor: log-likelihood of this tick
    std::vector<double> scratch_, joint_, llr_, predicted_;
    std::optional<OnsetMixture> evidence_;
    std::array<Seen, 8> seen_{};
    std::size_t seen_count_ = 0, ticks_ = 0;
    double warm_from_ = 0;
};

}  // namespace revertd::detect
