// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "daemon/ctl/stream_case.h"
#include "detectors/deploy_test.h"
#include "detectors/power.h"

namespace revertd::ctl {

/// One case: counters become differences, both groups become ticks, ticks are judged.
class JudgeCase final : public StreamCase {
  public:
    /// Says what is wrong with the header. With `announce` the verdict has what the time before the deploy let one
    /// announce, where there is no control group: a second or two of computing for each case.
    static Result<std::unique_ptr<StreamCase>> open(const JudgeLine& header, double alpha, bool announce = false);

    Result<std::optional<CaseVerdict>> sample(const JudgeLine& line) override;
    CaseVerdict end(double t) override;

  private:
    /// The last scrape of one target.
    struct Counters {
        bool known = false;
        double t = 0;
        detect::Events all;
        std::vector<double> buckets;  ///< a bucket, not cumulative
        std::vector<detect::Events> endpoints;
    };

    /// Differences of one group, added up until both groups have been seen up to the same moment.
    struct Group {
        Counters last;
        detect::GroupTick tick;
        std::vector<double> buckets;
        std::vector<detect::Events> endpoints;
        std::size_t scrapes = 0;
        std::size_t restarts = 0;  ///< after the deploy
    };

    JudgeCase(const JudgeLine& header, const CaseForm& form, const detect::DeployShape& shape, bool announce);

    bool differ(Group& group, bool fresh, const JudgeLine& line);
    void add(Group& group, const Counters& from, double dt, double at);
    static void clear(Group& group);
    std::optional<CaseVerdict> judge();
    [[nodiscard]] CaseVerdict words(const detect::Finding& finding) const;
    void divide(const Group& group, std::vector<detect::Events>& parts) const;
    [[nodiscard]] std::string where() const;
    void remember(const detect::GroupTick& tick);
    [[nodiscard]] CaseVerdict with_power(CaseVerdict verdict) const;

    double deploy_, bake_, interval_;
    CaseForm form_;
    detect::DeployTest test_;
    Group fresh_, reference_;
    Counters now_, zero_;
    std::vector<detect::Events> parts_before_, parts_now_;  ///< of the old version, and of the new one lately
    double halved_ = 0;                                     ///< when the latter were last halved
    std::optional<detect::PowerTicks> before_;              ///< when power is to be announced
};

}  // namespace revertd::ctl
