// SPDX-License-Identifier: Apache-2.0
// A simulated deploy, scrape by scrape, as lines of the judge stream.
//
// Requests: negative binomial around rate x time of day x bursts x share. Errors: binomial; the rate of a group is the
// usual one times a host's factor, a drift and two clumped factors, one of which both groups share. Latency: a body, a
// slow mode and a tail, all log-normal, times a host's factor, drift, jitter and load, counted in buckets. What is
// bad, or special, multiplies on top (Behaviour).
#pragma once
#include <functional>
#include <vector>

#include "daemon/ctl/judge_line.h"
#include "tests/detectors/deploys/spec.h"

namespace revertd::deploys {

class Deploy {
  public:
    using Line = std::function<void(const ctl::JudgeLine&)>;

    Deploy(Spec spec, Random& random);

    /// The header; then every scrape in the order of time, then the end. Once.
    void play(const std::string& id, const Line& line);

    [[nodiscard]] const Spec& spec() const { return spec_; }

  private:
    /// One group of instances: what is its own, and its counters.
    struct Group {
        explicit Group(const Spec& spec) : parts(spec.parts), buckets(spec.edges.size() + 1) {}

        const Behaviour* behaviour = nullptr;
        double errors = 1, latency = 1;  ///< the host's factors
        double requests = 0, failed = 0;
        std::vector<detect::Events> parts;
        std::vector<double> buckets;
    };

    /// What both groups share in a tick.
    struct Common {
        double load = 1, errors = 1, latency = 1;
    };

    Common common(double middle);
    [[nodiscard]] Group started(const Group& before) const;
    void tick(Group& group, const Common& common, double share, double middle, bool fresh);
    void count_errors(Group& group, double requests, double rate, double failing, double middle, bool fresh);
    void count_latency(Group& group, double requests, double factor, double slow);
    void scrape(Group& group, double at, const char* target, bool fresh, const Line& line);
    [[nodiscard]] double wandering(double& state, double sd, double seconds);

    Spec spec_;
    Random& random_;
    std::vector<double> part_shares_, part_errors_;
    double burst_ = 0, drift_errors_ = 0, drift_latency_ = 0, usual_load_ = 1;
    ctl::JudgeLine line_;
};

}  // namespace revertd::deploys
