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
#include "detectors/healthy_latency.h"
#include "detectors/latency_model.h"

namespace revertd::detect {

/// Are requests slower than a healthy deploy would make them? Requests are counted in a few latency cells. With a
/// control group: given the total of each cell, whose requests they are (independent binomials; whatever is common to
/// both groups cancels, in any shape). Without: against the shares before the deploy.
///
/// The null is a healthy deploy (HealthyLatency: a benign factor and a warm-up, both learned), which for minutes may be
/// as much faster as it likes, as when the control group is slow, or take as long as before the deploy, when the
/// control group alone is quicker, and which has blips and transients. Alternatives: factors, and a new slow mode.
/// Ticks are noisier than chance: the information of one is bounded by the jitter, which is learned.
class LatencyTest {
  public:
    LatencyTest(const DeployShape& shape, LatencyModel model, double share);

    using Cells = std::array<double, LatencyModel::kMostCells>;

    /// Requests in each cell of the model. Without `counts` they are no evidence: what is healthy of this deploy is
    /// learnt from them.
    void step(double at, double dt, const Cells& fresh, const Cells& reference, bool counts = true);

    /// New, cold instances came at `since`: the warm-up is learned anew, and what was counted as evidence from then on
    /// does not count.
    void restart(double since);
    /// The control group has new, cold instances, alone if the new group has run for long. Then what was counted stays:
    /// while they are cold the new group looks faster than it is, and one that is slow may be why the traffic went
    /// there.
    void restart_beside(double since);
    /// Some of the new group's instances were started anew within the tick that ended at `at`: from then on their
    /// warm-up is learned, and what was counted before stays. The tick is to be skipped, for they were cold in a part
    /// of it only.
    void restarted(double at);
    /// A tick that says nothing.
    void skip(double at, double dt);
    /// What was counted after `since` does not count.
    void forget(double since);

    /// New instances come all the time, few beside those that are there.
    void growing(bool grows) { growing_ = grows; }

    [[nodiscard]] double evidence() const { return evidence_ ? evidence_->value() : 0; }

    [[nodiscard]] const LatencyModel& model() const { return model_; }

    /// These sums of the last seconds, too, look more like the strongest alternative than like a healthy difference.
    [[nodiscard]] bool still(const Cells& fresh, const Cells& reference);

  private:
    /// An alternative: all requests take `times` as long, or `times` as many lie in the cells from `from` on.
    struct Alternative {
        std::size_t from = 0;
        double times = 1;
    };

    /// Of the cells from one on: the share of the requests that is expected there, and how many there were.
    struct Above {
        double share = 0, fresh = 0, both = 0;
    };

    void make_alternatives();
    [[nodiscard]] std::vector<double> weights() const;
    [[nodiscard]] double faster(double calm, double dt);
    [[nodiscard]] double as_before(double calm, const Cells& fresh, const Cells& reference, double odds, double design,
                                   double dt);
    void ask_as_before(const Cells& lately, const Cells& fresh, const Cells& reference, double odds, double design,
                       std::span<double> out) const;
    [[nodiscard]] double more_above(std::size_t from, double times, double odds) const;
    void count_above(const Cells& fresh, const Cells& reference);
    [[nodiscard]] double transient(double calm, std::span<const double> slight, double dt);
    void tabulate(const Cells& fresh, const Cells& reference, double odds, double design);
    void ask_alternatives(double odds, double design, std::span<double> out) const;
    void prepare(const Cells& fresh, const Cells& reference, double odds, double design);

    DeployShape shape_;
    LatencyModel model_;
    std::vector<Alternative> alternatives_;  // those that last, then those that come and go
    std::size_t steady_ = 0;
    std::vector<Flapping> flapping_;
    HealthyLatency healthy_;
    std::array<Above, LatencyModel::kMostCells> above_{};
    Blips blips_, transients_, growing_transients_;
    Spells faster_, as_before_;
    std::array<Cells, 2> lately_{};  ///< of the control group, in the last seconds, and in the last minute
    NullMixture growth_{{0, 0}};     // does it slow the group down that it grows?
    std::array<double, LatencyModel::kSteps> table_{};
    std::vector<double> llr_;
    std::optional<OnsetMixture> evidence_;
    ExtraVariance jitter_{0, 1};
    double most_jitter_ = 0, mean_shift_ = 0, mean_weight_ = 0;
    bool growing_ = false;
    double warm_from_ = 0, expected_ = 0;
};

}  // namespace revertd::detect
